"""What inference libraries say of the nodes that they run: rows of the table `NODES`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onboard import outcomes

from nntest.archives.ck.points import ArchivedPoint
from nntest.archives.ck.read import Row, repetition_rows, run_of
from nntest.archives.ck.values import dig, mapping, objects, real, text, texts
from nntest.domain.tables.column import names
from nntest.domain.tables.shared import ORIGIN, REPETITION

_KEPT = (*names(REPETITION), "process_id", "warmup", "emulated", *names(ORIGIN))


def node_rows(point: ArchivedPoint, first_repetition: int) -> Iterator[Row]:
    """One row for each node of each process that timed its nodes, in the order of running."""
    if point.profiled or not any(map(_timed_by, point.repetitions)):
        return
    seen = set()
    for row, run, outcome in repetition_rows(point, first_repetition):
        if outcome.status != outcomes.OK or row.get("process_id") in seen:
            continue  # all repetitions of a process repeat what it found once
        seen.add(row.get("process_id"))
        found = mapping(run, "run_time_state", "implementation")
        timed_by = text(found.get("timed_by"))
        for number, node in enumerate(objects(found, "nodes") if timed_by else ()):
            seconds = real(node.get("seconds"))
            yield {
                **{name: row.get(name) for name in _KEPT},
                "sequence": number,
                "node": text(node.get("node")),
                "kernel": text(node.get("kernel")),
                **_layers(node),
                "time_us": None if seconds is None else seconds * 1e6,
                "timed_by": timed_by,
            }


def _timed_by(item: dict[str, Any]) -> str:
    return text(dig(run_of(item), "run_time_state", "implementation", "timed_by"))


def _layers(node: dict[str, Any]) -> Row:
    """The first layer that a node computes, and the others; null where it does not say."""
    if not isinstance(node.get("layers"), list):
        return {"layer": None, "fused_layers": ""}
    first, *others = texts(node, "layers") or [""]
    return {"layer": first, "fused_layers": ", ".join(others)}
