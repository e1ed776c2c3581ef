"""How many threads a run is seen to use."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

MATRIX = np.random.default_rng(1).random((2000, 200))


@pytest.fixture
def threads(common: SimpleNamespace) -> ModuleType:
    found: ModuleType = common.threads
    return found


def spin(seconds: float) -> None:
    """Without the interpreter's lock, so that two do it at once."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        np.sort(MATRIX, axis=0)


def test_one_thread_computes(threads: ModuleType) -> None:
    assert threads.used(lambda: spin(0.005)) in (1, None)


def test_another_thread_computes_while_this_one_waits(threads: ModuleType) -> None:
    with ThreadPoolExecutor(1) as pool:
        assert threads.used(lambda: pool.submit(spin, 0.005).result()) in (1, None)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core")
def test_two_threads_compute(threads: ModuleType) -> None:
    with ThreadPoolExecutor(2) as pool:

        def run() -> None:
            list(pool.map(spin, (0.01, 0.01)))

        # A busy neighbour may keep one of them from a core for all of the time.
        assert 2 in [threads.used(run) for _ in range(5)]


def test_a_run_too_short_to_tell_says_nothing(threads: ModuleType) -> None:
    assert threads.used(lambda: None) is None
