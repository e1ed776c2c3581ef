"""Ceilings measured on the board itself, by the programs `bandwidth` and `peak`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from nntest.analysis.points import data_type
from nntest.analysis.roofline.model import Roof, bandwidth_for
from nntest.archives.measurements import measured
from nntest.config.platform import MemoryCeiling
from nntest.domain.data_types import order_of
from nntest.domain.tensors import Tensor

MEASURED_HERE = "measured here"
_MIB = 2**20
_Run = Mapping[str, Any]


def with_measured(
    roofs: Mapping[str, Sequence[Roof]], frame: pd.DataFrame
) -> dict[str, list[Roof]]:
    """The roofs of boards (by the name of their file) with those that a study measured itself.

    A ceiling is the fastest repetition: what the device can reach.  A measured peak comes first
    among the ceilings of its data type, so that it is the one of shares and predictions; without
    a measured bandwidth it meets that of the board's files, without either there is no roof.
    """
    found = {board: list(own) for board, own in roofs.items()}
    rows = measured(frame)
    rows = rows[rows["species"].isin(["bandwidth", "peak"]) & (rows["board"] != "")]
    by_board: dict[str, list[_Run]] = {}
    for row in rows.to_dict("records"):
        by_board.setdefault(str(row["board"]), []).append({str(k): v for k, v in row.items()})
    for board, runs in by_board.items():
        given = found.get(board, [])
        memory = _bandwidth(runs) or _given_bandwidth(given)
        if memory is None:
            continue
        peaks: dict[str, list[_Run]] = {}
        for run in runs:
            if run["species"] == "peak" and not pd.isna(run["GFLOPS"]):
                peaks.setdefault(data_type(run["operator"]), []).append(run)
        for kind, own in peaks.items():
            best = max(own, key=lambda run: float(run["GFLOPS"]))
            roof = Roof(
                platform=given[0].platform if given else str(best["platform"]),
                data_type=kind,
                kind=MEASURED_HERE,
                peak_gops=float(best["GFLOPS"]),
                bandwidth_gb_s=memory.gb_s,
                peak_source=_source(best, len(own)),
                bandwidth_source=memory.source,
                bandwidth_kind=memory.kind,
                name=board,
            )
            given = [
                replace(one, rank=one.rank + 1) if one.data_type == kind else one for one in given
            ]
            given.append(roof)
        found[board] = sorted(given, key=lambda roof: (order_of(roof.data_type), roof.rank))
    return found


def _bandwidth(runs: Sequence[_Run]) -> MemoryCeiling | None:
    own = [run for run in runs if run["species"] == "bandwidth"]
    if not own:
        return None
    best = max(own, key=_gb_s)
    return MemoryCeiling(gb_s=_gb_s(best), kind=MEASURED_HERE, source=_source(best, len(own)))


def _gb_s(run: _Run) -> float:
    """GB/s of a run of `bandwidth`: it reads one buffer and writes another."""
    size = Tensor.parse("bandwidth", run["tensor"]).in_shape[2]
    return 2 * size * _MIB / float(run["time_us"]) / 1e3


def _given_bandwidth(roofs: Sequence[Roof]) -> MemoryCeiling | None:
    ceilings = [
        MemoryCeiling(gb_s=r.bandwidth_gb_s, kind=r.bandwidth_kind, source=r.bandwidth_source)
        for r in roofs
    ]
    return bandwidth_for(MEASURED_HERE, ceilings) if ceilings else None


def _source(best: _Run, runs: int) -> str:
    day = str(best["started_at"])[:10]
    return f"fastest of {runs} runs of {best['program']} ({best['library']}), {day}"
