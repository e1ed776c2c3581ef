"""How many threads a process may use, and how many a library's run really used."""

from __future__ import annotations

import os
import time
from typing import Callable

from schedstat import read_threads

LONG_ENOUGH_S = 0.04  # the kernel counts a running thread's time once a tick, 10 ms at most
SHARE = 0.5  # of the busiest thread's time: less is waking others and waiting for them
LEAST_S = 1e-3  # on the CPU: a shorter run is as much waking and waiting as computing


def available() -> int:
    """Return how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def used(run: Callable[[], None]) -> int | None:
    """Return how many threads compute during ``run``, which is called until that is seen.

    A thread that spins while it waits counts too.  None where the kernel does not say, and for
    runs that are too short to tell.
    """
    # What building left behind may still spin, and some threads start only now.
    _run_for(LONG_ENOUGH_S, run)
    before = read_threads()
    if before is None:
        return None
    runs = _run_for(LONG_ENOUGH_S, run)
    after = read_threads() or {}
    taken = [times.since(before.get(thread)).ran_ns for thread, times in after.items()]
    busiest = max(taken, default=0)
    if busiest < LEAST_S * 1e9 * runs:
        return None
    return sum(ran >= SHARE * busiest for ran in taken)


def _run_for(seconds: float, run: Callable[[], None]) -> int:
    """Return how many runs that took."""
    start, runs = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        run()
        runs += 1
    return runs
