"""What more threads gain: every point over its own time with one thread."""

from __future__ import annotations

from typing import Any

import pandas as pd

from nntest.analysis.points import points
from nntest.analysis.stats import ratio_of_medians
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.study import THREAD_SCALING


def thread_scaling(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The speedup over one thread of every point that was measured with one and with more.

    `speedup` is the median with one thread over the row's median, with its 95 %
    interval, and `efficiency` that over `threads`.  Whole networks are points, too.
    """
    found = {point.key: point for point in points(frame, seed)}
    rows: list[dict[str, Any]] = []
    for point in found.values():
        one = found.get(tuple({**point.keys(), "threads": 1}.values()))
        if one is None or point.threads is None or point is one:
            continue
        interval = point.sample.median_interval
        ratio = ratio_of_medians(one.sample, point.sample)
        rows.append({
            **point.keys(),
            "median_us": interval.value,
            "ci_low_us": interval.low,
            "ci_high_us": interval.high,
            "one_thread_us": one.sample.median,
            "speedup": ratio.value,
            "ci_low": ratio.low,
            "ci_high": ratio.high,
            "verdict": ratio.verdict("faster", "slower"),
            "efficiency": ratio.value / point.threads,
            "efficiency_ci_low": ratio.low / point.threads,
            "efficiency_ci_high": ratio.high / point.threads,
        })  # fmt: skip
    return frame_of(rows, THREAD_SCALING)
