"""How a network's rate changes while it runs on and on, and where it is steady.

Changes of level are found by optimal partitioning (Jackson et al., IEEE Signal Processing Letters
12, 2005): the segments of the series whose squared distances from their means, with a penalty for
each further segment, are the least.  PELT (Killick, Fearnhead and Eckley, Journal of the American
Statistical Association 107, 2012) finds the same ones, faster; with a few hundred windows that does
not matter.  Barrett et al. (Virtual Machine Warmup Blows Hot and Cold, OOPSLA 2017) find the steady
state of a program so, and this module follows them: it is the last segment with all before it whose
levels are equivalent to its own, if it is long enough.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from onboard import outcomes

from nntest.analysis.points import row_order, runs_by_point
from nntest.analysis.stats import FloatArray
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.sustained import SUSTAINED

SAME_LEVEL = 0.02
"""Levels that differ by less, as a share, are one; smaller changes are not worth a word."""
LEAST_STEADY = 0.25
"""Share of a run that its steady state lasts, as Barrett et al. have it (500 of 2000 runs)."""
MINUTE_S = 60.0

_SHORTEST = 3
"""Windows of a segment."""
_PENALTY = 3.0
"""Of a change, times the noise's variance and the logarithm of the number of windows.  Schwarz's
criterion has 2 for the place and the level together (Yao, Statistics and Probability Letters 6,
1988); windows that follow each other are not independent, so a little more."""
_LEAST_NOISE = 1e-3
"""Of the logarithm of a rate: counting whole runs is no more exact."""

_PLACE = ("platform", "operator", "tensor", "batch_size")
_QUANTITIES = ("frames_per_s", "clock_mhz", "temperature_c", "power_w")


@dataclass(frozen=True)
class Segment:
    """Windows between two changes."""

    first: int
    """Number of its first window."""
    rate: float
    """Its level: the geometric mean of its windows."""


def segments(rates: FloatArray) -> list[Segment]:
    """The segments of a series of positive rates, in order; levels of neighbours differ.

    Noise is told from the differences of neighbours, which a few changes leave as they are: their
    median absolute deviation (1.4826 times it is a normal one's standard deviation).  A running
    median of three takes out single windows that a burst of load has met, and leaves steps where
    they are (Tukey, Exploratory Data Analysis, 1977, chapter 7).
    """
    logs = np.log(rates)
    firsts = [0]
    if len(logs) >= 2 * _SHORTEST:
        steps = np.diff(logs)
        spread = 1.4826 * float(np.median(np.abs(steps - np.median(steps)))) / math.sqrt(2)
        logs[1:-1] = np.median([logs[:-2], logs[1:-1], logs[2:]], axis=0)
        firsts = _partition(logs / max(spread, _LEAST_NOISE), _PENALTY * math.log(len(logs)))
    # Neighbours of the same level are one segment.
    while True:
        parts = [logs[start:end] for start, end in pairwise([*firsts, len(logs)])]
        levels = [float(part.mean()) for part in parts]
        steps_between = [abs(after - before) for before, after in pairwise(levels)]
        if not steps_between or min(steps_between) >= math.log1p(SAME_LEVEL):
            break
        del firsts[steps_between.index(min(steps_between)) + 1]
    return [Segment(first, math.exp(level)) for first, level in zip(firsts, levels, strict=True)]


def _partition(values: FloatArray, penalty: float) -> list[int]:
    """First indices of the segments, of `_SHORTEST` values or more, whose cost is the least."""
    count = len(values)
    sums = np.concatenate([[0.0], np.cumsum(values - values.mean())])
    squares = np.concatenate([[0.0], np.cumsum((values - values.mean()) ** 2)])
    cost = np.full(count + 1, np.inf)  # of the first so many values, at best
    cost[0] = -penalty
    before = np.zeros(count + 1, int)  # where the last segment of these begins
    for end in range(_SHORTEST, count + 1):
        starts = np.arange(end - _SHORTEST + 1)
        within = squares[end] - squares[starts] - (sums[end] - sums[starts]) ** 2 / (end - starts)
        total = cost[starts] + within + penalty
        before[end] = int(total.argmin())
        cost[end] = total[before[end]]
    firsts, end = [], count
    while end > 0:
        end = int(before[end])
        firsts.append(end)
    return firsts[::-1]


def steady_from(found: list[Segment], windows: int) -> int | None:
    """Number of the window from which a series is steady; None if it is not at its end."""
    first = windows
    for segment in reversed(found):
        if abs(math.log(segment.rate / found[-1].rate)) >= math.log1p(SAME_LEVEL):
            break
        first = segment.first
    return first if windows - first >= LEAST_STEADY * windows else None


def sustained(frame: pd.DataFrame, windows: pd.DataFrame) -> pd.DataFrame:
    """One row for each network that ran on and on: its first minute, its last, what changed.

    `windows` is the table `sustained_windows`; the measurements `frame` are not used.  Of a point
    with several runs the latest repetition counts.
    """
    rows: list[dict[str, Any]] = []
    for point, group in runs_by_point(windows):
        row = {**dict.fromkeys(SUSTAINED.names), **point}
        good = group[(group["status"] == outcomes.OK) & (group["runs"] > 0)]
        if good.empty:
            rows.append({**row, "note": str(group["reason"].iloc[0])[:200] or _NO_WINDOW})
            continue
        last = good[good["repetition_id"] == good["repetition_id"].max()]
        rows.append({**row, **_described(last.sort_values("window"))})
    table = frame_of(rows, SUSTAINED)
    for when in ("first", "last"):
        rates = table.groupby(list(_PLACE), dropna=False)[f"{when}_frames_per_s"]
        table[f"{when}_rank"] = rates.rank(ascending=False, method="min").astype("Int64")
    order = sorted(range(len(table)), key=lambda index: row_order(rows[index]))
    return table.iloc[order].reset_index(drop=True)


_NO_WINDOW = "no window ended: `sustained` is shorter than one"


def _described(run: pd.DataFrame) -> dict[str, Any]:
    """What the windows of one run say, in order."""
    starts = run["from_s"].to_numpy(float)
    ends = starts + run["seconds"].to_numpy(float)
    part = min(MINUTE_S, (ends[-1] - starts[0]) / 4)
    found: dict[str, Any] = {"seconds": ends[-1] - starts[0], "note": ""}
    for when, inside in (
        ("first", starts < starts[0] + part),
        ("last", ends > ends[-1] - part),
    ):
        for name in _QUANTITIES:
            found[f"{when}_{name}"] = run[name].astype(float)[inside].mean()
    found["change"] = found["last_frames_per_s"] / found["first_frames_per_s"] - 1
    levels = segments(run["frames_per_s"].to_numpy(float))
    steady = steady_from(levels, len(run))
    found["steady_from_s"] = None if steady is None else starts[steady]
    found["changes"] = "; ".join(
        f"{after.rate / before.rate - 1:+.1%} at {starts[after.first]:.0f} s"
        for before, after in pairwise(levels)
    )
    return found
