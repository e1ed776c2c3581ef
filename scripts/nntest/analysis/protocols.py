"""Two ways of warming up, side by side: always, and with the tuner only as in 2018.

CK-NNTest's convolution programs have warmed up with the tuner only since August 2018, and each
repetition was a process of its own; a comparison of tuned with untuned times then compares warm
runs with cold ones.  A study that measures its points both ways shows how much that makes.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from nntest.analysis.points import (
    COLD,
    MeasuredPoint,
    points,
    row_order,
)
from nntest.analysis.stats import UNKNOWN, Interval, ratio_of_medians
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.study import PROTOCOL_CHECK


def protocol_check(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Every point measured under both warm-ups: its times, and the tuner's speedup under each.

    `cold_over_warm` is the median with warm-up for the tuner only over the median with warm-up
    always.  `speedup_always` and `speedup_tuner_only` are the medians of NONE over those of the
    row's tuner, null in NONE's own rows; their quotient is what the protocol alone adds.
    """
    found = {point.key: point for point in points(frame, seed)}
    rows = []
    for point in found.values():
        if point.warmup != "always":
            continue
        keys = point.keys()
        cold = found.get(tuple({**keys, "library": keys["library"] + COLD}.values()))
        if cold is None:
            continue
        ratio = ratio_of_medians(cold.sample, point.sample)
        warm_speedup, cold_speedup = _speedup(point, found), _speedup(cold, found)
        rows.append({
            **keys,
            "median_always_us": point.sample.median,
            "median_tuner_only_us": cold.sample.median,
            "cold_over_warm": ratio.value,
            "ratio_ci_low": ratio.low,
            "ratio_ci_high": ratio.high,
            "verdict": ratio.verdict("slower when cold", "faster when cold"),
            "speedup_always": warm_speedup.value,
            "always_ci_low": warm_speedup.low,
            "always_ci_high": warm_speedup.high,
            "speedup_tuner_only": cold_speedup.value,
            "tuner_only_ci_low": cold_speedup.low,
            "tuner_only_ci_high": cold_speedup.high,
        })  # fmt: skip
    return frame_of(sorted(rows, key=row_order), PROTOCOL_CHECK)


def _speedup(point: MeasuredPoint, found: dict[tuple[Any, ...], MeasuredPoint]) -> Interval:
    """NONE's median over that of `point`; no number where one of the two is missing."""
    none = found.get(tuple({**point.keys(), "tuner": "NONE"}.values()))
    if point.tuner == "NONE" or none is None:
        return UNKNOWN
    return ratio_of_medians(none.sample, point.sample)
