"""What a first run showed is read off its console and its journals."""

from __future__ import annotations

import math

import pytest
from first_run import (
    Figures,
    figures_of,
    first_table_s,
    keeps_bars,
    program_seconds,
    seconds_of,
    times_left,
    worst,
)
from nntest.measuring.progress import duration

BAR = "[=====                   ]"


@pytest.mark.parametrize("seconds", [0, 59, 60, 190, 3600, 7500])
def test_a_duration_is_read_as_the_console_says_it(seconds: int) -> None:
    assert seconds_of(duration(seconds)) == seconds


def test_the_first_ranking_is_the_first_table() -> None:
    lines = [(3.0, "here.a: done: 4 measured now"), (9.0, "preliminary: n on b"), (12.0, "")]
    assert first_table_s(lines) == 9.0
    assert math.isnan(first_table_s(lines[:1]))


def test_the_time_left_is_held_against_the_end_of_its_own_sweep() -> None:
    lines = [
        (30.0, f"here.a.network {BAR} 1/9, 3 s left, conv"),  # within the first minute
        (70.0, f"here.a.network {BAR} 5/9, 1 points failed, 1 min 0 s left, conv"),
        (90.0, f"here.a.network {BAR} 8/9, 4 s left, conv"),  # its end is near
        (100.0, "here.a.network: done: 9 measured now, 9 in all"),
        (110.0, f"here.a {BAR} 0/9, conv"),  # says nothing of the time
        (120.0, f"here.a {BAR} 1/9, 2 min 30 s left, conv"),
        (130.0, f"2 sweeps at once {BAR} 1/9, 9 s left"),
        (140.0, f"here.b {BAR} 1/9, 9 s left"),  # which never ended
        (220.0, "here.a: done: 9 measured now, 9 in all"),
    ]
    assert times_left(lines) == [2.0, 1.5]


def test_the_worst_ratio_is_the_farthest_from_1() -> None:
    assert worst([1.0, 1.4, 0.6]) == 0.6
    assert worst([1.0, 3.0, 0.5]) == 3.0
    assert worst([2.0, 0.0]) == 0.0
    assert math.isnan(worst([]))


def test_set_up_counts_once_for_each_process() -> None:
    repetition = {"point": "p", "status": "ok", "setup_s": 0.5, "tuning_s": 1.0}
    journal = [
        {"journal": "x"},
        {**repetition, "process": 0},
        {**repetition, "process": 0},
        {"process_of": "p", "seconds": 4.0},
        {**repetition, "process": 1, "tuning_s": None},
        {"process_of": "p", "seconds": 2.0},
    ]
    assert program_seconds(journal) == (6.0, 2.0)


GOOD = Figures(280.0, 0.85, 0.1, 70.0, 1.1, 1.3, 20)


def test_a_run_by_all_its_figures() -> None:
    lines = [
        (60.0, "preliminary: n on b"),
        (100.0, f"here.a {BAR} 1/9, 2 min 0 s left, conv"),
        (200.0, "here.a: done: 9 measured now, 9 in all"),
    ]
    journal = [{"process_of": "p", "seconds": 120.0}]
    assert figures_of(240.0, lines, journal) == Figures(240.0, 0.5, 0.0, 60.0, 1.2, 1.2, 1)


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({}, True),
        ({"total_s": 301.0}, False),
        ({"measuring": 0.79}, False),
        ({"measuring": math.nan}, False),
        ({"first_table_s": math.nan}, False),
        ({"left_worst": 1.6}, False),
        ({"left_worst": 0.6}, False),
    ],
)
def test_a_bar_is_kept_by_most_runs(changes: dict[str, float], kept: bool) -> None:
    other = Figures(**{**GOOD.__dict__, **changes})
    assert keeps_bars([GOOD, other, other]) is kept
    assert keeps_bars([other, GOOD, GOOD])
