"""The search for the first slow release: how often it is wrong, and how often it gets there."""

from __future__ import annotations

import numpy as np
import pytest
from nntest.analysis.bisection import critical_u, find_first_slow
from scipy.stats import mannwhitneyu

RELEASES = [f"1.{minor}" for minor in range(12)]


def simulated(random: np.random.Generator, ratios: dict[str, float], noise: float):
    """Processes of two sides, which share a drift, and are slow now and then."""
    kept: dict[str, tuple[list[float], list[float]]] = {}

    def measure(release: str, processes: int) -> tuple[list[float], list[float]]:
        good, other = kept.setdefault(release, ([], []))
        while len(good) < processes:
            for side, ratio in ((good, 1.0), (other, ratios[release])):
                outlier = 1 + 0.3 * (random.random() < 0.05)
                side.append(ratio * float(np.exp(random.normal(0, noise))) * outlier)
        return good, other

    return measure


def search(seed: int, ratio: float, first: int, noise: float = 0.03, **options):
    random = np.random.default_rng(seed)
    ratios = {name: ratio if i >= first else 1.0 for i, name in enumerate(RELEASES)}
    given = {"slower": 0.1, "alpha": 0.05, "most": 30, **options}
    return find_first_slow(RELEASES, simulated(random, ratios, noise), **given)


@pytest.mark.parametrize("ratio", [1.0, 1.05])
def test_false_alarms_keep_the_rate(ratio: float) -> None:
    """The second ratio is the limit itself, where a wrong verdict is likeliest."""
    named = sum(search(seed, ratio, 1).first_slow is not None for seed in range(2000))
    assert named / 2000 <= 0.05


def test_the_right_release_is_found_and_hardly_ever_a_wrong_one() -> None:
    right = wrong = 0
    for seed in range(400):
        first = 1 + seed % 11
        found = search(seed, 1.15, first)
        if found.first_slow is not None:
            right += found.first_slow.release == RELEASES[first]
            wrong += found.first_slow.release != RELEASES[first]
            assert found.previous is not None
    assert right >= 0.9 * 400
    assert wrong <= 0.05 * 400


def test_what_the_budget_does_not_decide_is_not_named() -> None:
    found = search(1, 1.08, 4, noise=0.5)
    assert found.first_slow is None and found.steps[-1].slow is None
    assert len(found.steps[-1].times) == 30
    assert search(1, 1.5, 4, most=3).first_slow is None


def test_releases_that_cannot_be_measured_are_passed_over() -> None:
    ratios = {name: 1.3 if i >= 7 else 1.0 for i, name in enumerate(RELEASES)}
    measure = simulated(np.random.default_rng(3), ratios, 0.02)
    found = find_first_slow(
        RELEASES, lambda r, n: None if r in ("1.6", "1.7") else measure(r, n), 0.1, 0.05, 30
    )
    assert found.first_slow is not None
    assert (found.previous, found.first_slow.release) == ("1.5", "1.8")
    assert found.not_measured == ["1.6", "1.7"]
    assert 1.2 < found.first_slow.ratio.low < 1.3 < found.first_slow.ratio.high < 1.4
    nothing = find_first_slow(RELEASES, lambda r, n: None, 0.1, 0.05, 30)
    assert nothing.first_slow is None and nothing.not_measured == ["1.11"]


def test_two_neighbours_need_one_step() -> None:
    measure = simulated(np.random.default_rng(1), {"2": 1.3}, 0.02)
    found = find_first_slow(["1", "2"], measure, 0.1, 0.05, 30)
    assert found.first_slow is not None and found.previous == "1" and len(found.steps) == 1


@pytest.mark.parametrize(("count", "level"), [(6, 0.01), (9, 0.002), (20, 0.001)])
def test_critical_values_are_those_of_scipy(count: int, level: float) -> None:
    u = critical_u(count, level)
    found = []
    for wanted in (u, u - 1):
        # Ranks with this very U: one value of the other side inside, the rest at the ends.
        whole, rest = divmod(int(wanted), count)
        other = np.array([-1.0] * (count - whole - (rest > 0)) + [rest - 0.5] * (rest > 0))
        other = np.concatenate([other - np.arange(len(other)) * 1e-3, 100 + np.arange(whole)])
        done = mannwhitneyu(other, np.arange(count), alternative="greater", method="exact")
        assert done.statistic == wanted
        found.append(done.pvalue)
    assert found[0] <= level < found[1]
    assert critical_u(3, 0.01) == np.inf
