"""What runs in parallel streams hold: the latency of each request, counted anew here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from onboard import outcomes

from nntest.archives.ck.memory import memory_mb, peak_mb
from nntest.archives.ck.points import ArchivedPoint
from nntest.archives.ck.read import Row, columns_of, repetition_rows
from nntest.archives.ck.values import dig, objects, whole
from nntest.domain.latencies import PERCENTILES, percentile
from nntest.domain.tables.streams import STREAM_RUNS


def stream_rows(point: ArchivedPoint, first_repetition: int) -> Iterator[Row]:
    """A recording's rows of `STREAM_RUNS`: one for each run of requests, figures of good ones."""
    if point.profile != "streams":
        return
    for row, run, outcome in repetition_rows(point, first_repetition):
        kept = {**columns_of(row, STREAM_RUNS), "streams": point.streams}
        if outcome.status == outcomes.OK:
            memory = memory_mb(run)
            kept |= _counted(run, row["batch_size"])
            kept["peak_mb"] = None if memory is None else peak_mb(memory)
        yield kept


def _counted(run: Mapping[str, Any], batch_size: int) -> Row:
    """Requests, seconds, images a second and percentiles of a run; {} where it has no request.

    A record that is odd has no requests.
    """
    ends, latencies = [], []
    for stream in objects(run, "run_time_state", "requests"):
        started, taken = dig(stream, "started_ns"), dig(stream, "latency_ns")
        if not (isinstance(started, list) and isinstance(taken, list)):
            return {}
        for start, latency in zip(map(whole, started), map(whole, taken), strict=False):
            if start is None or latency is None or start < 0 or latency <= 0:
                return {}
            ends.append(start + latency)
            latencies.append(latency)
    if not ends:
        return {}
    seconds = max(ends) / 1e9  # since the first one began
    latencies.sort()
    found = {name: percentile(latencies, share) for name, share in PERCENTILES.items()}
    return {
        "requests": len(latencies),
        "seconds": seconds,
        "frames_per_s": len(latencies) * batch_size / seconds,
        **{name: None if value is None else value / 1e6 for name, value in found.items()},
    }
