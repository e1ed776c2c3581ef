"""Every way to be stopped does what Ctrl-C does, and one stop that comes twice is one.

Batch systems and `timeout` send SIGTERM, a terminal that closes sends SIGHUP.  A stop reaches a
process once from its sender and once with its whole group: `timeout` sends both.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOPPED = "stopped; the same command goes on from here"
ONE_STOP_S = 2.0
"""What comes so soon after a stop is the same stop again."""


def take_signals(before_stop: Callable[[], None] = lambda: None) -> dict[signal.Signals, Any]:
    """Raise `KeyboardInterrupt` at each of `STOPS`, after a call of `before_stop`.

    What is ignored, as SIGHUP under nohup, stays ignored.  Returns the handlers that were there;
    none are changed outside of the main thread.
    """
    last = float("-inf")

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal last
        now = time.monotonic()
        again, last = now - last < ONE_STOP_S, now
        if not again:
            before_stop()
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        return {}
    heeded = [number for number in STOPS if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, stop) for number in heeded}


def say_stopped_in_one_line() -> None:
    """Have a `KeyboardInterrupt` that nobody catches end this process without a traceback."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            print(STOPPED, file=sys.stderr, flush=True)
        else:
            sys.__excepthook__(kind, error, trace)

    sys.excepthook = hook


@contextmanager
def signals_are_ctrl_c() -> Iterator[None]:
    """For the time of a `with`: see `take_signals`."""
    before = take_signals()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
