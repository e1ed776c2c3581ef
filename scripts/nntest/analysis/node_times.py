"""What the nodes of libraries' graphs took: the table `nodes`, point by point.

A point's times are medians over its processes, each of which says the least of 15 runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from nntest.analysis.memo import memoised_by_frame
from nntest.analysis.points import KEY_COLUMNS, key_of, labelled
from nntest.archives.measurements import PROCESS_KEYS

_OF_NODES = ("layer", "time_us", "kernel", "fused_layers", "timed_by")
REORDERS_WITHIN = "outputs"
"""Of `timed_by`: a layer's time has the reorders in it that it needs."""

PointKey = tuple[Any, ...]
"""The values of `KEY_COLUMNS`."""


@dataclass(frozen=True)
class NodeTimes:
    """Times of one point's nodes in µs."""

    layers: Mapping[str, float]
    """Of the nodes that compute a layer, by its name; of fused layers by the first one's."""
    reorders: float | None
    """Of the nodes that only move data; None where the layers' times have them."""
    kernels: Mapping[str, str]
    """What computes each layer."""
    fused: Mapping[str, str]
    """The first layer of the node that computes a layer, where it is not the first itself."""
    timed_by: str

    @property
    def total(self) -> float:
        """All layers together."""
        return sum(self.layers.values())


@memoised_by_frame
def node_times(nodes: pd.DataFrame) -> dict[PointKey, NodeTimes]:
    """The points of the table `nodes`; without those that have a node of an unknown layer."""
    found = {}
    rows = labelled(nodes)
    process = rows.groupby(PROCESS_KEYS, dropna=False, sort=False).ngroup()
    rows = rows[[*KEY_COLUMNS, *_OF_NODES]].assign(process=process)
    for key, group in rows.groupby(list(KEY_COLUMNS), sort=False, dropna=False):
        assert isinstance(key, tuple)
        if not group[["layer", "time_us"]].isna().any(axis=None):
            found[tuple(key_of(key).values())] = _times(group)
    return found


def _times(rows: pd.DataFrame) -> NodeTimes:
    """`rows` of one point."""
    each = rows.groupby(["process", "layer"], dropna=False, sort=False)["time_us"].sum()
    medians = {
        str(layer): float(time)
        for layer, time in each.groupby("layer", sort=False).median().items()
    }
    # A process in which nothing was moved has no such row.
    moved = medians.pop("", 0.0)
    timed_by = str(rows["timed_by"].iloc[0])
    names: dict[str, list[str]] = {}
    fused: dict[str, str] = {}
    for layer, kernel, fused_layers in zip(
        rows["layer"], rows["kernel"], rows["fused_layers"], strict=True
    ):
        if layer:
            names.setdefault(layer, []).append(kernel)
        fused |= {other: layer for other in str(fused_layers).split(", ") if other}
    kernels = {layer: ", ".join(dict.fromkeys(listed)) for layer, listed in names.items()}
    reorders = None if timed_by == REORDERS_WITHIN else moved
    return NodeTimes(medians, reorders, kernels, fused, timed_by)
