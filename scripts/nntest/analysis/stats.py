"""Medians, their ratios and sums, each with a 95 % interval that holds as often as it says.

Repetitions that one process timed are not independent of each other: a process has its own memory
layout, its own clock and its own neighbours on the machine (Kalibera and Jones, Rigorous
Benchmarking in Reasonable Time, ISMM 2013).  So everything here counts processes: how uncertain a
median is follows from the scatter of the medians of processes, on the logarithmic scale on which
times scatter alike to both sides.  It is Student's method for the median in place of the mean.
Processes of a busy machine scatter with heavier tails than normal values, so the outermost are
drawn in (winsorising), and the factors (`onboard.spread`) are calibrated on four shapes of scatter:
normal, Laplace's, Student's with 3 degrees of freedom, and bursts of load.

Ratios and sums combine the standard errors of their parts.  Their degrees of freedom
(`_combined`) lie between those of Satterthwaite (Biometrics Bulletin 2, 1946), which make intervals
of few processes too wide, and those of Welch (Biometrika 34, 1947), which make them too narrow.
That number is also too large for a ratio whose sides know their scatter unequally well: there the
quantile is the mean of Student's and the weighted one of Cochran and Cox (Experimental Designs,
1950), which alone is too wide.

The fastest of several noisy medians is too short on average.  `fastest_of` puts back what the
parametric bootstrap says about that optimism (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, chapter 17).

Where there is no honest interval there is none: one process says nothing about others, and the
smallest of some values nothing about how much smaller the next would be.  `benchmarks/coverage.py`
simulates how often each interval holds the truth; docs/results.md has its table.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from statistics import median

import numpy as np
from numpy.typing import NDArray
from onboard.spread import FEWEST_PROCESSES, LEVEL, squared_error
from scipy.special import stdtrit

FloatArray = NDArray[np.float64]

DRAWS = 2000
"""Resamples of a choice; its optimism then varies by about a fiftieth of a standard error."""

_CORRECTION = 0.75
"""With 0 degrees of freedom combine by Satterthwaite's formula, with 2 by Welch's."""


@lru_cache
def _student(freedom: float) -> float:
    """Student's quantile for a two-sided interval at `LEVEL`."""
    return float(stdtrit(freedom, (1 + LEVEL) / 2))


@dataclass(frozen=True)
class Interval:
    """A value and the ends of its interval; both NaN where the data cannot carry one."""

    value: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return not (math.isnan(self.low) or math.isnan(self.high))

    def verdict(self, above: str, below: str) -> str:
        """`above` or `below` if the interval lies on that side of 1, else 'no difference'.

        'too few repetitions' if there is no interval.
        """
        if not self.known:
            return "too few repetitions"
        if self.low > 1.0:
            return above
        if self.high < 1.0:
            return below
        return "no difference"


UNKNOWN = Interval(math.nan, math.nan, math.nan)
"""Of what cannot be told: neither the value nor its interval."""


@dataclass(frozen=True)
class Figure:
    """A positive figure and how uncertain it is."""

    value: float
    variance: float
    """Squared standard error of its natural logarithm; NaN: not known."""
    freedom: float
    """Degrees of freedom of `variance`."""

    @property
    def interval(self) -> Interval:
        """The figure with its interval."""
        return _interval(self.value, _student(self.freedom) * math.sqrt(self.variance))


def _interval(value: float, width: float) -> Interval:
    """An interval that reaches a factor of exp(`width`) to both sides."""
    return Interval(value, value * math.exp(-width), value * math.exp(width))


def ratio(above: Figure, below: Figure) -> Interval:
    """A figure over another that is independent of it."""
    variance = above.variance + below.variance
    value = above.value / below.value
    if not variance:
        return _interval(value, 0.0)
    shares = [(figure.variance / variance, figure.freedom) for figure in (above, below)]
    quantile = _student(_combined(shares))
    if above.freedom != below.freedom:
        quantile = (quantile + sum(share * _student(freedom) for share, freedom in shares)) / 2
    return _interval(value, quantile * math.sqrt(variance))


def _combined(shares: Sequence[tuple[float, float]]) -> float:
    """Degrees of freedom of a sum of variances, of which each has a share and its own degrees.

    At least what the part with the fewest has, at most all together.
    """
    freedom = 1 / math.fsum(share**2 / (own + _CORRECTION) for share, own in shares) - _CORRECTION
    every = [own for _, own in shares]
    return min(max(freedom, min(every)), math.fsum(every))


def weighted_sum(parts: Sequence[tuple[int, Figure]]) -> Figure:
    """The sum of weight x figure over independent figures; its variance is unknown if one's is.

    A weight counts the runs of one repeated layer, which share the uncertainty of its one
    measurement: they do not average it out.
    """
    total = math.fsum(weight * figure.value for weight, figure in parts)
    squares = [(weight * figure.value) ** 2 * figure.variance for weight, figure in parts]
    square = math.fsum(squares)
    if not square:
        return Figure(total, 0.0, 1.0)
    shares = [
        (one / square, figure.freedom) for one, (_, figure) in zip(squares, parts, strict=True)
    ]
    return Figure(total, square / total**2, _combined(shares))


def generator(seed: int, key: Iterable[object]) -> np.random.Generator:
    """A random generator that depends on the study's seed and on `key` alone.

    A point's draws are thus the same in every table, whatever else is in the table.
    """
    text = json.dumps([seed, *(str(part) for part in key)], ensure_ascii=True)
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


@dataclass(frozen=True)
class Sample:
    """The repetitions of one point, process by process.

    `processes`: for each process its values (any unit, positive), sorted; processes sorted too, so
    that neither the order of rows nor names of files reach any figure.  `seed` and `key` fix the
    draws of `fastest_of`.
    """

    processes: tuple[tuple[float, ...], ...]
    seed: int
    key: tuple[object, ...]

    @classmethod
    def of(
        cls,
        values: Sequence[float],
        processes: Sequence[object] | None,
        seed: int,
        key: tuple[object, ...],
    ) -> Sample:
        """A sample of `values`; `processes` tells for each which process timed it.

        None for `processes`: not known, every value counts as a process of its own.
        ValueError for no values.
        """
        if len(values) == 0:
            raise ValueError("a sample needs at least one value")
        grouped: dict[object, list[float]] = {}
        for index, value in enumerate(values):
            process = index if processes is None else processes[index]
            grouped.setdefault(process, []).append(float(value))
        return cls(tuple(sorted(tuple(sorted(group)) for group in grouped.values())), seed, key)

    @cached_property
    def values(self) -> FloatArray:
        """All values, sorted."""
        return np.sort(np.concatenate([np.asarray(group) for group in self.processes]))

    @cached_property
    def median(self) -> float:
        """Median of all values."""
        return float(np.median(self.values))

    @property
    def minimum(self) -> float:
        """Smallest value."""
        return float(self.values[0])

    @cached_property
    def figure(self) -> Figure:
        """The median of all values; uncertain as the scatter of the medians of processes says."""
        count = len(self.processes)
        if count < FEWEST_PROCESSES:
            return Figure(self.median, math.nan, math.nan)
        logarithms = [math.log(median(group)) for group in self.processes]
        return Figure(self.median, *squared_error(logarithms))

    @property
    def median_interval(self) -> Interval:
        """The median with its interval."""
        return self.figure.interval


def ratio_of_medians(above: Sample, below: Sample) -> Interval:
    """Median of `above` over median of `below`."""
    return ratio(above.figure, below.figure)


def fastest_of(samples: Sequence[Sample]) -> Figure:
    """The time of the sample with the smallest median, corrected for its optimism.

    It was chosen for that median, so its error is more often a negative one: measured again, it
    would take longer on average.  How much, resamples with normal errors say, about medians of
    which the spread that errors alone would make was taken away.  Of equal ones the first.  A
    sample without a standard error stays as it is.
    """
    figures = [sample.figure for sample in samples]
    best = min(figures, key=lambda figure: figure.value)
    if len(samples) == 1 or math.isnan(best.variance):
        return best
    known = [figure for figure in figures if not math.isnan(figure.variance)]
    # Few processes know their scatter badly, all choices together better.  The mean of standard
    # errors, not of variances, which a single process in a burst of load would decide.
    error = math.fsum(_unbiased_error(figure) for figure in known) / len(known)
    gaps = np.log([figure.value / best.value for figure in figures])
    true_gaps = np.sqrt(np.maximum(gaps**2 - 2 * error**2, 0.0))
    errors = error * np.stack([_standard_normal(sample) for sample in samples])
    again = np.argmin(true_gaps[:, None] + errors, axis=0)
    optimism = -float(np.take_along_axis(errors, again[None], axis=0).mean())
    return replace(best, value=best.value * math.exp(optimism))


def _unbiased_error(figure: Figure) -> float:
    """Standard error of a figure's logarithm: the root of its variance is too small on average."""
    half = figure.freedom / 2
    shrunk = math.exp(math.lgamma(half + 0.5) - math.lgamma(half)) / math.sqrt(half)
    return math.sqrt(figure.variance) / shrunk


def _standard_normal(sample: Sample) -> FloatArray:
    """`DRAWS` errors of a sample's median, over its standard error; of mean 0."""
    half = generator(sample.seed, sample.key).standard_normal(DRAWS // 2)
    return np.concatenate([half, -half])
