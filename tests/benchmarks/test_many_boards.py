"""How many boards measured at once is counted by moments that they share."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from many_boards import most_at_once

BEGIN = datetime(2026, 1, 1)


@pytest.mark.parametrize(
    ("spans", "most"),
    [
        ([], 0),
        ([(0, 5)], 1),
        ([(0, 5), (5, 9)], 1),
        ([(0, 5), (4, 9), (6, 7)], 2),
        ([(0, 9), (1, 8), (2, 3), (4, 5)], 3),
    ],
)
def test_most_at_once(spans: list[tuple[int, int]], most: int) -> None:
    moments = [tuple(BEGIN + timedelta(seconds=second) for second in pair) for pair in spans]
    assert most_at_once(moments) == most
