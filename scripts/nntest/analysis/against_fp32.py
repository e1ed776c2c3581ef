"""Other data types against fp32: the same library, version and settings on the same tensors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from nntest.analysis.comparison import (
    FAILED,
    FASTER,
    SLOWER,
    Side,
    compared,
    family,
    layers_by_tensor,
)
from nntest.analysis.computed_by import computing, kernels_text
from nntest.analysis.node_times import NodeTimes, PointKey, node_times
from nntest.analysis.points import KEY_COLUMNS, data_type, key_of, labelled, points, row_order
from nntest.analysis.sum_error import Parts, parts_of
from nntest.config.comparison import ComparisonBaseline, ComparisonConfig
from nntest.domain.networks import Network
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.libraries import AGAINST_FP32
from nntest.domain.tensors import CEILINGS, NETWORK, plain_operator

GAINS, LOSES = "gains", "loses"
_VERDICTS = {FASTER: GAINS, SLOWER: LOSES}
SINGLE = "fp32"
_CHANGES = (("kernels", "nodes"), ("reorders", "reorders"), ("outside", "outside"))
"""Parts of a time, as the table and `Parts` call them."""


def against_fp32(
    frame: pd.DataFrame,
    nodes: pd.DataFrame,
    networks: Sequence[Network],
    padding: str,
    seed: int,
) -> pd.DataFrame:
    """One row for each point of a library in another data type that was measured in fp32 as well.

    `ratio` is its median over fp32's, with the interval, the test and the smallest effect of
    `comparison`.  `kernels_change`, `reorders_change` and `outside_change` add up to `ratio` - 1:
    what the nodes that compute, those that move data, and what lies outside of nodes take more
    (or less) than in fp32, over fp32's time; null where nodes were not timed.  Points that failed
    in the other data type have a row without a ratio.
    """
    rows: list[dict[str, Any]] = []
    named = labelled(frame[~frame["species"].isin(CEILINGS)])
    times = node_times(nodes)
    kernel_ran = {point.key: point.kernel_ran for point in points(named, seed)}
    for single, lower in _pairs(named):
        config = ComparisonConfig(baseline=ComparisonBaseline(library=single.label))
        for row in compared(single, lower, config, seed):
            if row["ratio"] is not None or row["verdict"] == FAILED:
                rows.append(_row(row, single.label, times, kernel_ran))
    layers = layers_by_tensor(networks, padding)
    for row in rows:
        row["layers"] = layers.get((row["species"], row["tensor"]), "")
    rows.sort(key=lambda row: (row["species"] != NETWORK, *row_order(row)))
    return frame_of(rows, AGAINST_FP32)


def _pairs(frame: pd.DataFrame) -> Iterator[tuple[Side, Side]]:
    """Each library in fp32, and in another data type: the same program and version on a board."""
    found: dict[tuple[str, ...], dict[str, list[Side]]] = {}
    for names, rows in frame.groupby(["platform", "library"], sort=True):
        assert isinstance(names, tuple)
        platform, library = map(str, names)
        version = family(library).rpartition("-")[2]
        for kind, same in rows.groupby(rows["operator"].map(data_type), sort=True):
            operator, program = same[["operator", "program"]].iloc[0]
            backend = program.removeprefix(f"{plain_operator(operator)}-")
            backend = re.sub(rf"-{kind}$", "", backend)
            sides = found.setdefault((platform, backend, version), {})
            sides.setdefault(str(kind), []).append(Side(library, same))
    for sides in found.values():
        for kind, lower in sorted(sides.items()):
            for other in lower if kind != SINGLE else ():
                for single in sides.get(SINGLE, ()):
                    if single.label != other.label:
                        yield single, other


def _row(
    row: dict[str, Any],
    single: str,
    times: Mapping[PointKey, NodeTimes],
    kernel_ran: Mapping[PointKey, str | None],
) -> dict[str, Any]:
    """A row of `comparison` as one of this table; `single` is the library in fp32."""
    own = key_of(row[name] for name in KEY_COLUMNS)
    kind = data_type(row["operator"])
    kernels: list[list[str]] = []
    parts: list[Parts] = []
    for changes, time in (
        ({"library": single, "operator": plain_operator(row["operator"])}, row["baseline_us"]),
        ({}, row["other_us"]),
    ):
        key = tuple({**own, **changes}.values())
        taken = times.get(key)
        kernels.append(computing(taken, kernel_ran.get(key)))
        parts.append(Parts() if time is None else parts_of(time, taken))
    failed = row["verdict"] == FAILED
    return {
        **own,
        **{name: row[name] for name in ("ratio", "ci_low", "ci_high", "p_adjusted")},
        "single_library": single,
        "data_type": kind,
        "single_us": row["baseline_us"],
        "time_us": row["other_us"],
        "compared_runs": row["compared_runs"],
        "single_n": row["baseline_n"],
        "n": row["other_n"],
        "verdict": _VERDICTS.get(row["verdict"], row["verdict"]),
        "why": row["note"] if failed else kernels_text(kind, kernels[1], kernels[0]),
        **{f"{name}_change": _change(parts, field, row["baseline_us"]) for name, field in _CHANGES},
        "single_computed_by": ", ".join(kernels[0]) or None,
        "computed_by": ", ".join(kernels[1]) or None,
    }


def _change(parts: Sequence[Parts], field: str, time: float | None) -> float | None:
    """What a part takes more than in fp32, over fp32's time; None if either side lacks it."""
    single, lower = (getattr(part, field) for part in parts)
    if single is None or lower is None or not time:
        return None
    return float(lower - single) / time
