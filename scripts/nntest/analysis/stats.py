"""Medians, minima and their ratios, each with a bootstrap interval that honours processes.

Repetitions that one process timed are not independent of each other: a process has its own
memory layout, its own clock and its own neighbours on the machine.  The bootstrap here is
therefore hierarchical: it draws processes with replacement, then repetitions within each drawn
process with replacement (Davison and Hinkley, Bootstrap Methods and their Application, 1997,
section 3.8; for benchmarks, Kalibera and Jones, Rigorous Benchmarking in Reasonable Time, ISMM
2013).  Where every repetition is a process of its own, or where processes are not known, this
is the plain bootstrap.  Intervals are percentile intervals (Efron and Tibshirani, An
Introduction to the Bootstrap, 1993, chapter 13).

What such an interval can and cannot say:

* Below `FEWEST_REPETITIONS` there is none.  Even the whole span from the smallest to the largest
  of n independent values covers the true median with probability 1 - 2^(1-n) only: 50 % for two
  values, 87.5 % for four, 93.8 % for five.
* With few processes of several repetitions it is too narrow once processes differ more than
  repetitions do.  Simulated coverage of the nominal 95 % (normal errors, five repetitions a
  process): 93 % or more for any number of processes where processes differ little (standard
  deviation between processes up to 0.3 of that within); where it equals that within, 78 % for two
  processes, 90 % for four, 96 % for ten.  One process says nothing about the others.
* The bootstrap of a minimum is one-sided (no resample is faster than the fastest repetition) and
  not consistent (Bickel and Freedman, Annals of Statistics 9, 1981): read the interval of a
  ratio of minima as how much it hangs on single repetitions, not as a confidence statement.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

DRAWS = 2000
"""Bootstrap resamples; the ends of an interval then vary by about 2 % of its width."""
LEVEL = 0.95
"""Nominal coverage of every interval."""
FEWEST_REPETITIONS = 5
"""Fewer independent values than this cannot carry an interval of the median at `LEVEL`."""
_LARGEST_BLOCK = 4_000_000
"""Values resampled at once, to bound memory for points with thousands of repetitions."""


@dataclass(frozen=True)
class Interval:
    """A value and the ends of its interval; both NaN where the data cannot carry one."""

    value: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return not (np.isnan(self.low) or np.isnan(self.high))

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


UNKNOWN = Interval(float("nan"), float("nan"), float("nan"))
"""Of what cannot be told: neither the value nor its interval."""


def _interval(value: float, draws: FloatArray | None) -> Interval:
    if draws is None:
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))


def generator(seed: int, key: Iterable[object]) -> np.random.Generator:
    """A random generator that depends on the study's seed and on `key` alone.

    A point's draws are thus the same in every table, whatever else is in the table.
    """
    text = json.dumps([seed, *(str(part) for part in key)], ensure_ascii=True)
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


@dataclass(frozen=True)
class Sample:
    """The repetitions of one point, process by process, and their bootstrap draws.

    `processes`: for each process its values (any unit), sorted; processes sorted too, so that
    neither the order of rows nor names of files reach the draws.  `seed` and `key` fix the draws.
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

    @property
    def median(self) -> float:
        """Median of all values."""
        return float(np.median(self.values))

    @property
    def minimum(self) -> float:
        """Smallest value."""
        return float(self.values[0])

    @cached_property
    def _draws(self) -> tuple[FloatArray, FloatArray] | None:
        if len(self.values) < FEWEST_REPETITIONS:
            return None
        return _resample(self.processes, generator(self.seed, self.key))

    @property
    def median_draws(self) -> FloatArray | None:
        """`DRAWS` medians of resamples; None below `FEWEST_REPETITIONS`."""
        return None if self._draws is None else self._draws[0]

    @property
    def minimum_draws(self) -> FloatArray | None:
        """`DRAWS` minima of the same resamples; None below `FEWEST_REPETITIONS`."""
        return None if self._draws is None else self._draws[1]

    @property
    def median_interval(self) -> Interval:
        """The median with its interval."""
        return _interval(self.median, self.median_draws)


def _resample(
    processes: tuple[tuple[float, ...], ...], random: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Medians and minima of `DRAWS` hierarchical resamples; each an array of shape (DRAWS,)."""
    sizes = np.array([len(group) for group in processes])
    count, longest = len(processes), int(sizes.max())
    padded = np.full((count, longest), np.inf)
    for row, group in enumerate(processes):
        padded[row, : len(group)] = group
    medians, minima = [], []
    at_once = max(1, _LARGEST_BLOCK // (count * longest))
    for start in range(0, DRAWS, at_once):
        draws = min(at_once, DRAWS - start)
        drawn = random.integers(0, count, (draws, count))
        drawn_sizes = sizes[drawn]
        within = random.random((draws, count, longest)) * drawn_sizes[:, :, None]
        values = padded[drawn[:, :, None], within.astype(np.intp)]
        values[np.arange(longest) >= drawn_sizes[:, :, None]] = np.inf
        flat = np.sort(values.reshape(draws, -1), axis=1)
        totals = drawn_sizes.sum(axis=1)
        rows = np.arange(draws)
        medians.append((flat[rows, (totals - 1) // 2] + flat[rows, totals // 2]) / 2)
        minima.append(flat[:, 0])
    return np.concatenate(medians), np.concatenate(minima)


def ratio_of_medians(above: Sample, below: Sample) -> Interval:
    """Median of `above` over median of `below`; the samples are resampled independently."""
    draws = _ratio(above.median_draws, below.median_draws)
    return _interval(above.median / below.median, draws)


def ratio_of_minima(above: Sample, below: Sample) -> Interval:
    """Minimum of `above` over minimum of `below`; see the module on what its interval means."""
    draws = _ratio(above.minimum_draws, below.minimum_draws)
    return _interval(above.minimum / below.minimum, draws)


def _ratio(above: FloatArray | None, below: FloatArray | None) -> FloatArray | None:
    return None if above is None or below is None else above / below


def weighted_sum(parts: Sequence[tuple[int, FloatArray | None]], value: float) -> Interval:
    """`value`, a sum of weight x statistic over `parts`, with the interval of the joint draws.

    No interval if a part has none; see `sum_of_draws`.
    """
    return _interval(value, sum_of_draws(parts))


def sum_of_draws(parts: Sequence[tuple[int, FloatArray | None]]) -> FloatArray | None:
    """Draws of a sum of weight x statistic, of shape (DRAWS,); None if a part has none.

    Each part is resampled once per draw and multiplied by its weight: the five runs of one
    repeated layer share the uncertainty of its one measurement, they do not average it out.
    """
    total = np.zeros(DRAWS)
    for weight, draws in parts:
        if draws is None:
            return None
        total += weight * draws
    return total


def ratio_of_draws(value: float, above: FloatArray | None, below: FloatArray | None) -> Interval:
    """`value`, a ratio of two statistics, with the interval of their independent draws."""
    return _interval(value, _ratio(above, below))
