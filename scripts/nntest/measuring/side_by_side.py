"""Two releases of a library measured beside each other: one point, processes in one mixed order."""

from __future__ import annotations

import hashlib
import json
import posixpath
import statistics
from collections.abc import Callable, Container, Sequence
from io import BytesIO
from typing import Any

from onboard.clean_runs import CLEAN, DISTURBED, FEWEST_CLEAN, UNKNOWN
from onboard.job_names import DONE, JOURNAL_FILE
from onboard.outcomes import OK, lines_of

from nntest.archives.ck.disturbance import disturbance
from nntest.config.study import Study, Sweep
from nntest.errors import UserError
from nntest.measuring.detached import DetachedJob
from nntest.measuring.libraries import KINDS
from nntest.measuring.onboard import absolute_root, version
from nntest.measuring.plan import build_plan
from nntest.measuring.probe import probe
from nntest.measuring.progress import Watcher
from nntest.measuring.transport import Transport, TransportError

_Process = list[tuple[float, str]]
"""Its timed runs: seconds, and whether they were clean."""
KEPT = "what is measured stays on the board; the same command goes on from there"


class SideBySide:
    """Measures releases beside a good one, each pair in a journal of its own on the board."""

    def __init__(
        self,
        transport: Transport,
        good: str,
        job_of: Callable[[str], tuple[Study, Sweep]],
        repetitions: int,
        watcher: Watcher,
    ) -> None:
        """`job_of` gives a release's sweep, of one point; `repetitions` are those of a process."""
        self._transport, self._good, self._watcher = transport, good, watcher
        self._job_of, self._repetitions = job_of, repetitions
        self._board = job_of(good)[1].board
        self._facts, _ = probe(transport, self._board)
        self._root = absolute_root(transport, self._board)
        self._plans: dict[str, dict[str, Any]] = {good: self._plan(good)}

    def measure(self, release: str, processes: int) -> tuple[list[float], list[float]] | None:
        """Medians of processes of the good release and of another one, in seconds, as many of each.

        Of their clean runs, where `FEWEST_CLEAN` processes of both have one; those without are
        then left out, so there may be fewer than were asked for.
        None, and a note why, where the other one cannot be installed or does not run the point.
        Raises `UserError` where the good one does not, or the board does not answer.
        """
        try:
            if release not in self._plans:
                self._plans[release] = self._plan(release)
        except TransportError:
            raise
        except UserError as error:
            self._watcher.note(f"{release}: passed over: {error.message}")
            return None
        points = [
            {
                **self._plans[name]["points"][0],
                "repetitions": processes * self._repetitions,
                "repetitions_per_process": self._repetitions,
                "protocol": "in-process",
            }
            for name in (self._good, release)
        ]
        found = self._run(points)
        for name, point in zip((self._good, release), points, strict=True):
            reason = found[point["id"]]
            if isinstance(reason, str):
                if name == self._good:
                    raise UserError(f"the good release {name} does not run the point: {reason}")
                self._watcher.note(f"{name}: passed over: {reason}")
                return None
        sides = [side[:processes] for side in found.values() if not isinstance(side, str)]
        clean = [_medians(side, {CLEAN}) for side in sides]
        if min(len(side) for side in clean) >= FEWEST_CLEAN:
            count = min(len(side) for side in clean)
            return clean[0][:count], clean[1][:count]
        return _medians(sides[0]), _medians(sides[1])

    def _plan(self, release: str) -> dict[str, Any]:
        """Install a release; its plan, of one point."""
        study, sweep = self._job_of(release)
        kind = KINDS[sweep.library.kind](sweep.library, self._watcher)
        installed = kind.install(self._transport, sweep.board, self._facts)
        return build_plan(
            study, sweep, installed, self._facts,
            programs=posixpath.join(self._root, "programs", version()), folder=self._root,
            planned_at="",
        )  # fmt: skip

    def _run(self, points: list[dict[str, Any]]) -> dict[str, list[_Process] | str]:
        """By point: its processes in their order, or why it failed."""
        plan = {**self._plans[self._good], "points": points}
        plan["plan_id"] = _digest([self._repetitions, points])
        pair = _digest([self._repetitions, [point["id"] for point in points]])
        folder = posixpath.join(self._root, "bisect", pair)
        job = DetachedJob(
            self._transport, self._board, self._watcher, script="runner.py", folder=folder,
            plan_id=plan["plan_id"], study="bisect",
        )  # fmt: skip
        status = job.run(lambda: plan, KEPT)
        if status["state"] != DONE:
            raise UserError(f"board {self._board.name}: stopped: {status.get('message', '')}")
        journal = self._transport.read(posixpath.join(folder, JOURNAL_FILE)) or b""
        runs: dict[str, dict[int, _Process]] = {point["id"]: {} for point in points}
        failed: dict[str, str] = {}
        for line in lines_of(BytesIO(journal)):
            if line.get("point") in runs and line["status"] == OK:
                state = disturbance(line, line["time_s"])["run_state"]
                runs[line["point"]].setdefault(line["process"], []).append((line["time_s"], state))
            elif line.get("point") in runs:
                failed[line["point"]] = f"{line['status']}: {line['reason']}"
        return {
            point: failed.get(point) or [of for _, of in sorted(processes.items())]
            for point, processes in runs.items()
        }


def _medians(
    processes: Sequence[_Process], states: Container[str] = (CLEAN, DISTURBED, UNKNOWN)
) -> list[float]:
    """Median of each process's runs in one of the `states`; without those that have none."""
    kept = [[time_s for time_s, state in runs if state in states] for runs in processes]
    return [statistics.median(times) for times in kept if times]


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
