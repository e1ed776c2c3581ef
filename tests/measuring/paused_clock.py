"""A clock for tests of what waits."""

from __future__ import annotations


class PausedClock:
    """In the place of the module `time`: time passes in `sleep` alone."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
