"""Networks that were not measured, or not in all their layers, predicted from what was."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from nntest.analysis.layer_model import LayerModel, kind_of
from nntest.analysis.points import (
    GROUP_COLUMNS,
    MeasuredPoint,
    choices_of,
    operator_points,
)
from nntest.analysis.schedule import tensor_uses
from nntest.analysis.stats import UNKNOWN, Interval
from nntest.domain.networks import Network
from nntest.domain.tables.column import names
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.predictions import PREDICTED_LAYERS, PREDICTED_NETWORKS
from nntest.domain.tables.shared import GROUP, NETWORK
from nntest.domain.tensors import Tensor
from nntest.errors import UserError

MOST_NAMED = 3
"""Layers that are named as the next to measure."""
_KEYS = names((NETWORK, *GROUP))


def predicted_layers(
    frame: pd.DataFrame,
    networks: Sequence[Network],
    predict: Sequence[Network],
    padding: str,
    seed: int,
) -> pd.DataFrame:
    """Every layer of the networks of which a library has not measured all layers, in their order.

    `predict` are networks that the study does not measure.  One row for each layer, on each
    platform, library, batch size, data type and number of threads: the median of its fastest
    choice where its tensor was measured, else what `LayerModel` says of it, `is_predicted`; null
    where too few layers of its kind were measured.
    """
    rows: list[dict[str, Any]] = []
    for group, found in choices_of(operator_points(frame, seed)).items():
        models = _models(found)
        for network in (*networks, *predict):
            uses = tensor_uses(found, network, padding)
            if all(use.points for use in uses):
                continue
            where = {"network": network.name, **dict(zip(GROUP_COLUMNS, group, strict=True))}
            for use in uses:
                model = models.get(kind_of(use.tensor))
                if use.points:
                    time = use.points[0].sample.median_interval
                else:
                    time = model.predict(use.tensor) if model else UNKNOWN
                rows += [
                    {
                        **where,
                        "position": position + 1,
                        "layer": layer.name,
                        "species": use.tensor.species,
                        "tensor": use.tensor.name,
                        "is_predicted": not use.points,
                        "time_us": time.value,
                        "low_us": time.low,
                        "high_us": time.high,
                        "fitted_on": model.measured if model and not use.points else None,
                    }
                    for position, layer in zip(use.positions, use.layers, strict=True)
                ]
    rows.sort(key=lambda row: (*(str(row[name]) for name in _KEYS), row["position"]))
    return frame_of(rows, PREDICTED_LAYERS)


def _models(found: Sequence[MeasuredPoint]) -> dict[str, LayerModel]:
    """A model for each kind of layer of which enough were measured."""
    times: dict[str, dict[Tensor, float]] = {}
    for point in found:
        try:
            tensor = Tensor.parse(point.species, point.tensor)
        except UserError:  # of an archive: a point that no name describes
            continue
        of_kind = times.setdefault(kind_of(tensor), {})
        of_kind[tensor] = min(point.sample.median, of_kind.get(tensor, math.inf))
    fitted = {kind: LayerModel.fit(of_kind) for kind, of_kind in times.items()}
    return {kind: model for kind, model in fitted.items() if model is not None}


def predicted_networks(frame: pd.DataFrame, layers: pd.DataFrame) -> pd.DataFrame:
    """The sum over the layers of each network of `predicted_layers`; `frame` is not used.

    The ends are the sums of the layers' ends: layers of a network are off together, so nothing is
    taken off for chance.  A sum without all layers has no value.
    """
    rows: list[dict[str, Any]] = []
    for key, own in layers.groupby(list(_KEYS), sort=False, dropna=False):
        assert isinstance(key, tuple)
        unknown = own[own["time_us"].isna()]
        predicted = own[own["is_predicted"]]
        total = _sum(own)
        rows.append({
            **dict(zip(_KEYS, key, strict=True)),
            "layers": len(own),
            "predicted_layers": len(predicted) - len(unknown),
            "total_us": total.value,
            "low_us": total.low,
            "high_us": total.high,
            "predicted_share": predicted["time_us"].sum() / own["time_us"].sum(),
            "not_predicted": ", ".join(unknown["layer"]),
            "measure_next": ", ".join(_measure_next(predicted)),
        })  # fmt: skip
    return frame_of(rows, PREDICTED_NETWORKS)


def _sum(own: pd.DataFrame) -> Interval:
    if own["time_us"].isna().any():
        return UNKNOWN
    unsure = own[own["is_predicted"]]
    if unsure[["low_us", "high_us"]].isna().any(axis=None):
        return Interval(own["time_us"].sum(), math.nan, math.nan)
    # Of a measured layer with too few runs for an interval the median itself.
    low, high = (own[name].fillna(own["time_us"]).sum() for name in ("low_us", "high_us"))
    return Interval(own["time_us"].sum(), low, high)


def _measure_next(predicted: pd.DataFrame) -> list[str]:
    """Tensors whose measurement would narrow the network's interval the most.

    First those of which nothing is known; then by the width of their intervals, all layers that
    run them together; without intervals by their time.
    """
    by_tensor = predicted.groupby("tensor", sort=False)
    first = [str(tensor) for tensor, rows in by_tensor if rows["time_us"].isna().all()]
    known = predicted[predicted["time_us"].notna()]
    width = (known["high_us"] - known["low_us"]).fillna(known["time_us"])
    widths = width.groupby(known["tensor"]).sum().sort_values(ascending=False, kind="stable")
    return [*first, *map(str, widths.index)][:MOST_NAMED]
