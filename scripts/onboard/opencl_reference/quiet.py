"""Keeps the process itself from disturbing what it measures.

Called before numpy and pyopencl are imported, since both libraries read these variables once.
"""

from __future__ import annotations

import os

# The reference is computed just before the measurement, and the threads of NumPy's BLAS go on
# spinning on their cores for a while after it: one thread has no others to leave behind.
_BLAS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
# PoCL starts a worker for each core; unless each is tied to its core, two of them often share one
# while another idles, and a run takes twice its time.
_POCL = {"POCL_AFFINITY": "1"}
# How many workers PoCL starts: until 4, and since 5.
_WORKERS = ("POCL_MAX_PTHREAD_COUNT", "POCL_CPU_MAX_CU_COUNT")


def quieten(threads: int | None, cores: frozenset[int] | None) -> None:
    """Set the variables; one that the user has set stays as it is, but for what a point asks for.

    PoCL ties its workers to the cores 0, 1, ..., so it is asked to only where the process may run
    on all of them, and there are enough.  It starts a worker for every core of the machine: on
    some cores as many as these are.
    """
    wanted = dict(_BLAS)
    every = set(range(os.cpu_count() or 0))
    count = threads or (len(cores) if cores else None)
    on_all = hasattr(os, "sched_getaffinity") and os.sched_getaffinity(0) == every
    if on_all and (count or 0) <= len(every):
        wanted.update(_POCL)
    for name, value in wanted.items():
        os.environ.setdefault(name, value)
    if count is not None:
        os.environ.update(dict.fromkeys(_WORKERS, str(count)))


def describe() -> dict[str, str | None]:
    """Return the variables as they were when the measurement ran; None where one is not set."""
    return {name: os.environ.get(name) for name in (*_BLAS, *_POCL, *_WORKERS)}
