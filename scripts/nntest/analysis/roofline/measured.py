"""Measured points on a roofline: what operators reached, and the share of the roof that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from nntest.analysis.points import (
    MeasuredPoint,
    labelled,
    points,
    row_order,
)
from nntest.analysis.roofline.ceilings import with_measured
from nntest.analysis.roofline.model import Roof
from nntest.domain.networks import Network
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.rooflines import ROOFLINE
from nntest.domain.tensors import NETWORK, Tensor
from nntest.domain.traffic import TrafficModel, Work, network_work, tensor_work
from nntest.errors import UserError


def roofline_points(
    frame: pd.DataFrame,
    networks: Sequence[Network],
    padding: str,
    roofs: Mapping[str, Sequence[Roof]],
    traffic_model: TrafficModel,
    seed: int,
) -> pd.DataFrame:
    """Every measured point of a measurement table against every roof of its board.

    `roofs` are by the name of the board file, to which those come that the study measured itself
    (`ceilings.with_measured`); a point of a board without roofs for its data type
    has one row, in which the roof's columns are empty.  `gop` are the operations that are really
    executed for the batch (not those of the 2018 study's GFLOPS), `achieved_gops` is over the
    median, `best_gops` over the fastest repetition; `share_of_roof` is achieved over attainable.
    `layers` names the layers of the study's networks that run the tensor; a whole network that
    was measured in one process is a point too.  Operators without operations (reshape) have no
    place on a roofline and are left out.
    """
    roofs = with_measured(roofs, frame)
    boards = _boards(frame)
    layers = layers_by_tensor(networks, padding)
    whole = {network.name: network_work(network) for network in networks}
    layers |= {(NETWORK, name): [f"{name}, all layers"] for name in whole}
    rows: list[dict[str, Any]] = []
    for point in points(frame, seed):
        work = _work(point, whole)
        if work is None or not work.operations:
            continue
        gop = work.operations * point.batch_size / 1e9
        intensity = work.intensity(point.data_type, traffic_model, point.batch_size)
        achieved = gop / point.sample.median * 1e6
        base = {
            **point.keys(),
            "board": boards.get(point.platform, ""),
            "data_type": point.data_type,
            "layers": ", ".join(layers.get((point.species, point.tensor), [])),
            "median_us": point.sample.median,
            "min_us": point.sample.minimum,
            "gop": gop,
            "achieved_gops": achieved,
            "best_gops": gop / point.sample.minimum * 1e6,
            "traffic_model": traffic_model,
            "intensity_ops_per_byte": intensity,
        }
        under = [
            roof
            for roof in roofs.get(boards.get(point.platform, ""), ())
            if roof.data_type == point.data_type
        ]
        rows += [{**base, **_against(roof, intensity, achieved)} for roof in under] or [
            {**base, **_NO_ROOF}
        ]
    rows.sort(key=lambda row: (*row_order(row), -1 if pd.isna(row["rank"]) else row["rank"]))
    return frame_of(rows, ROOFLINE)


def _work(point: MeasuredPoint, networks: Mapping[str, Work]) -> Work | None:
    if point.species == NETWORK:
        return networks.get(point.tensor)
    try:
        return tensor_work(Tensor.parse(point.species, point.tensor))
    except UserError:
        return None


_NO_ROOF: dict[str, Any] = {
    "ceiling": "", "rank": None, "peak_gops": None, "bandwidth_gb_s": None,
    "attainable_gops": None, "bound": "", "share_of_roof": None,
}  # fmt: skip


def _against(roof: Roof, intensity: float, achieved: float) -> dict[str, Any]:
    attainable = roof.attainable_gops(intensity)
    return {
        "ceiling": roof.kind,
        "rank": roof.rank,
        "peak_gops": roof.peak_gops,
        "bandwidth_gb_s": roof.bandwidth_gb_s,
        "attainable_gops": attainable,
        "bound": roof.bound(intensity),
        "share_of_roof": achieved / attainable,
    }


def _boards(frame: pd.DataFrame) -> dict[str, str]:
    """The board file of each platform that the table names."""
    rows = labelled(frame)[["platform", "board"]].dropna().drop_duplicates()
    return {str(platform): str(board) for platform, board in rows.to_numpy() if board}


def layers_by_tensor(networks: Sequence[Network], padding: str) -> dict[tuple[str, str], list[str]]:
    """Names of the layers that run each (species, tensor), in the order of the networks."""
    found: dict[tuple[str, str], list[str]] = {}
    for network in networks:
        for layer in network.layers:
            label = layer.name if len(networks) == 1 else f"{network.name} {layer.name}"
            for tensor in network.stand_ins(layer, padding):
                named = found.setdefault((layer.species, tensor.name), [])
                if label not in named:
                    named.append(label)
    return found
