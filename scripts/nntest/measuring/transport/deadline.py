"""Deadlines for calls that have none of their own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Result = TypeVar("Result")


def within(seconds: float, action: Callable[[], Result]) -> Result:
    """The result of `action`, or `TimeoutError` once `seconds` have passed.

    For calls that cannot be broken off (a name service, an SSH agent): they are left behind in
    a daemon thread.
    """
    outcome: queue.SimpleQueue[tuple[Result | None, BaseException | None]] = queue.SimpleQueue()

    def work() -> None:
        try:
            outcome.put((action(), None))
        except BaseException as error:
            outcome.put((None, error))

    threading.Thread(target=work, daemon=True).start()
    try:
        result, failure = outcome.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if failure is not None:
        raise failure
    return result  # type: ignore[return-value]  # None only where Result allows it


@contextmanager
def broken_off_after(seconds: float, break_off: Callable[[], object]) -> Iterator[threading.Event]:
    """Call `break_off` from another thread if the block runs longer than `seconds`.

    Yields an event that is set when that happened.
    """
    late = threading.Event()

    def fire() -> None:
        late.set()
        break_off()

    timer = threading.Timer(seconds, fire)
    timer.daemon = True
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()
