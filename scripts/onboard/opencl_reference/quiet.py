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


def quieten() -> None:
    """Set the variables; one that the user has set stays as it is.

    PoCL ties its workers to the cores 0, 1, ..., so it is asked to only where the process may run
    on all of them.
    """
    wanted = dict(_BLAS)
    cores = set(range(os.cpu_count() or 0))
    if hasattr(os, "sched_getaffinity") and os.sched_getaffinity(0) == cores:
        wanted.update(_POCL)
    for name, value in wanted.items():
        os.environ.setdefault(name, value)


def describe() -> dict[str, str | None]:
    """Return the variables as they were when the measurement ran; None where one is not set."""
    return {name: os.environ.get(name) for name in (*_BLAS, *_POCL)}
