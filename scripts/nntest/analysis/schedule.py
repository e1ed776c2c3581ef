"""The schedule: for each layer of a network, the operator and tuner that ran it fastest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from nntest.analysis.points import (
    GROUP_COLUMNS,
    MeasuredPoint,
    choices_of,
    operator_points,
)
from nntest.analysis.stats import UNKNOWN, ratio_of_medians
from nntest.domain.networks import Layer, Network
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.networks import SCHEDULE
from nntest.domain.tensors import Tensor


@dataclass(frozen=True)
class TensorUse:
    """A distinct tensor of a network, the layers that run it, and what was measured for it."""

    tensor: Tensor
    positions: tuple[int, ...]
    """Where in the network it runs, from 0."""
    layers: tuple[Layer, ...]
    points: tuple[MeasuredPoint, ...]
    """Measured points, fastest median first; ties by operator and tuner.  May be empty."""

    @property
    def repeats(self) -> int:
        """How often the network runs the tensor."""
        return len(self.layers)

    def where(self) -> dict[str, Any]:
        """Where in the network it runs, as columns of a table's row; `position` is from 1."""
        return {
            "position": self.positions[0] + 1,
            "species": self.tensor.species,
            "tensor": self.tensor.name,
            "layers": ", ".join(layer.name for layer in self.layers),
            "repeats": self.repeats,
        }


def tensor_uses(found: Sequence[MeasuredPoint], network: Network, padding: str) -> list[TensorUse]:
    """A network's distinct tensors in layer order, with the points of one platform.

    `padding` as `Network.measured_tensor` has it.  Each library stands for a layer with its points
    that have the layer's activation, else with those that have none.
    """
    by_tensor: dict[tuple[str, str], list[MeasuredPoint]] = {}
    for point in found:
        by_tensor.setdefault((point.species, point.tensor), []).append(point)
    positions: dict[Tensor, list[int]] = {}
    points_of: dict[Tensor, list[MeasuredPoint]] = {}
    for position, layer in enumerate(network.layers):
        as_run, plain = network.stand_ins(layer, padding)
        activated = by_tensor.get((as_run.species, as_run.name), [])
        tensor = as_run if activated else plain
        positions.setdefault(tensor, []).append(position)
        libraries = {point.library for point in activated}
        bare = by_tensor.get((plain.species, plain.name), [])
        points_of[tensor] = activated + [p for p in bare if p.library not in libraries]
    return [
        TensorUse(
            tensor,
            tuple(running),
            tuple(network.layers[position] for position in running),
            tuple(
                sorted(
                    points_of[tensor],
                    key=lambda point: (point.sample.median, point.operator, point.tuner),
                )
            ),
        )
        for tensor, running in positions.items()
    ]


def schedule(
    frame: pd.DataFrame, networks: Sequence[Network], padding: str, seed: int
) -> pd.DataFrame:
    """The fastest (operator, tuner) by median for each tensor of each network.

    One row per network, platform, library, batch size, data type and tensor that was measured, in
    layer order (`position` is the first layer's, from 1).  `time_us` is one run (the median, with
    its interval), `total_us` all `repeats`, `share` its part of the sum over the measured layers.
    The runner-up is the next fastest; `runner_up_ratio` is its median over the best one's, and
    `distinguishable` says whether that ratio's interval excludes 1 (null: there is no interval,
    or no runner-up).  The best of several noisy medians is a little too good on average, which is
    taken off in the estimate of the whole network only.
    """
    rows = []
    grouped = choices_of(operator_points(frame, seed))
    for network in networks:
        for group, found in grouped.items():
            measured = [use for use in tensor_uses(found, network, padding) if use.points]
            total = math.fsum(use.repeats * use.points[0].sample.median for use in measured)
            for use in measured:
                best = use.points[0]
                interval = best.sample.median_interval
                second = use.points[1] if len(use.points) > 1 else None
                ratio = UNKNOWN
                if second is not None:
                    ratio = ratio_of_medians(second.sample, best.sample)
                time = use.repeats * interval.value
                rows.append({
                    "network": network.name,
                    **dict(zip(GROUP_COLUMNS, group, strict=True)),
                    **use.where(),
                    "operator": best.operator,
                    "tuner": best.tuner,
                    "time_us": interval.value,
                    "ci_low_us": interval.low,
                    "ci_high_us": interval.high,
                    "GFLOPS": best.gflops,
                    "total_us": time,
                    "share": time / total,
                    "runner_up": second.choice if second else None,
                    "runner_up_us": second.sample.median if second else None,
                    "runner_up_ratio": ratio.value,
                    "runner_up_ci_low": ratio.low,
                    "runner_up_ci_high": ratio.high,
                    "distinguishable": ratio.low > 1.0 if ratio.known else None,
                })  # fmt: skip
    return frame_of(rows, SCHEDULE)
