"""What archives hold of a process's memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nntest.archives.ck.points import ArchivedPoint
from nntest.archives.ck.read import Row, columns_of, repetition_rows
from nntest.archives.ck.values import dig, real
from nntest.domain.tables.memory import MEMORY_RUNS

_MEGABYTE = 1e6


def memory_mb(run: Mapping[str, Any]) -> dict[str, float] | None:
    """{resident,peak}_{before,after}_mb of CK's run object; None where one is missing."""
    found = {}
    for when in ("before", "after"):
        for what in ("resident", "peak"):
            value = real(dig(run, "run_time_state", "memory", when, f"{what}_bytes"))
            if value is None:
                return None
            found[f"{what}_{when}_mb"] = value / _MEGABYTE
    return found


def peak_mb(found: Mapping[Any, Any]) -> float | None:
    """What a model has added to the resident memory at its peak.

    None where the process had an earlier peak that the kernel did not forget, and that hides it.
    """
    if found["peak_after_mb"] <= found["peak_before_mb"]:
        return None
    return float(found["peak_after_mb"] - found["resident_before_mb"])


def memory_rows(point: ArchivedPoint, first_repetition: int) -> Iterator[Row]:
    """A recording's rows of `MEMORY_RUNS`: one for each process; none if it was profiled."""
    if point.profiled:
        return
    seen = set()
    for row, run, _ in repetition_rows(point, first_repetition):
        found = memory_mb(run)
        if found is not None and row["process_id"] not in seen:
            seen.add(row["process_id"])
            yield {**columns_of(row, MEMORY_RUNS), **found}
