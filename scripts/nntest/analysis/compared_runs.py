"""Which runs of two sides are compared, and which of them are independent of each other."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from onboard.clean_runs import CLEAN, counted

from nntest.archives.measurements import process_numbers

ALPHA = 0.05
"""Rate of false differences of a comparison."""
FEWEST_RUNS = 5
"""Runs on both sides from which on a run, not a process, is the unit of the test."""


def counted_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of one side's point that count: clean runs, where there are enough; else all."""
    return rows[counted(rows["run_state"].tolist())]


def alike(old: pd.DataFrame, new: pd.DataFrame) -> tuple[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Which runs of both sides are compared: clean ones on both, or all on both.

    Clean runs of one side beside all of the other would differ by what disturbed the other; and
    where too few processes have a clean run, all of them may still say something.
    """
    clean = counted_rows(old), counted_rows(new)
    if all((part["run_state"] == CLEAN).all() for part in clean):
        few, many = (
            can_differ(*(len(set(units_of(part, unit_of(*sides)))) for part in sides))
            for sides in (clean, (old, new))
        )
        if few or not many:
            return CLEAN, clean
    return "all", (old, new)


def can_differ(*units: int) -> bool:
    """Whether the test can reject anything with so many units a side."""
    return 2 / math.comb(sum(units), units[0]) < ALPHA


def unit_of(old: pd.DataFrame, new: pd.DataFrame) -> str:
    """What the test takes for independent: runs, where both sides have enough; else processes."""
    return "run" if min(_runs(old).nunique(), _runs(new).nunique()) >= FEWEST_RUNS else "process"


def _runs(rows: pd.DataFrame) -> pd.Series[Any]:
    """Which run measured each row: an archive's entry."""
    return rows.groupby(["archive", "entry"], dropna=False, sort=True).ngroup()


def units_of(rows: pd.DataFrame, unit: str) -> list[int]:
    """For each row the number of its run or process, as `unit` says."""
    if unit == "run":
        return [int(number) for number in _runs(rows)]
    return [int(number) for number in process_numbers(rows)]
