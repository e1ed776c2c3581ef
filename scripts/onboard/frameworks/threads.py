"""How many threads a process may use, and how many a library's run really used."""

from __future__ import annotations

import os
import time
from typing import Callable

LONG_ENOUGH_S = 0.04  # the kernel counts a running thread's time once a tick, 10 ms at most
SHARE = 0.5  # of the busiest thread's time: less is waking others and waiting for them
LEAST_S = 100e-6  # on the CPU: a shorter run is as much waking and waiting as computing


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
    before = _seconds()
    if before is None:
        return None
    runs = _run_for(LONG_ENOUGH_S, run)
    after = _seconds() or {}
    taken = [seconds - before.get(thread, 0.0) for thread, seconds in after.items()]
    busiest = max(taken, default=0.0)
    if busiest < LEAST_S * runs:
        return None
    return sum(seconds >= SHARE * busiest for seconds in taken)


def _run_for(seconds: float, run: Callable[[], None]) -> int:
    """Return how many runs that took."""
    start, runs = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        run()
        runs += 1
    return runs


def _seconds() -> dict[str, float] | None:
    """Return each thread's seconds on a CPU; None where there is no such file."""
    seconds = {}
    try:
        for thread in os.listdir("/proc/self/task"):
            try:
                with open(f"/proc/self/task/{thread}/schedstat") as file:
                    seconds[thread] = int(file.read().split()[0]) / 1e9
            except FileNotFoundError:
                if thread == str(os.getpid()):
                    return None  # the kernel has no schedstat; another thread may have ended
    except OSError:
        return None
    return seconds
