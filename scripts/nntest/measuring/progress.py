"""A progress line with the time left: on a terminal rewritten in place, elsewhere now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

BAR_WIDTH = 24
QUIET_EVERY_S = 15.0


class ProgressLine:
    """Shows how far a job on a board is, on a terminal (or what stands for one) and in a log."""

    def __init__(self, name: str, stream: TextIO, log: TextIO | None = None) -> None:
        self._name = name
        self._stream = stream
        self._log = log
        self._last = 0.0
        self._open_line = False

    def progress(self, status: Mapping[str, Any]) -> None:
        """Show how far a job on a board is, by its status."""
        self.show(self._text(status))

    def show(self, text: str) -> None:
        """Show a line instead of the one before: on a terminal, elsewhere now and then."""
        now = time.monotonic()
        if self._stream.isatty():
            self._stream.write(f"\r\x1b[K{text}")
            self._stream.flush()
            self._open_line = True
        if now - self._last >= QUIET_EVERY_S:
            self._last = now
            self._write_log(text)
            if not self._stream.isatty():
                print(text, file=self._stream, flush=True)

    def note(self, text: str) -> None:
        """Say something once, on a line of its own."""
        if self._open_line:
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
