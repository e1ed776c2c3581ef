"""Estimated against measured: how far the sum over the layers is from the whole network's time.

Beside the plain sum, never instead of it, stands a calibrated one (`nntest.analysis.calibration`).
Its one term is fitted on the *other* networks of the same platform, library, batch size, data type,
threads, cores and choice, so that no network's own measurement is in its calibrated estimate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from nntest.analysis.calibration import Summed, Term, fitted
from nntest.analysis.estimate import Estimate, estimates
from nntest.analysis.points import GROUP_COLUMNS
from nntest.analysis.stats import Figure, ratio
from nntest.domain.networks import Network
from nntest.domain.tables.column import names
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.networks import CALIBRATED, END_TO_END

BAND = 0.10
"""Largest error that published sum-of-layers estimates keep to (e.g. nn-Meter, MobiSys 2021)."""


def end_to_end(
    frame: pd.DataFrame, networks: Sequence[Network], padding: str, seed: int
) -> pd.DataFrame:
    """One row per estimate of a whole network that was measured as a whole, too.

    `error` is estimate over measured time, less 1, by median, with an interval over the processes
    of both; `error_min` the same by minima.  `queued_us` is the plain sum less what waiting for an
    empty kernel cost for each layer (`estimate`), a lower bound that is measured and not fitted:
    the workers of a device whose queue is not empty still have to be woken for some layers.

    `calibrated_us` is the estimate with the one term that was fitted on `calibrated_on` other
    networks, `layer_cost_us` for each layer or `sum_factor`; all null where there are too few.  Its
    interval is of what the network would be measured to take, as the others scatter about the fit;
    that of `calibrated_error` is over the processes, with the term as it was fitted.
    """
    found = [one for one in estimates(frame, networks, padding, seed) if one.measured and one.whole]
    rows: list[dict[str, Any]] = []
    for one in found:
        assert one.measured is not None
        sample = one.measured.sample
        total, measured = one.figure.interval, sample.median_interval
        where = one.where()
        rows.append({
            **{name: where[name] for name in ("network", *GROUP_COLUMNS, "choice")},
            "layers": len(one.network.layers),
            "total_us": total.value,
            "ci_low_us": total.low,
            "ci_high_us": total.high,
            "measured_us": measured.value,
            "measured_ci_low_us": measured.low,
            "measured_ci_high_us": measured.high,
            "error": one.ratio.value - 1,
            "error_ci_low": one.ratio.low - 1,
            "error_ci_high": one.ratio.high - 1,
            "within_band": _within(one.ratio.value - 1),
            "total_min_us": one.total_min,
            "measured_min_us": sample.minimum,
            "error_min": one.total_min / sample.minimum - 1,
            "queued_us": one.queued,
            "queued_error": one.queued / sample.median - 1,
            **_calibrated(one, fitted([_summed(other) for other in _others(one, found)])),
        })  # fmt: skip
    return frame_of(rows, END_TO_END)


def _within(error: float) -> bool | None:
    return None if math.isnan(error) else abs(error) <= BAND


def _others(one: Estimate, found: Sequence[Estimate]) -> list[Estimate]:
    """The estimates of other networks that `one` may be calibrated by."""
    return [
        other
        for other in found
        if (other.group, other.schedule.name) == (one.group, one.schedule.name)
        and other.network.name != one.network.name
    ]


def _summed(one: Estimate) -> Summed:
    assert one.measured is not None
    return Summed(len(one.network.layers), one.total, one.measured.sample.median)


def _calibrated(one: Estimate, term: Term | None) -> dict[str, Any]:
    """The columns about an estimate with a term that was fitted on other networks."""
    assert one.measured is not None
    time = term.calibrated(len(one.network.layers), one.total) if term else None
    if term is None or time is None:
        return dict.fromkeys(names(CALIBRATED))
    slope = 1.0 if term.by_layer else 1 + term.value
    scatter = one.figure.variance * (slope * one.total / time.value) ** 2
    repeated = Figure(time.value, scatter, one.figure.freedom)
    interval, error = time.interval, ratio(repeated, one.measured.sample.figure)
    return {
        "calibrated_us": interval.value,
        "calibrated_ci_low_us": interval.low,
        "calibrated_ci_high_us": interval.high,
        "calibrated_error": error.value - 1,
        "calibrated_error_ci_low": error.low - 1,
        "calibrated_error_ci_high": error.high - 1,
        "layer_cost_us": term.value if term.by_layer else None,
        "sum_factor": None if term.by_layer else slope,
        "calibrated_on": term.networks,
    }
