"""Requests in parallel streams: all are there at once, each stream takes one after the other.

The terms are MLPerf's (Reddi et al., MLPerf Inference Benchmark, ISCA 2020, section III-C).  All
requests there at once is its *offline* scenario, whose figure is the throughput.  With one stream
the next request begins when the one before has ended, which is its *single-stream* scenario, whose
figure is a percentile of the latency.  A request's latency is counted from when its stream takes it
until its output is there; what it waited before is not in it.
"""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any, Callable

from repetitions import Runnable

if TYPE_CHECKING:
    import numpy as np
    from point import Settings
    from reference import Comparison

    Array = np.ndarray[Any, Any]

MOST_REQUESTS = 100_000
"""In one run: each of them is journaled."""


class Streams(Runnable):
    """Runnables of one graph, each in a thread of its own; a run is all requests together."""

    def __init__(self, streams: list[Runnable], settings: Settings) -> None:
        """Run each of ``streams`` once, in the threads that will serve the requests."""
        self._streams = streams
        self._least_ns, self._least = settings.requests_s * 1e9, settings.requests
        self._together = Barrier(len(streams), self._begin)
        self._pool = ThreadPoolExecutor(len(streams))
        self._in_each(lambda stream: stream.run())

    def clear(self) -> None:
        """Fill the output of each stream with what is wrong."""
        for stream in self._streams:
            stream.clear()

    def run(self) -> None:
        """Serve requests until the time is over and there were enough of them."""
        self._served = self._in_each(self._serve)

    def output(self) -> Array:
        """Return the last output of the first stream; `check` compares those of all."""
        return self._streams[0].output()

    def check(self, compare: Callable[[Array], Comparison]) -> Comparison:
        """Compare the last output of each stream; what is returned is of the worst one."""
        found = [compare(stream.output()) for stream in self._streams]
        return min(found, key=lambda one: (one.ok, -one.max_abs_diff))

    def findings(self, seconds: float) -> dict[str, Any]:
        """Return each request, by stream: when it began, in ns since the first, and its latency."""
        first = min(started[0] for started, _ in self._served if started)
        return {
            "requests": [
                {"started_ns": [at - first for at in started], "latency_ns": taken}
                for started, taken in self._served
            ]
        }

    def _in_each(self, work: Callable[[Runnable], Any]) -> list[Any]:
        """Do something with all streams at once, in a thread each."""

        def begin(stream: Runnable) -> Any:
            self._together.wait()
            return work(stream)

        return list(self._pool.map(begin, self._streams))

    def _begin(self) -> None:
        self._numbers = itertools.count()  # CPython's own are drawn by one thread at a time
        self._began_ns = time.perf_counter_ns()

    def _serve(self, stream: Runnable) -> tuple[list[int], list[int]]:
        """Take requests; when each began, and how long it took, ns."""
        started: list[int] = []
        taken: list[int] = []
        while True:
            number, start = next(self._numbers), time.perf_counter_ns()
            enough = number >= self._least and start - self._began_ns >= self._least_ns
            if enough or number >= MOST_REQUESTS:
                return started, taken
            stream.run()
            taken.append(time.perf_counter_ns() - start)
            started.append(start)
