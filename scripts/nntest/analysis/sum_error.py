"""The error of the sum over layers, taken apart by what the libraries say of their nodes.

Alone, a layer's time is that of its own nodes, of reorders of the layout at the graph's ends, and
of what lies outside of nodes: starting, waking threads, waiting.  A measured network is made of the
same three.  The error of the sum is the sum of the three differences, exactly: what is outside of
nodes is the rest on either side.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from nntest.analysis.estimate import BEST, Estimate, estimates
from nntest.analysis.node_times import NodeTimes, PointKey, node_times
from nntest.analysis.points import GROUP_COLUMNS, MeasuredPoint
from nntest.domain.networks import Network
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.networks import NETWORK_LAYERS, SUM_ERROR

EMPTY_KERNEL = "an empty kernel's wait"
"""In `timed_by`: what is outside of a layer's kernels is not timed, but what waiting costs is."""


@dataclass(frozen=True)
class Parts:
    """What a time is made of, µs; None for what is not known."""

    nodes: float | None = None
    reorders: float | None = None
    """None also where the nodes' times have them."""
    outside: float | None = None
    timed_by: str = ""


def parts_of(time: float, times: NodeTimes | None) -> Parts:
    """A graph's time by its nodes' times; outside of these is what is left."""
    if times is None:
        return Parts()
    outside = time - times.total - (times.reorders or 0.0)
    return Parts(times.total, times.reorders, outside, times.timed_by)


def _parts_alone(point: MeasuredPoint, nodes: Mapping[PointKey, NodeTimes]) -> Parts:
    """A layer's; by what waiting for an empty kernel costs where nodes were not timed."""
    times = nodes.get(point.key)
    if times is None and not math.isnan(point.waiting):
        return Parts(point.sample.median - point.waiting, None, point.waiting, EMPTY_KERNEL)
    return parts_of(point.sample.median, times)


def _sum(parts: Sequence[tuple[int, Parts]], name: str) -> float | None:
    """A part over all layers, each with its repeats; None where one does not know it."""
    values = [(repeats, getattr(one, name)) for repeats, one in parts]
    if any(value is None for _, value in values):
        return None
    return math.fsum(repeats * value for repeats, value in values)


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _measured_wholly(
    frame: pd.DataFrame, networks: Sequence[Network], padding: str, seed: int
) -> Iterator[tuple[Estimate, MeasuredPoint]]:
    """Estimates of all layers of networks that were measured as a whole, and that measurement.

    A fixed choice that is the best schedule is left out: it says the same again.
    """
    best: Estimate | None = None
    for one in estimates(frame, networks, padding, seed):
        if one.schedule.name == BEST:
            best = one
        elif best is not None and one.schedule.parts == best.schedule.parts:
            continue
        if one.measured is not None and one.whole:
            yield one, one.measured


def sum_error(
    frame: pd.DataFrame,
    nodes: pd.DataFrame,
    networks: Sequence[Network],
    padding: str,
    seed: int,
) -> pd.DataFrame:
    """One row for each estimate of a network that was measured as a whole; `nodes` is that table.

    `total_us`, the plain sum, is `own_us` + `reorders_alone_us` + `outside_alone_us`, the measured
    time the same of the network's nodes, and `error` = `nodes_error` + `reorders_error` +
    `outside_error`, each the difference of the two over the measured time.  What is not known is
    null; reorders are also null where the nodes' times have them, and then count as 0.
    """
    by_point = node_times(nodes)
    rows: list[dict[str, Any]] = []
    for one, whole in _measured_wholly(frame, networks, padding, seed):
        measured = whole.sample.median
        alone = [(use.repeats, _parts_alone(p, by_point)) for use, p in one.schedule.parts]
        inside = parts_of(measured, by_point.get(whole.key))
        own, reorders = _sum(alone, "nodes"), _sum(alone, "reorders")
        outside = _sum(alone, "outside")
        differences = {
            "nodes": _less(own, inside.nodes),
            "reorders": _less(reorders, inside.reorders),
            "outside": _less(outside, inside.outside),
        }
        where, interval, error = one.where(), one.plain.interval, one.plain_ratio
        rows.append({
            **{name: where[name] for name in ("network", *GROUP_COLUMNS, "choice")},
            "layers": len(one.network.layers),
            "total_us": one.plain.value,
            "ci_low_us": interval.low,
            "ci_high_us": interval.high,
            "outside_alone_us": outside,
            "reorders_alone_us": reorders,
            "own_us": own,
            "difference_us": differences["nodes"],
            "inside_us": inside.nodes,
            "reorders_inside_us": inside.reorders,
            "outside_inside_us": inside.outside,
            "measured_us": measured,
            "error": error.value - 1,
            "error_ci_low": error.low - 1,
            "error_ci_high": error.high - 1,
            **{
                f"{name}_error": None if value is None else value / measured
                for name, value in differences.items()
            },
            "own_error": None if own is None else own / measured - 1,
            "timed_by": ", ".join(sorted({parts.timed_by for _, parts in alone} - {""})),
        })  # fmt: skip
    return frame_of(rows, SUM_ERROR)


def network_layers(
    frame: pd.DataFrame,
    nodes: pd.DataFrame,
    networks: Sequence[Network],
    padding: str,
    seed: int,
) -> pd.DataFrame:
    """Each layer of the rows of `sum_error`, alone and inside the network, in layer order.

    `own_us`, `reorders_us` and `outside_us` add up to `time_us`, the layer alone; `inside_us` is
    the time of its nodes in the network.  Of fused layers the first has their time, and
    `fused_with` names it for the others.
    """
    by_point = node_times(nodes)
    rows: list[dict[str, Any]] = []
    for one, whole in _measured_wholly(frame, networks, padding, seed):
        inside = by_point.get(whole.key)
        where, names = one.where(), Counter(layer.name for layer in one.network.layers)
        by_position = {place: part for part in one.schedule.parts for place in part[0].positions}
        for place, layer in enumerate(one.network.layers):
            use, point = by_position[place]
            alone, times = _parts_alone(point, by_point), point.sample.median_interval
            unique = names[layer.name] == 1  # nodes are known by the names of layers
            within = inside.layers.get(layer.name) if inside and unique else None
            own_nodes = by_point.get(point.key)
            rows.append({
                **{name: where[name] for name in ("network", *GROUP_COLUMNS, "choice")},
                "position": place + 1,
                "layer": layer.name,
                "species": layer.species,
                "tensor": use.tensor.name,
                "tuner": point.tuner,
                "time_us": times.value,
                "ci_low_us": times.low,
                "ci_high_us": times.high,
                "own_us": alone.nodes,
                "reorders_us": alone.reorders,
                "outside_us": alone.outside,
                "inside_us": within,
                "own_over_inside": alone.nodes / within if alone.nodes and within else None,
                "kernel_alone": ", ".join(own_nodes.kernels.values()) if own_nodes else None,
                "kernel_inside": inside.kernels.get(layer.name) if inside else None,
                "fused_with": inside.fused.get(layer.name) if inside else None,
            })  # fmt: skip
    return frame_of(rows, NETWORK_LAYERS)
