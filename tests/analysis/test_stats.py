from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nntest.analysis import stats
from nntest.analysis.stats import (
    DRAWS,
    FEWEST_REPETITIONS,
    Interval,
    Sample,
    generator,
    ratio_of_medians,
    ratio_of_minima,
    weighted_sum,
)

times = st.floats(min_value=0.1, max_value=1e6)


def sample(values, processes=None, key=("a",), seed=42):
    return Sample.of(values, processes, seed, key)


def coverage(trials, draw, truth=0.0):
    """Share of trials whose interval holds the truth; `draw(random, trial)` gives a sample."""
    random = np.random.default_rng(7)
    held = 0
    for trial in range(trials):
        interval = draw(random, trial).median_interval
        held += interval.low <= truth <= interval.high
    return held / trials


class TestSample:
    @given(st.lists(st.tuples(times, st.integers(0, 3)), min_size=5, max_size=12), st.randoms())
    def test_draws_depend_neither_on_the_order_of_rows_nor_on_names_of_processes(self, rows, mixer):
        values, processes = zip(*rows, strict=True)
        shuffled = list(rows)
        mixer.shuffle(shuffled)
        other_values = [value for value, _ in shuffled]
        other_names = [f"host-{9 - process}" for _, process in shuffled]
        one, other = sample(values, processes), sample(other_values, other_names)
        np.testing.assert_array_equal(one.median_draws, other.median_draws)

    @given(st.lists(st.tuples(times, st.integers(0, 3)), min_size=5, max_size=12))
    def test_resamples_stay_within_the_data(self, rows):
        values, processes = zip(*rows, strict=True)
        drawn = sample(values, processes)
        assert len(drawn.median_draws) == DRAWS
        assert drawn.median_draws.min() >= min(values)
        assert drawn.median_draws.max() <= max(values)
        assert set(drawn.minimum_draws) <= set(values)
        assert (drawn.minimum_draws <= drawn.median_draws).all()

    def test_seed_and_key_decide_the_draws(self):
        values = [1.0, 2.0, 3.0, 4.0, 5.0, 7.0]
        first = sample(values).median_draws
        np.testing.assert_array_equal(first, sample(values).median_draws)
        assert not np.array_equal(first, sample(values, key=("b",)).median_draws)
        assert not np.array_equal(first, sample(values, seed=43).median_draws)

    def test_key_parts_are_kept_apart(self):
        assert generator(1, ("ab", "c")).integers(2**60) != generator(1, ("a", "bc")).integers(
            2**60
        )

    def test_no_values_is_an_error(self):
        with pytest.raises(ValueError, match="at least one"):
            sample([])

    @pytest.mark.parametrize("count", range(1, FEWEST_REPETITIONS))
    def test_too_few_values_have_a_median_and_no_interval(self, count):
        few = sample([3.0] * count)
        assert few.median == 3.0
        assert few.median_draws is None
        assert not few.median_interval.known

    def test_median_of_an_even_count_is_the_middle_of_two(self):
        assert sample([1.0, 2.0, 3.0, 10.0]).median == 2.5

    def test_a_resample_draws_processes_before_repetitions(self):
        # One process of one slow run, one of four fast ones.  The slow value is the median of a
        # resample only where both drawn processes are the slow one: one time in four.  A plain
        # bootstrap would need three slow values of five: 6 in 100.
        drawn = sample([9.0, 1.0, 1.0, 1.0, 1.0], [0, 1, 1, 1, 1]).median_draws
        assert np.mean(drawn == 9.0) == pytest.approx(0.25, abs=0.04)
        plain = sample([9.0, 1.0, 1.0, 1.0, 1.0]).median_draws
        assert np.mean(plain == 9.0) == pytest.approx(0.058, abs=0.02)

    def test_the_median_of_an_even_resample_is_the_middle_of_two(self):
        assert set(sample([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]).median_draws) == {0.0, 0.5, 1.0}

    def test_large_samples_are_resampled_in_blocks(self, monkeypatch):
        monkeypatch.setattr(stats, "_LARGEST_BLOCK", 2500)
        random = np.random.default_rng(3)
        drawn = sample(random.normal(10, 1, 1000))
        assert len(drawn.median_draws) == DRAWS
        # Standard error of the median of n normal values: 1.253 / sqrt(n).
        assert drawn.median_draws.std() == pytest.approx(1.253 / np.sqrt(1000), rel=0.3)


class TestCoverage:
    """The nominal 95 % against synthetic data of known truth; seeded, so never a matter of luck."""

    def test_independent_repetitions(self):
        held = coverage(400, lambda random, trial: sample(random.normal(0, 1, 10), key=(trial,)))
        assert 0.90 <= held <= 0.99

    def test_skewed_repetitions(self):
        def draw(random, trial):
            return sample(random.exponential(1, 15), key=(trial,))

        assert 0.90 <= coverage(400, draw, truth=np.log(2)) <= 0.99

    def test_repetitions_that_share_a_process(self):
        processes = np.repeat(np.arange(10), 5)

        def values(random):
            return np.repeat(random.normal(0, 1, 10), 5) + random.normal(0, 1, 50)

        honest = coverage(200, lambda random, trial: sample(values(random), processes, (trial,)))
        assert 0.91 <= honest <= 1.0
        # The same data as if repetitions were independent: what the hierarchy is there for.
        naive = coverage(200, lambda random, trial: sample(values(random), None, (trial,)))
        assert naive < 0.88

    def test_ratio_of_medians(self):
        random = np.random.default_rng(11)
        held = 0
        for trial in range(300):
            slow = sample(2.0 * np.exp(random.normal(0, 0.1, 10)), key=(trial, "slow"))
            fast = sample(1.0 * np.exp(random.normal(0, 0.1, 10)), key=(trial, "fast"))
            interval = ratio_of_medians(slow, fast)
            held += interval.low <= 2.0 <= interval.high
        assert 0.90 <= held / 300 <= 0.99


class TestRatios:
    def test_values(self):
        slow, fast = sample([4.0, 6.0, 8.0, 8.0, 9.0]), sample([2.0, 2.0, 4.0, 5.0, 5.0], key="b")
        assert ratio_of_medians(slow, fast).value == 2.0
        assert ratio_of_minima(slow, fast).value == 2.0

    def test_no_interval_where_one_side_has_none(self):
        many, few = sample([1.0] * 10), sample([2.0], key="b")
        for interval in (ratio_of_medians(many, few), ratio_of_minima(few, many)):
            assert not interval.known
            assert interval.verdict("faster", "slower") == "too few repetitions"

    @pytest.mark.parametrize(
        ("low", "high", "verdict"),
        [
            (1.1, 1.3, "faster"),
            (0.7, 0.9, "slower"),
            (0.9, 1.1, "no difference"),
            (1.0, 1.2, "no difference"),
            (0.8, 1.0, "no difference"),
        ],
    )
    def test_verdict(self, low, high, verdict):
        assert Interval(1.0, low, high).verdict("faster", "slower") == verdict


class TestWeightedSum:
    def test_repeats_share_their_uncertainty(self):
        one = sample(np.random.default_rng(5).normal(10, 1, 12))
        single = one.median_interval
        five = weighted_sum([(5, one.median_draws)], 5 * one.median)
        # Not sqrt(5): the five layers have one measurement between them.
        assert five.high - five.low == pytest.approx(5 * (single.high - single.low))

    def test_independent_parts_average_out(self):
        random = np.random.default_rng(5)
        parts = [sample(random.normal(10, 1, 12), key=(index,)) for index in range(16)]
        widths = [part.median_interval.high - part.median_interval.low for part in parts]
        total = weighted_sum([(1, part.median_draws) for part in parts], 160.0)
        assert total.high - total.low == pytest.approx(4 * np.mean(widths), rel=0.25)

    def test_no_interval_where_a_part_has_none(self):
        assert not weighted_sum([(1, sample([1.0] * 9).median_draws), (1, None)], 2.0).known
