"""Boards of a pool are compared on what both measured, with an interval."""

from __future__ import annotations

import pandas as pd
import pytest
from analysis.made_up_study import TENSORS, study_rows
from nntest.analysis.pools import pool_boards
from nntest.archives.measurements import to_frame

TWO = TENSORS[:2]


def measured(board: str, slower: float = 1.0, *, tensors=TWO, **changes) -> list[dict]:
    """Rows of points on a board, `slower` times as long as they should take."""
    rows = study_rows(
        tensors=tensors, choices=[("conv", "NONE")], board=board, seed=ord(board), **changes
    )
    return [{**row, "time_us": row["time_us"] * slower, "entry": board} for row in rows]


def compared(*boards: list[dict], pool=("a", "b", "c")) -> list[dict]:
    frame = to_frame(row for rows in boards for row in rows)
    return pool_boards(frame, {"p": list(pool)}, 42).to_dict("records")


@pytest.mark.parametrize(
    ("slower", "verdict"), [(1.0, "no difference"), (1.5, "slower"), (0.7, "faster")]
)
def test_a_board_that_is_slower_is_said_to_be(slower: float, verdict: str) -> None:
    (row,) = compared(measured("a"), measured("b", slower))
    assert (row["pool"], row["baseline"], row["other"], row["points"]) == ("p", "a", "b", 2)
    assert row["ci_low"] < slower < row["ci_high"]
    assert row["ratio"] == pytest.approx(row["other_us"] / row["baseline_us"])
    assert row["verdict"] == verdict


def test_what_only_one_board_measured_is_not_compared() -> None:
    (row,) = compared(measured("a", tensors=TENSORS[:3]), measured("b"), pool=("a", "b"))
    assert row["points"] == 2
    assert compared(measured("a", tensors=TWO[:1]), measured("b", tensors=TWO[1:])) == []


def test_a_board_without_results_is_passed_over_also_as_the_first() -> None:
    rows = compared(measured("b"), measured("c"))
    assert [(row["baseline"], row["other"]) for row in rows] == [("b", "c")]
    assert compared(measured("b")) == []
    assert compared() == []


def test_too_few_processes_have_no_interval() -> None:
    (row,) = compared(*(measured(board, repetitions=2) for board in "ab"))
    assert pd.isna(row["ci_low"])
    assert row["verdict"] == "too few repetitions"
