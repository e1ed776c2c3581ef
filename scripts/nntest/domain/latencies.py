"""Percentiles of the latencies of a run's requests, and how many requests one needs behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence

PERCENTILES = {"p50_ms": 500, "p90_ms": 900, "p99_ms": 990, "p999_ms": 999}
"""Per mille of the requests that are no slower, by the name of the column."""

_LEVEL = 0.95


def percentile(ordered: Sequence[int], per_mille: int) -> int | None:
    """A percentile of ascending latencies, as MLPerf's LoadGen takes it; None for too few.

    LoadGen's element has the index floor(count x percentile) from 0 (`results.cc` of
    mlcommons/inference).
    """
    if len(ordered) < fewest(per_mille):
        return None
    return ordered[len(ordered) * per_mille // 1000]


def fewest(per_mille: int) -> int:
    """How many requests a percentile needs: 6 for the median, 3688 for 99.9 %.

    With fewer, even the slowest of them is below the true percentile with a probability of over
    2.5 %: no request bounds it from above, and its distribution-free 95 % interval has no upper end
    (Hahn and Meeker, Statistical Intervals, 1991, section 5.2).
    """
    return math.ceil(math.log((1 - _LEVEL) / 2) / math.log(per_mille / 1000))
