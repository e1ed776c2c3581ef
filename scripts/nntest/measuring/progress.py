"""A progress line with the time left: on a terminal rewritten in place, elsewhere now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from nntest.errors import UserError
from nntest.measuring.joint_progress import HowFar, JointProgress, stuck

BAR_WIDTH = 24
QUIET_EVERY_S = 15.0
JOINT_EVERY_S = 1.0
"""On a terminal, where several sweeps share a line."""
NAMED_STUCK = 4


class NotWatched(UserError):
    """A job on a board did not begin, or goes on without us."""


class BoardBusy(NotWatched):
    """Somebody else measures on the board, and nobody is to wait or to take it over."""


class ProgressLine:
    """Shows how far a job on a board is, on a terminal (or what stands for one) and in a log."""

    def __init__(
        self,
        name: str,
        stream: TextIO,
        log: TextIO | None = None,
        joint: JointProgress | None = None,
    ) -> None:
        """joint: with what the stream is shared, where others go on at the same time."""
        self._name = name
        self._stream = stream
        self._log = log
        self._joint = joint
        self._last = 0.0
        self._open_line = False

    def progress(self, status: Mapping[str, Any]) -> None:
        """Show how far a job on a board is, by its status; or how far all are."""
        text = self._text(status)
        sweeps = self._joint.tell(status) if self._joint else []
        if self._joint is None or len(sweeps) < 2:
            self.show(text)
            return
        if self._is_due():
            self._write_log(text)
        every_s = JOINT_EVERY_S if self._stream.isatty() else QUIET_EVERY_S
        if self._joint.is_its_turn(every_s):
            self._write(joint_text(sweeps))

    def show(self, text: str) -> None:
        """Show a line instead of the one before: on a terminal, elsewhere now and then."""
        due = self._is_due()
        if due or self._stream.isatty():
            self._write(text)
        if due:
            self._write_log(text)

    def _is_due(self) -> bool:
        now = time.monotonic()
        due = now - self._last >= QUIET_EVERY_S
        if due:
            self._last = now
        return due

    def _write(self, text: str) -> None:
        if self._stream.isatty():
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()
            self._open_line = True
        else:
            print(text, file=self._stream, flush=True)

    def note(self, text: str) -> None:
        """Say something once, on a line of its own."""
        if self._joint and self._stream.isatty():
            self._stream.write("\r\x1b[K")  # the line may be another process's
        elif self._open_line:
            self._stream.write("\n")
            self._open_line = False
        print(f"{self._name}: {text}", file=self._stream, flush=True)
        self._write_log(text)

    def _write_log(self, text: str) -> None:
        if self._log is not None:
            print(time.strftime("%Y-%m-%dT%H:%M:%S"), text, file=self._log, flush=True)

    def _text(self, status: Mapping[str, Any]) -> str:
        total = status["repetitions"]
        done = total - status["missing"]
        unit = f" {status['unit']}" if "unit" in status else ""
        parts = [f"{self._name} [{_bar(done, total)}] {done}/{total}{unit}"]
        if status["failed_points"]:
            parts.append(f"{status['failed_points']} points failed")
        if status.get("seconds_left") is not None:
            parts.append(f"{duration(status['seconds_left'])} left")
        if status.get("current"):
            parts.append(status["current"])
        return ", ".join(parts)


class Watcher:
    """A workflow that waits for a job on a board: it shows the progress, and may have ended."""

    def __init__(
        self, line: ProgressLine | None = None, gone: Callable[[], bool] = lambda: False
    ) -> None:
        """`gone` says that the workflow that wanted the job has ended; the job then continues."""
        self._line = line
        self.gone = gone
        self._noted: set[str] = set()

    def note(self, text: str) -> None:
        """Say something."""
        if self._line is not None:
            self._line.note(text)

    def note_once(self, text: str) -> None:
        """Say something that may come up again and again."""
        if text not in self._noted:
            self._noted.add(text)
            self.note(text)

    def progress(self, status: Mapping[str, Any]) -> None:
        """Show how far it is."""
        if self._line is not None:
            self._line.progress(status)


def joint_text(sweeps: list[HowFar]) -> str:
    """How far several sweeps are, and which of them have not come further for a while."""
    done, total = (sum(getattr(sweep, name) for sweep in sweeps) for name in ("done", "total"))
    parts = [f"{len(sweeps)} sweeps at once [{_bar(done, total)}] {done}/{total}"]
    left = [sweep.seconds_left for sweep in sweeps if sweep.seconds_left is not None]
    if left:
        parts.append(f"{duration(max(left))} left")
    waiting = sorted(stuck(sweeps), key=lambda sweep: sweep.since)
    for sweep in waiting[:NAMED_STUCK]:
        parts.append(f"{sweep.name} at {sweep.done} for {duration(time.time() - sweep.since)}")
    if len(waiting) > NAMED_STUCK:
        parts.append(f"and {len(waiting) - NAMED_STUCK} more")
    return ", ".join(parts)


def _bar(done: int, total: int) -> str:
    filled = BAR_WIDTH * done // max(total, 1)
    return "=" * filled + " " * (BAR_WIDTH - filled)


def duration(seconds: float) -> str:
    """Seconds in words: 45 s, 3 min 10 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
