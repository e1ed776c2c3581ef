"""How far the median of a few processes may be off: Student's interval, winsorised.

Standard library only, Python 3.5 and later: the runner on a board asks it whether to measure more,
the workflow (as `onboard.spread`) what intervals its tables have.  `nntest.analysis.stats` says why
so; tests/analysis/test_stats.py simulates the factors again.
"""

import math
from typing import Sequence, Tuple

LEVEL = 0.95
"""Coverage of every interval."""
FEWEST_PROCESSES = 2
"""Fewer say nothing about how processes differ, and carry no interval."""

_WINSORISED = 7
"""Of so many values the smallest and the largest count as their neighbours do."""
_SMALL = {
    2: (1.000, 1.0), 3: (1.349, 2.31), 4: (1.191, 3.37), 5: (1.436, 5.33), 6: (1.287, 6.20),
    7: (2.817, 4.38), 8: (2.313, 5.38), 9: (2.379, 7.40), 10: (2.087, 8.23), 11: (2.176, 10.4),
    12: (1.968, 11.3), 13: (2.057, 14.0), 14: (2.633, 10.3), 15: (2.667, 12.4), 16: (2.431, 13.3),
    17: (2.475, 15.6), 18: (2.286, 16.2), 19: (2.349, 18.8), 20: (2.197, 20.3),
}  # type: Dict[int, Tuple[float, float]]  # fmt: skip
"""By the number of normal values: the variance of their median over their winsorised variance by
their number, and the degrees of freedom at which Student's 97.5 % quantile is that of their median
over its standard error.  By simulation."""
_QUANTILES = {
    2: 12.706, 3: 3.794, 4: 2.994, 5: 2.523, 6: 2.428, 7: 2.684, 8: 2.517, 9: 2.339, 10: 2.295,
    11: 2.217, 12: 2.194, 13: 2.145, 14: 2.219, 15: 2.171, 16: 2.155, 17: 2.124, 18: 2.118,
    19: 2.095, 20: 2.084,
}  # fmt: skip
"""Those quantiles, by the number of values: the standard library has no Student's distribution."""
_LARGEST_QUANTILE = 2.12
"""Of more values than these, on the safe side."""
_LARGEST_EXPONENT = 700.0


def squared_error(logarithms: Sequence[float]) -> Tuple[float, float]:
    """(squared standard error, degrees of freedom) of the median of values.

    logarithms: natural ones of the medians of `FEWEST_PROCESSES` processes or more.
    """
    count = len(logarithms)
    # Beyond the table on the safe side.
    factor, freedom = _SMALL.get(count) or (2.75, 0.8 * count)
    return factor * _winsorised_variance(logarithms) / count, freedom


def half_width(medians: Sequence[float]) -> float:
    """How far the interval of a point's median reaches upwards, as a share of the median.

    medians: of the point's processes, positive.  Infinite for fewer than `FEWEST_PROCESSES`.
    """
    if len(medians) < FEWEST_PROCESSES:
        return math.inf
    variance, _ = squared_error([math.log(one) for one in medians])
    quantile = _QUANTILES.get(len(medians)) or _LARGEST_QUANTILE
    # Two processes that differ much would have a factor that no float holds.
    return math.expm1(min(quantile * math.sqrt(variance), _LARGEST_EXPONENT))


def _winsorised_variance(values: Sequence[float]) -> float:
    """The variance of values of which the outermost count as the next ones do."""
    outer = len(values) // _WINSORISED
    inner = sorted(values)[outer : len(values) - outer]
    clipped = [min(max(value, inner[0]), inner[-1]) for value in values]
    mean = math.fsum(clipped) / len(clipped)
    return math.fsum((value - mean) ** 2 for value in clipped) / (len(clipped) - 1)
