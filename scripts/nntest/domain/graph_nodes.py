"""What becomes of each node of a network's file, and how much work it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Fate = Literal["measured", "folded", "free", "constant", "not covered"]
"""measured: a layer of the network.  folded: a library computes it within a layer.  free: it moves
and computes nothing (a reshape), or vanishes where all layers are computed in one data type (a
quantiser).  constant: computed once, when the network is loaded.  not covered: it runs, and no
operator of ours computes it."""

RUNNING: tuple[Fate, ...] = ("measured", "not covered")
"""What does work of its own in every run."""

LEFT_OUT = "left out by the user"
"""Why a node is not covered that the network's file names."""


@dataclass(frozen=True)
class GraphNode:
    """One node of a network's file."""

    name: str
    kind: str
    """The format's word for what it does, e.g. Conv."""
    fate: Fate
    layer: str = ""
    """Name of the layer that it is measured as, or of the layer or the node with weights that it
    is folded into."""
    macs: int | None = 0
    """Multiply-accumulates of one run with the file's batch; None if they are not known."""
    bytes: int | None = 0
    """Memory traffic of one run: each input, weight and output once; None if it is not known."""
    reason: str = ""
    """Why it is not covered."""
    essential: bool = False
    """Whether an estimate without it would be far too small: unless the user leaves it out by
    name, the network is not used."""
    reads: tuple[int, ...] = ()
    """Which nodes it reads, by their places among all: inputs of the network and weights are no
    nodes."""

    @property
    def label(self) -> str:
        """Its name and kind, e.g. ``/sum (Add)``."""
        return f"{self.name} ({self.kind})"


def with_reads(
    nodes: Sequence[GraphNode], ends: Sequence[tuple[Iterable[str], Iterable[str]]]
) -> list[GraphNode]:
    """The nodes with what each reads; `ends` has the values that each takes and makes."""
    made = {name: place for place, (_, outputs) in enumerate(ends) for name in outputs if name}
    return [
        replace(node, reads=tuple(dict.fromkeys(made[name] for name in inputs if name in made)))
        for node, (inputs, _) in zip(nodes, ends, strict=True)
    ]


@dataclass(frozen=True)
class Share:
    """The share of some nodes in the work of all that run, from 0 to 1; None without any work.

    Nodes of which the work is not known count in neither.
    """

    macs: float | None
    bytes: float | None

    def __str__(self) -> str:
        """What goes behind a number of nodes: ``, with 3 % of the bytes``; nothing for None."""
        shares = ((self.macs, "multiply-accumulates"), (self.bytes, "bytes"))
        said = [f"{100 * part:.3g} % of the {what}" for part, what in shares if part is not None]
        return f", with {' and '.join(said)}" if said else ""


def share(some: Iterable[GraphNode], nodes: Iterable[GraphNode]) -> Share:
    """The share of some of the nodes in the work of those that are measured or not covered."""
    part = list(some)
    running = [node for node in nodes if node.fate in RUNNING]
    return Share(
        _ratio((node.macs for node in part), (node.macs for node in running)),
        _ratio((node.bytes for node in part), (node.bytes for node in running)),
    )


def leave_out_line(nodes: Iterable[GraphNode]) -> str:
    """A line for the network's YAML with all essential nodes, and those that it leaves out."""
    left_out = [node.name for node in nodes if node.essential or node.reason == LEFT_OUT]
    return f"leave_out: {json.dumps(list(dict.fromkeys(left_out)), ensure_ascii=False)}"


def _ratio(part: Iterable[int | None], whole: Iterable[int | None]) -> float | None:
    total = sum(work or 0 for work in whole)
    return sum(work or 0 for work in part) / total if total else None
