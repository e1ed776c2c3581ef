"""How long each thread of this process ran and waited for a CPU, as Linux's schedstat says."""

from __future__ import annotations

import os
from typing import NamedTuple

_TASKS = "/proc/self/task"
_PROCESSOR = 36  # field of a thread's stat, counted behind its name: the CPU that it last ran on


class ThreadTimes(NamedTuple):
    """What a thread has had since it was started."""

    ran_ns: int
    waited_ns: int
    """Ready to run, without a CPU."""
    dispatches: int
    """How often it was put on a CPU."""

    def since(self, earlier: ThreadTimes | None) -> ThreadTimes:
        """Return what has come to it since ``earlier``; None: it was not there yet."""
        if earlier is None:
            return self
        return ThreadTimes(*(now - before for now, before in zip(self, earlier)))


def read_threads() -> dict[str, ThreadTimes] | None:
    """Return each thread's times by its id; None where the kernel does not count them.

    A kernel without these statistics has no such file, or writes zeros into it, although the
    thread that reads it must have been put on a CPU.
    """
    found = {}
    own = str(os.getpid())
    try:
        for thread in os.listdir(_TASKS):
            try:
                # Unbuffered: of a file this short, opening it is what takes time.
                with open(f"{_TASKS}/{thread}/schedstat", "rb", buffering=0) as file:
                    times = ThreadTimes(*map(int, file.read(256).split()))
            except (FileNotFoundError, ProcessLookupError):
                if thread == own:
                    return None
                continue  # it has just ended
            if thread == own and not times.dispatches:
                return None
            found[thread] = times
    except (OSError, ValueError, TypeError):
        return None
    return found


def last_core(thread: str) -> int | None:
    """Return the number of the core that a thread of this process last ran on; None: not known."""
    try:
        with open(f"{_TASKS}/{thread}/stat", "rb", buffering=0) as file:
            return int(file.read(1024).rpartition(b")")[2].split()[_PROCESSOR])
    except (OSError, ValueError, IndexError):
        return None
