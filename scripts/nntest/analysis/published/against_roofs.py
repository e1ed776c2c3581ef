"""Measured over predicted: how far the roofline model is from what was published."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from nntest.analysis.published.networks import Published
from nntest.analysis.roofline.model import Roof
from nntest.analysis.roofline.tables import frames_per_s
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.published import MEASURED_OVER_PREDICTED, PREDICTION_ERRORS
from nntest.domain.traffic import TrafficModel, network_work

EVERY, BEST = "every row", "best batch"


def measured_over_predicted(
    frame: pd.DataFrame,
    networks: Published,
    roofs: Sequence[Roof],
    traffic_models: Sequence[TrafficModel],
) -> pd.DataFrame:
    """Each measured row of a published table against the roofs of its platform.

    `frame` has the columns of `PUBLISHED`.  Rows of networks whose layers are not known, or
    of platforms without a roof for the data type, have no prediction and are left out.
    """
    by_platform: dict[tuple[str, str], list[Roof]] = {}
    for roof in roofs:
        by_platform.setdefault((roof.name, roof.data_type), []).append(roof)
    works = {key: network_work(network) for key, network in networks.items()}
    rows: list[dict[str, Any]] = []
    done = frame[frame["frames_per_s"].notna() & frame["batch_size"].notna()]
    for record in done.to_dict("records"):
        key = (record["network"], record["pruning_percent"])
        work = works.get(key)
        under = by_platform.get((record["platform_file"], record["data_type"]), [])
        if work is None:
            continue
        batch = int(record["batch_size"])
        for roof in under:
            for traffic in traffic_models:
                intensity = work.intensity(roof.data_type, traffic, batch)
                attainable = roof.attainable_gops(intensity)
                predicted = frames_per_s(attainable, work.operations)
                same = ("file", "line", "network", "pruning_percent", "platform",
                        "platform_file", "data_type", "frames_per_s")  # fmt: skip
                rows.append({
                    **{name: record[name] for name in same}, "batch_size": batch,
                    "network_file": networks[key].name,
                    "ceiling": roof.kind, "rank": roof.rank, "traffic_model": traffic,
                    "intensity_ops_per_byte": intensity,
                    "achieved_gops": record["frames_per_s"] * work.operations / 1e9,
                    "attainable_gops": attainable, "bound": roof.bound(intensity),
                    "predicted_frames_per_s": predicted,
                    "measured_over_predicted": record["frames_per_s"] / predicted,
                })  # fmt: skip
    return frame_of(rows, MEASURED_OVER_PREDICTED)


def error_summary(ratios: pd.DataFrame) -> pd.DataFrame:
    """How far predictions are off, by platform, data type, ceiling and traffic model.

    For every row, and for the best batch of each network and pruning alone (a roof is what can be
    reached, so the best is the fair comparison).  `typical_factor` is exp(mean |ln ratio|): 2
    means off by a factor of two either way.  `above_roof` counts ratios above 1, which no roof
    allows: there the traffic model, the ceiling or the measurement is wrong.
    """
    keys = ["platform", "data_type", "ceiling", "traffic_model"]
    best = ratios.loc[
        ratios.groupby([*keys, "network", "pruning_percent"])["frames_per_s"].idxmax()
    ]
    rows: list[dict[str, Any]] = []
    for of, part in ((EVERY, ratios), (BEST, best)):
        for key, group in part.groupby(keys, sort=False):
            assert isinstance(key, tuple)
            values = group["measured_over_predicted"].to_numpy(float)
            logs = np.log(values)
            rows.append({
                **dict(zip(keys, key, strict=True)), "of": of, "n": len(values),
                "lowest": values.min(), "median": float(np.median(values)),
                "highest": values.max(), "geometric_mean": math.exp(logs.mean()),
                "typical_factor": math.exp(np.abs(logs).mean()),
                "above_roof": int((values > 1).sum()),
            })  # fmt: skip
    return frame_of(rows, PREDICTION_ERRORS)
