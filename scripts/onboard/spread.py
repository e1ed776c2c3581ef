"""How far the median of a few processes may be off: Student's interval, winsorised and calibrated.

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

_WINSORISED = 0.15
"""Values beyond this quantile, and that of 1 less it, count as these quantiles do."""
_FACTORS = {
    2: (2.105, 1.06), 3: (2.178, 2.24), 4: (1.999, 2.97), 5: (2.246, 4.03), 6: (2.028, 4.31),
    7: (2.192, 4.68), 8: (2.000, 4.9), 9: (2.184, 5.86), 10: (2.039, 6.51), 11: (2.185, 7.29),
    12: (2.036, 7.5), 13: (2.137, 7.72), 14: (2.006, 7.62), 15: (2.112, 8.24), 16: (2.011, 8.67),
    17: (2.103, 9.31), 18: (2.013, 9.46), 19: (2.094, 9.88), 20: (1.999, 9.64),
}  # type: Dict[int, Tuple[float, float]]  # fmt: skip
"""By the number of values: the variance of their median over their winsorised variance by their
number (the geometric mean over four shapes of scatter), and the degrees of freedom at which
Student's 97.5 % quantile is the one that holds in 95 % over all four.  By simulation."""
_QUANTILES = {
    2: 11.127, 3: 3.890, 4: 3.201, 5: 2.768, 6: 2.699, 7: 2.624, 8: 2.586, 9: 2.461, 10: 2.401,
    11: 2.346, 12: 2.333, 13: 2.321, 14: 2.326, 15: 2.294, 16: 2.275, 17: 2.251, 18: 2.245,
    19: 2.232, 20: 2.239,
}  # fmt: skip
"""Those quantiles, by the number of values: the standard library has no Student's distribution."""
_LARGEST_QUANTILE = 2.22
"""Of more values than these, on the safe side."""
_LARGEST_EXPONENT = 700.0


def squared_error(logarithms: Sequence[float]) -> Tuple[float, float]:
    """(squared standard error, degrees of freedom) of the median of values.

    logarithms: natural ones of the medians of `FEWEST_PROCESSES` processes or more.
    """
    count = len(logarithms)
    # Beyond the table on the safe side.
    factor, freedom = _FACTORS.get(count) or (2.4, 0.5 * count)
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
    """The variance of values of which the outermost are drawn in to the quantiles within them."""
    ordered = sorted(values)
    place = _WINSORISED * (len(values) - 1)
    outer = int(place)
    low, high = (
        side[outer] + (place - outer) * (side[outer + 1] - side[outer])
        for side in (ordered, ordered[::-1])
    )
    clipped = [min(max(value, low), high) for value in values]
    mean = math.fsum(clipped) / len(clipped)
    return math.fsum((value - mean) ** 2 for value in clipped) / (len(clipped) - 1)
