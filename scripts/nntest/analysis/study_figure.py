"""The 2018 study's own figure: convolutions alone, best operator and tuner, repeats counted.

The study's notebook ended with the sum over a MobileNet's convolutions, each at the faster of
im2col + GEMM (`conv`) and direct convolution (`directconv`), with or without the tuner.  That sum
is kept as it was, so that a new measurement compares with the old one, whatever else is measured
now (depthwise layers, Winograd convolutions) and enters the estimate.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from nntest.analysis.points import GROUP_COLUMNS, choices_of, points
from nntest.analysis.schedule import tensor_uses
from nntest.analysis.stats import weighted_sum
from nntest.domain.networks import Network
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.networks import STUDY_FIGURE

OPERATORS = ("conv", "directconv")


def study_figure(
    frame: pd.DataFrame, networks: Sequence[Network], padding: str, seed: int
) -> pd.DataFrame:
    """The study's sum for each network, platform, library, batch size and data type.

    `study_us` sums repeats x median with each tensor at its fastest by median, `study_min_us`
    repeats x minimum with each tensor at its fastest by minimum.  `conv_layers` of
    `of_conv_layers` were measured; `chosen` counts what was fastest (by median), in layers.
    """
    rows: list[dict[str, Any]] = []
    grouped = choices_of(points(frame, seed))
    for network in networks:
        convolutions = [layer.name for layer in network.layers if layer.species == "conv"]
        for group, found in grouped.items():
            # An 8-bit or 16-bit convolution is conv-uint8 or conv-fp16.
            wanted = [point for point in found if point.operator.split("-")[0] in OPERATORS]
            measured = [
                use
                for use in tensor_uses(wanted, network, padding)
                if use.tensor.species == "conv" and use.points
            ]
            if not measured:
                continue
            best = [(use.repeats, use.points[0].sample) for use in measured]
            interval = weighted_sum([(n, sample.figure) for n, sample in best]).interval
            covered = [layer.name for use in measured for layer in use.layers]
            chosen = Counter({use.points[0].choice: 0 for use in measured})
            for use in measured:
                chosen[use.points[0].choice] += use.repeats
            rows.append({
                "network": network.name,
                **dict(zip(GROUP_COLUMNS, group, strict=True)),
                "study_us": interval.value,
                "ci_low_us": interval.low,
                "ci_high_us": interval.high,
                "study_min_us": math.fsum(
                    use.repeats * min(point.sample.minimum for point in use.points)
                    for use in measured
                ),
                "conv_layers": len(covered),
                "of_conv_layers": len(convolutions),
                "tensors": len(measured),
                "chosen": ", ".join(f"{name} for {n}" for name, n in sorted(chosen.items())),
                "conv_not_covered": ", ".join(
                    name for name in convolutions if name not in covered
                ),
            })  # fmt: skip
    return frame_of(rows, STUDY_FIGURE)
