"""Sets of cores: as they are written, and what cannot be had."""

from __future__ import annotations

import os

import pytest
from cores import read_cores, usable, why_not, write_cores


@pytest.mark.parametrize(
    ("text", "cores", "shortest"),
    [
        ("0-3,6", [0, 1, 2, 3, 6], "0-3,6"),
        ("5", [5], "5"),
        (" 4, 2,3 ", [2, 3, 4], "2-4"),
        ("0-1,1-2", [0, 1, 2], "0-2"),
    ],
)
def test_lists_of_cores(text: str, cores: list[int], shortest: str) -> None:
    assert read_cores(text) == cores
    assert write_cores(cores) == shortest


@pytest.mark.parametrize("text", ["", "3-1", "a", "0-", "-1", "1,,2", "0-4096", "1 2", "٣"])
def test_what_is_not_a_list(text: str) -> None:
    with pytest.raises(ValueError, match="cores"):
        read_cores(text)


def test_what_cannot_be_had() -> None:
    assert usable() == sorted(os.sched_getaffinity(0))
    assert why_not("") == why_not(write_cores(usable())) == ""
    assert why_not("4095") == (
        f"of cores 4095, 4095 cannot be used now: there are {write_cores(usable())}"
    )
