"""One line for all sweeps that go on at once, each of which is a process of its own.

They tell each other how far they are by small files in a folder; whose turn it is shows all.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

STUCK_S = 60.0
"""Who has not come further for so long is named."""


@dataclass(frozen=True)
class HowFar:
    """How far a sweep is."""

    name: str
    pid: int
    total: int
    done: int
    seconds_left: float | None
    since: float
    """Seconds since the epoch: when it came so far."""


class JointProgress:
    """A sweep's word to the others, and their words."""

    def __init__(self, folder: Path, name: str) -> None:
        """folder: the same for all of a study's sweeps."""
        self._folder = folder
        self._name = name
        self._own: HowFar | None = None

    def tell(self, status: Mapping[str, Any]) -> list[HowFar]:
        """Say how far this sweep is by its job's status; how far all that go on are."""
        done = status["repetitions"] - status["missing"]
        if self._own is None or self._own.done != done:
            self._own = HowFar(
                self._name, os.getpid(), status["repetitions"], done,
                status.get("seconds_left"), time.time(),
            )  # fmt: skip
            self._folder.mkdir(parents=True, exist_ok=True)
            new = self._folder / f"{self._name}.new"
            new.write_text(json.dumps(asdict(self._own)), encoding="utf-8")
            new.replace(self._folder / f"{self._name}.json")
        return self._all()

    def _all(self) -> list[HowFar]:
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                told = HowFar(**json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError):
                continue  # it has just ended, or is another version's
            if _runs(told.pid):
                found.append(told)
        return found

    def is_its_turn(self, every_s: float) -> bool:
        """Whether nobody has shown all for so long; then this sweep has."""
        turn = self._folder / "turn"
        try:
            if 0 <= time.time() - turn.stat().st_mtime < every_s:
                return False
        except FileNotFoundError:
            pass
        turn.touch()
        return True

    def close(self) -> None:
        """Have the others know that it has ended."""
        (self._folder / f"{self._name}.json").unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is another user's
    return True


def stuck(sweeps: list[HowFar]) -> list[HowFar]:
    """Those that have not come further for long, by far."""
    now = time.time()
    return [sweep for sweep in sweeps if now - sweep.since > STUCK_S]
