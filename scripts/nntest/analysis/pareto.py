"""Pareto fronts: the rows of a table that no other row beats.

A row dominates another if it is at least as good on every axis and better on one.  What is not
dominated is the front: rows that tie on every axis are all of it, a single row is a front of one.
A row that lacks a value on an axis cannot be compared; it is left out and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

Sense = Literal["max", "min"]


@dataclass(frozen=True)
class Axis:
    """A column and which end of it is better."""

    column: str
    sense: Sense


@dataclass(frozen=True)
class Front:
    """The front of a table, row by row, in the table's own order and index."""

    axes: tuple[Axis, ...]
    on_front: pd.Series[bool]
    """True for the rows of the front; false for dominated ones and for those left out."""
    compared: pd.Series[bool]
    """False for the rows that lack a value on some axis."""

    @property
    def missing(self) -> int:
        """Rows left out because they lack a value."""
        return int((~self.compared).sum())

    @property
    def dominated(self) -> pd.Series[bool]:
        """True for the rows that some other row beats."""
        return self.compared & ~self.on_front


def pareto_front(frame: pd.DataFrame, axes: Sequence[Axis]) -> Front:
    """The front of `frame` over `axes` (at least one).

    NaN and null are missing values; an infinite value is a value.  Takes O(rows x front) time.
    Raises ValueError for no axes, KeyError for a column that is not there.
    """
    if not axes:
        raise ValueError("a front needs at least one axis")
    columns = [pd.to_numeric(frame[axis.column]).to_numpy(float, na_value=np.nan) for axis in axes]
    signs = [-1.0 if axis.sense == "max" else 1.0 for axis in axes]
    costs = np.column_stack([sign * column for sign, column in zip(signs, columns, strict=True)])
    known: npt.NDArray[np.bool_] = np.asarray(~np.isnan(costs).any(axis=1))
    chosen = np.zeros(len(frame), dtype=bool)
    chosen[known] = _undominated(costs[known])
    return Front(
        tuple(axes),
        pd.Series(chosen, index=frame.index, dtype=bool),
        pd.Series(known, index=frame.index, dtype=bool),
    )


def _undominated(costs: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which rows (rows x axes, less is better) no other row dominates."""
    result = np.zeros(len(costs), dtype=bool)
    # In lexicographic order nothing is dominated by what comes later, and whatever dominates a
    # row is itself dominated by, or is, a row of the front that came before.
    order = np.lexsort(costs.T[::-1])
    front = np.empty_like(costs)
    size = 0
    for place in order:
        row = costs[place]
        found = front[:size]
        no_worse = (found <= row).all(axis=1)
        if not (no_worse & (found < row).any(axis=1)).any():
            front[size] = row
            size += 1
            result[place] = True
    return result


def pareto_table(frame: pd.DataFrame, axes: Sequence[Axis]) -> pd.DataFrame:
    """`frame` without the rows that lack a value, with a column `on_front`; same order and index.

    How many rows were left out is ``len(frame) - len(result)``.
    """
    front = pareto_front(frame, axes)
    kept = frame[front.compared]
    return kept.assign(on_front=front.on_front[front.compared])


def stepped(frame: pd.DataFrame, x: Axis, y: Axis) -> pd.DataFrame:
    """The line of a two-dimensional front: columns `x.column`, `y.column`, in drawing order.

    Going from the best x to the worst, the line keeps the best y reached so far, and steps
    at the next point of the front: everything on its far side is dominated.  A point of the front
    is a corner (`corner` true); between two of them is the corner of the step (false).  Points
    that tie on both axes are one corner.
    """
    front = pareto_front(frame, (x, y)).on_front
    corners = frame.loc[front, [x.column, y.column]].drop_duplicates()
    corners = corners.sort_values(x.column, ascending=x.sense == "min", ignore_index=True)
    xs, ys = (corners[axis.column].to_numpy(float) for axis in (x, y))
    rows: list[tuple[float, float, bool]] = []
    for place in range(len(corners)):
        if place:
            rows.append((xs[place], ys[place - 1], False))
        rows.append((xs[place], ys[place], True))
    return pd.DataFrame(
        {
            x.column: pd.Series([row[0] for row in rows], dtype="float64"),
            y.column: pd.Series([row[1] for row in rows], dtype="float64"),
            "corner": pd.Series([row[2] for row in rows], dtype="bool"),
        }
    )
