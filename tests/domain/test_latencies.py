"""Percentiles of latencies are LoadGen's, and none is given that too few requests stand behind."""

from __future__ import annotations

import math

import pytest
from nntest.domain.latencies import PERCENTILES, fewest, percentile


@pytest.mark.parametrize(("per_mille", "count"), [(500, 6), (900, 36), (990, 368), (999, 3688)])
def test_the_slowest_request_bounds_a_percentile_in_97_5_percent(
    per_mille: int, count: int
) -> None:
    assert fewest(per_mille) == count
    share = per_mille / 1000
    assert share**count <= 0.025 < share ** (count - 1)
    assert percentile(range(count - 1), per_mille) is None
    assert percentile(range(count), per_mille) is not None


@pytest.mark.parametrize("per_mille", PERCENTILES.values())
@pytest.mark.parametrize("count", [4000, 4001, 10_007])
def test_as_many_requests_are_slower_as_the_percentile_says(count: int, per_mille: int) -> None:
    found = percentile(range(count), per_mille)
    assert found == math.floor(count * per_mille / 1000)
    assert count - 1 - found <= count * (1 - per_mille / 1000)
