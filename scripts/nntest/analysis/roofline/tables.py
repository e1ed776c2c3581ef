"""Data frames of the roofline model: roofs, intensities and predictions.

Every function returns a frame with fixed, typed columns, also where there is nothing to say.
Units are in the columns' names: `_gops` is 10⁹ operations a second (a multiply-add is two),
`_gb_s` 10⁹ bytes a second.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from nntest.analysis.roofline.model import Roof
from nntest.domain.networks import Network
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.rooflines import INTENSITIES, PREDICTION, ROOFS
from nntest.domain.traffic import TrafficModel, Work, layer_works, network_work

WHOLE = ""
"""Layer of a row that means the whole network."""


def roof_table(roofs: Iterable[Roof]) -> pd.DataFrame:
    """Every ceiling of every platform with its exact ridge point; columns those of `ROOFS`.

    `rank` 0 is the ceiling of predictions.
    """
    rows = [
        {
            "platform": roof.platform, "platform_file": roof.name, "data_type": roof.data_type,
            "ceiling": roof.kind, "rank": roof.rank, "peak_gops": roof.peak_gops,
            "bandwidth_gb_s": roof.bandwidth_gb_s, "bandwidth_kind": roof.bandwidth_kind,
            "ridge_ops_per_byte": roof.ridge, "peak_source": roof.peak_source,
            "bandwidth_source": roof.bandwidth_source,
        }
        for roof in roofs
    ]  # fmt: skip
    return frame_of(rows, ROOFS)


def intensity_table(
    networks: Sequence[Network],
    data_types: Sequence[str],
    traffic_models: Sequence[TrafficModel],
    batch_sizes: Sequence[int] = (1,),
) -> pd.DataFrame:
    """Operations a byte of each network (`layer` '') and of each of its layers.

    Columns of `INTENSITIES`; `operations`, `weights` and `activations` (inputs and outputs of
    the layers, in values) are those of one image.
    """
    rows: list[dict[str, Any]] = []
    for network in networks:
        parts: list[tuple[str, str, str, Work]] = [(WHOLE, "", "", network_work(network))]
        parts += layer_works(network)
        for layer, species, tensor, work in parts:
            for data_type in data_types:
                for traffic in traffic_models:
                    for batch_size in batch_sizes:
                        rows.append({
                            "network": network.name, "layer": layer, "species": species,
                            "tensor": tensor, "data_type": data_type, "traffic_model": traffic,
                            "batch_size": batch_size, "operations": work.operations,
                            "weights": work.weights, "activations": work.inputs + work.outputs,
                            "bytes_per_image": work.bytes_per_image(
                                data_type, traffic, batch_size),
                            "intensity_ops_per_byte": work.intensity(
                                data_type, traffic, batch_size),
                        })  # fmt: skip
    return frame_of(rows, INTENSITIES)


def prediction(
    roofs: Sequence[Roof],
    networks: Sequence[Network],
    traffic_models: Sequence[TrafficModel],
    batch_sizes: Sequence[int] = (1,),
) -> pd.DataFrame:
    """Frames a second that each roof allows each network; columns those of `PREDICTION`.

    `frames_per_s` = attainable / operations with the intensity of the network as a whole, as
    QuTiBench predicts; `latency_ms` that of a whole batch; `peak_frames_per_s` were memory free.
    `layers_frames_per_s` bounds each layer by its own intensity and adds their times, which is
    lower wherever some layers are bound by memory and others are not.
    """
    rows: list[dict[str, Any]] = []
    for network in networks:
        work = network_work(network)
        works = [layer for *_, layer in layer_works(network)]
        for roof in roofs:
            for traffic in traffic_models:
                for batch_size in batch_sizes:
                    intensity = work.intensity(roof.data_type, traffic, batch_size)
                    attainable = roof.attainable_gops(intensity)
                    frames = frames_per_s(attainable, work.operations)
                    seconds = math.fsum(
                        layer_seconds(roof, layer, traffic, batch_size) for layer in works
                    )
                    rows.append({
                        "network": network.name, "platform": roof.platform,
                        "platform_file": roof.name, "data_type": roof.data_type,
                        "ceiling": roof.kind, "rank": roof.rank, "traffic_model": traffic,
                        "batch_size": batch_size, "operations": work.operations,
                        "weights": work.weights, "intensity_ops_per_byte": intensity,
                        "ridge_ops_per_byte": roof.ridge, "attainable_gops": attainable,
                        "bound": roof.bound(intensity), "frames_per_s": frames,
                        "latency_ms": 1e3 * batch_size / frames if frames else math.nan,
                        "peak_frames_per_s": frames_per_s(roof.peak_gops, work.operations),
                        "layers_frames_per_s": 1 / seconds if seconds else math.nan,
                    })  # fmt: skip
    return frame_of(rows, PREDICTION)


def frames_per_s(gops: float, operations: float) -> float:
    """Frames a second at `gops` with so many operations in a frame; NaN for no operations."""
    return gops * 1e9 / operations if operations else math.nan


def layer_seconds(roof: Roof, work: Work, traffic: TrafficModel, batch_size: int) -> float:
    """The least time of a layer for one image: the longer of computing and moving."""
    moving = work.bytes_per_image(roof.data_type, traffic, batch_size) / roof.bandwidth_gb_s
    return max(work.operations / roof.peak_gops, moving) / 1e9
