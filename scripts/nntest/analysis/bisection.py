"""Which of a library's releases first made a point slower: the search, and the test of each step.

A release is *slow* if its times are the good one's times more than 1 + half of the slow-down that
is asked for.  Each step measures a release beside the good one, some processes of each, and tests
the medians of processes by Mann and Whitney's U (Annals of Mathematical Statistics 18, 1947), both
that the release is slow and that it is not, after 6, 9, 14, 21, … processes a side.  Either
verdict must hold at the error rate over the number of steps and of looks, by the exact
distribution of U (Bonferroni), so that over the whole search a wrong verdict, and with it a wrong
release, comes at most at the error rate; a search that the budget of processes does not decide
says so.  The search halves the releases between the good and the bad one: it takes for granted
that a release after the first slow one is slow, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from nntest.analysis.stats import FloatArray, Interval, Sample, ratio_of_medians

FEWEST_PROCESSES = 6
GROWTH = 1.5
"""From one look to the next: a look costs level, a missed one processes."""

Medians = Sequence[float]
Measure = Callable[[str, int], tuple[Medians, Medians] | None]
"""(release, processes a side) -> medians of the good one's and of the release's processes, as many
as asked for, earlier ones included; None where the release cannot be measured."""


@dataclass(frozen=True)
class Step:
    """One release against the good one."""

    release: str
    slow: bool | None
    """None: the budget did not decide it."""
    good: tuple[float, ...]
    """Medians of the good release's processes; `times` are this one's, as many."""
    times: tuple[float, ...]

    @cached_property
    def ratio(self) -> Interval:
        """Median of the release over median of the good one, with its 95 % interval."""
        sides = [Sample.of(side, None, 0, (self.release,)) for side in (self.times, self.good)]
        return ratio_of_medians(*sides)


@dataclass
class Found:
    """What the search came to."""

    first_slow: Step | None = None
    """None: cannot be decided, or the bad release is not slower."""
    previous: str | None = None
    steps: list[Step] = field(default_factory=list)
    not_measured: list[str] = field(default_factory=list)


def find_first_slow(
    releases: Sequence[str],
    measure: Measure,
    slower: float,
    alpha: float,
    most: int,
    on_step: Callable[[Step], None] = lambda step: None,
) -> Found:
    """Search `releases`, in order, whose first is good and last bad.

    slower: the slow-down that counts, e.g. 0.1.  alpha: probability of a wrong verdict anywhere.
    most: processes a side and step.  `on_step` is called after each.
    """
    found = Found()
    # The last one, then every halving of those between.
    rate = alpha / (1 + math.ceil(math.log2(max(1, len(releases) - 1))))

    def is_slow(release: str) -> bool | None:
        step = _test(release, measure, 1 + slower / 2, rate, most)
        if step is None:
            found.not_measured.append(release)
            return None
        found.steps.append(step)
        on_step(step)
        return step.slow

    if not is_slow(releases[-1]):
        return found
    candidates = list(releases)
    while len(candidates) > 2:
        middle = len(candidates) // 2
        release = candidates[middle]
        slow = is_slow(release)
        if release in found.not_measured:
            candidates.remove(release)
        elif slow is None:
            return found
        else:
            candidates = candidates[: middle + 1] if slow else candidates[middle:]
    found.previous = candidates[0]
    found.first_slow = next(step for step in found.steps if step.release == candidates[-1])
    return found


def _test(release: str, measure: Measure, factor: float, rate: float, most: int) -> Step | None:
    looks = [*_looks(rate, most)]
    step = None
    for processes in looks or [FEWEST_PROCESSES]:
        measured = measure(release, processes)
        if measured is None:
            return None
        good, other = (np.asarray(side, float) for side in measured)
        slow = _verdict(good * factor, other, rate / len(looks)) if looks else None
        step = Step(release, slow, tuple(good.tolist()), tuple(other.tolist()))
        if slow is not None:
            break
    return step


def _looks(rate: float, most: int) -> Iterator[int]:
    """Numbers of processes a side at which a verdict is possible at all."""
    sizes = [min(FEWEST_PROCESSES, most)]
    while sizes[-1] < most:
        sizes.append(min(most, math.ceil(sizes[-1] * GROWTH)))
    return (size for size in sizes if 1 / math.comb(2 * size, size) <= rate / len(sizes))


def _verdict(limit: FloatArray, times: FloatArray, level: float) -> bool | None:
    """Whether `times` are above `limit`, or below it; None if neither is sure at `level`."""
    above = (times[:, None] > limit).sum() + 0.5 * (times[:, None] == limit).sum()
    needed = critical_u(len(times), level)
    if above >= needed:
        return True
    return False if len(times) ** 2 - above >= needed else None


@lru_cache
def critical_u(count: int, level: float) -> float:
    """Smallest u with P(U >= u) <= level, for `count` values a side; infinite if there is none.

    The counts are the coefficients of a Gaussian binomial: product of (1 - q^(n+i)) / (1 - q^i).
    """
    top = count * count
    ways = [1] + [0] * top
    for i in range(1, count + 1):
        for u in range(top, count + i - 1, -1):
            ways[u] -= ways[u - count - i]
        for u in range(i, top + 1):
            ways[u] += ways[u - i]
    tail, total = 0, math.comb(2 * count, count)
    for u in range(top, -1, -1):
        tail += ways[u]
        if tail / total > level:
            return u + 1 if u < top else math.inf
    return 0
