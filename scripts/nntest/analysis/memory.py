"""How much memory models take, and which part of it their weights are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from nntest.analysis.points import data_type, row_order, runs_by_point
from nntest.archives.ck.memory import peak_mb
from nntest.domain.data_types import BITS
from nntest.domain.networks import Network
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.memory import MEMORY
from nntest.domain.tensors import NETWORK, SPECIES, Tensor
from nntest.domain.traffic import tensor_weights

_OF_PEAKS = ["peak_before_mb", "peak_after_mb", "resident_before_mb"]


def memory(frame: pd.DataFrame, runs: pd.DataFrame, networks: Sequence[Network]) -> pd.DataFrame:
    """One row for each point of which a process says its memory: medians over processes, in MB.

    `runs` is the table `memory_runs`; the measurements `frame` are not used.  Weights are the
    network's parameters, or those of the layer without its bias.
    """
    parameters = {network.name: network.parameters for network in networks}
    rows: list[dict[str, Any]] = []
    for row, group in runs_by_point(runs):
        weights_mb = _weights(row, parameters)
        peaks = [peak_mb(run) for run in group[_OF_PEAKS].to_dict("records")]
        peak = pd.Series(peaks, dtype="float64").median()
        resident = group["resident_after_mb"] - group["resident_before_mb"]
        rows.append({
            **row,
            "n": len(group),
            "peak_mb": peak,
            "resident_mb": resident.median(),
            "weights_mb": weights_mb,
            "weights_share": None if weights_mb is None else weights_mb / peak,
            "resident_before_mb": group["resident_before_mb"].median(),
        })  # fmt: skip
    rows.sort(key=lambda row: (row["species"] != NETWORK, row_order(row)))
    return frame_of(rows, MEMORY)


def _weights(row: dict[str, Any], parameters: dict[str, int]) -> float | None:
    """The weights of a point in MB; None where nothing here says how many it has."""
    if row["species"] == NETWORK:
        count = parameters.get(row["tensor"])
    elif row["species"] in SPECIES:
        count = tensor_weights(Tensor.parse(row["species"], row["tensor"]))
    else:
        count = None
    return None if count is None else count * BITS[data_type(row["operator"])] / 8 / 1e6
