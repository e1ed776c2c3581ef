"""Whether the boards of a pool differ, by points that each of them measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from nntest.analysis.points import MeasuredPoint, points
from nntest.analysis.stats import ratio, weighted_sum
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.study import POOL_BOARDS


def pool_boards(frame: pd.DataFrame, pools: Mapping[str, Sequence[str]], seed: int) -> pd.DataFrame:
    """A row for each board of a pool but the first with results, compared with that one.

    frame: measurement table of the points that all boards measure; pools: boards by pool.
    Compared are sums of medians over the points that both have measured.
    """
    rows = []
    for pool, boards in pools.items():
        measured = {board: _by_key(frame[frame["board"] == board], seed) for board in boards}
        there = [board for board in boards if measured[board]]
        for other in there[1:]:
            before, after = measured[there[0]], measured[other]
            both = [key for key in before if key in after]
            if not both:
                continue
            sums = [
                weighted_sum([(1, found[key].sample.figure) for key in both])
                for found in (before, after)
            ]
            interval = ratio(sums[1], sums[0])
            rows.append({
                "pool": pool, "baseline": there[0], "other": other, "points": len(both),
                "baseline_us": sums[0].value, "other_us": sums[1].value, "ratio": interval.value,
                "ci_low": interval.low, "ci_high": interval.high,
                "verdict": interval.verdict("slower", "faster"),
            })  # fmt: skip
    return frame_of(rows, POOL_BOARDS)


def _by_key(frame: pd.DataFrame, seed: int) -> dict[tuple[object, ...], MeasuredPoint]:
    return {tuple(point.keys().values()): point for point in points(frame, seed)}
