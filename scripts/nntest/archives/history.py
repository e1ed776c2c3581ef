"""The history: one small JSON file a run, with the time of each network.

A run that goes on later, with more repetitions or other libraries, writes a file of its own.  What
both have of one measurement is told by when that began, and the newer file's counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, Field

from nntest.config.fields import Strict
from nntest.config.load import validated
from nntest.errors import UserError


class Time(Strict):
    """A time with its 95 % interval, µs; no ends where there is no interval."""

    us: float = Field(gt=0)
    low_us: float | None = None
    high_us: float | None = None


class NetworkTime(Strict):
    """A network's time on one machine with one library, for one batch."""

    network: str
    platform: str
    device: str
    library: str
    version: str
    batch_size: int
    data_type: str
    threads: int | None
    cores: str | None = None
    comparable: str
    """The same for runs that measured the same layers in the same way."""
    first_started_at: AwareDatetime
    last_started_at: AwareDatetime
    runs: int
    clean: int
    """Of `runs`, those that nothing disturbed."""
    estimated: Time
    measured: Time | None
    """Of the whole network, where it ran as one."""

    @property
    def time(self) -> Time:
        """The measured time, else the estimated one."""
        return self.measured or self.estimated

    @property
    def series(self) -> tuple[object, ...]:
        """What times share that make one line over runs."""
        return (
            self.network, self.platform, self.device, self.library, self.batch_size,
            self.data_type, self.threads or 0, self.cores or "", self.measured is not None,
            self.comparable,
        )  # fmt: skip


class Run(Strict):
    """What one run adds to the history."""

    format: Literal[1] = 1
    study: str
    networks: tuple[NetworkTime, ...]


def write_run(run: Run, folder: Path) -> Path | None:
    """Write a run's file; None, and no file, for a run without a network's time.

    It is named by when its last measurement began, so the same measurements write the same file.
    """
    if not run.networks:
        return None
    last = max(one.last_started_at for one in run.networks).astimezone(UTC)
    path = folder / f"{last:%Y-%m-%dT%H%M%SZ}.{run.study}.json"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(run.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return path


def read_history(folder: Path) -> list[NetworkTime]:
    """Every measurement of a folder of runs once, the oldest first.

    `UserError` for a folder without runs, and for a file that is none of ours.
    """
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise UserError(
            f"{folder}: holds no run",
            "every run of the workflow that measures a network writes a file there",
        )
    found: dict[tuple[object, ...], NetworkTime] = {}
    for one in _all(paths):
        key = (*one.series, one.version, one.first_started_at)
        if key not in found or one.last_started_at >= found[key].last_started_at:
            found[key] = one
    return sorted(found.values(), key=lambda one: one.first_started_at)


def _all(paths: Iterable[Path]) -> Iterable[NetworkTime]:
    for path in paths:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not JSON"
            raise UserError(f"{path}: cannot be read: {why}", _WAY_OUT) from None
        if not isinstance(content, dict):
            raise UserError(f"{path}: not a run's history file", _WAY_OUT)
        yield from validated(Run, content, str(path)).networks


_WAY_OUT = "move the file out of the folder"
