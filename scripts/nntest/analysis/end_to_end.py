"""Estimated against measured: how far the sum over the layers is from the whole network's time.

Beside the plain sum, never instead of it, stands a calibrated one with a single term: a cost for
each layer (what starting it in a network adds to, or saves from, the time that it takes alone).
It is fitted on the *other* networks of the same platform, library, batch size, data type and
choice, so that no network's own measurement is in its calibrated estimate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from nntest.analysis.estimate import Estimate, estimates
from nntest.analysis.points import GROUP_COLUMNS
from nntest.domain.networks import Network
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.networks import END_TO_END

BAND = 0.10
"""Largest error that published sum-of-layers estimates keep to (e.g. nn-Meter, MobiSys 2021)."""
FEWEST_OTHERS = 3
"""Other networks that a calibration needs."""


def end_to_end(
    frame: pd.DataFrame, networks: Sequence[Network], padding: str, seed: int
) -> pd.DataFrame:
    """One row per estimate of a whole network that was measured as a whole, too.

    `error` is estimate over measured time, less 1, by median, with an interval over the processes
    of both; `error_min` the same by minima.  `queued_us` is the plain sum less
    what waiting for an empty kernel cost for each layer (`estimate`), a lower bound that is
    measured and not fitted: the workers of a device whose queue is not empty still have to be
    woken for some layers.  `calibrated_us` adds
    `layers` x `layer_cost_us`, fitted on `calibrated_on` other networks; null with fewer than
    `FEWEST_OTHERS`.
    """
    found = [one for one in estimates(frame, networks, padding, seed) if one.measured and one.whole]
    rows: list[dict[str, Any]] = []
    for one in found:
        assert one.measured is not None
        others = [
            other
            for other in found
            if (other.group, other.schedule.name) == (one.group, one.schedule.name)
            and other.network.name != one.network.name
        ]
        cost = layer_cost(others)
        sample = one.measured.sample
        calibrated = one.total + len(one.network.layers) * cost
        where = one.where()
        rows.append({
            **{name: where[name] for name in ("network", *GROUP_COLUMNS, "choice")},
            "layers": len(one.network.layers),
            "total_us": one.total,
            "ci_low_us": one.figure.interval.low,
            "ci_high_us": one.figure.interval.high,
            "measured_us": sample.median,
            "measured_ci_low_us": sample.median_interval.low,
            "measured_ci_high_us": sample.median_interval.high,
            "error": one.ratio.value - 1,
            "error_ci_low": one.ratio.low - 1,
            "error_ci_high": one.ratio.high - 1,
            "within_band": _within(one.ratio.value - 1),
            "total_min_us": one.total_min,
            "measured_min_us": sample.minimum,
            "error_min": one.total_min / sample.minimum - 1,
            "queued_us": one.queued,
            "queued_error": one.queued / sample.median - 1,
            "calibrated_us": calibrated,
            "calibrated_error": calibrated / sample.median - 1,
            "layer_cost_us": cost,
            "calibrated_on": len(others) if len(others) >= FEWEST_OTHERS else None,
        })  # fmt: skip
    return frame_of(rows, END_TO_END)


def _within(error: float) -> bool | None:
    return None if math.isnan(error) else abs(error) <= BAND


def layer_cost(others: Sequence[Estimate]) -> float:
    """µs for each layer that bring the sums of `others` nearest to what was measured.

    Least squares of the relative errors, so that large networks do not decide alone: the c that
    minimises the sum of ((total + layers x c) / measured - 1)^2.  NaN below `FEWEST_OTHERS`.
    """
    if len(others) < FEWEST_OTHERS:
        return float("nan")
    above, below = [], []
    for one in others:
        assert one.measured is not None
        measured = one.measured.sample.median
        weight = len(one.network.layers) / measured
        above.append(weight * (1 - one.total / measured))
        below.append(weight**2)
    return math.fsum(above) / math.fsum(below)
