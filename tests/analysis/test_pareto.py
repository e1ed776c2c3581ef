from __future__ import annotations

import itertools
import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nntest.analysis.pareto import Axis, pareto_front, pareto_table, stepped

# Few distinct values, so that ties are common; a missing one; an infinite one.
VALUES = st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.5, math.inf, None])


@st.composite
def tables(draw):
    count = draw(st.integers(1, 3))
    axes = [Axis(f"c{i}", draw(st.sampled_from(["max", "min"]))) for i in range(count)]
    rows = draw(st.lists(st.tuples(*[VALUES] * count), max_size=25))
    data = {axis.column: [row[i] for row in rows] for i, axis in enumerate(axes)}
    index = draw(st.permutations(range(len(rows))))
    return pd.DataFrame(data, index=index, dtype="Float64"), axes


def dominates(frame, axes, one, other):
    """The definition, spelled out."""
    better = [
        (frame.loc[one, axis.column] - frame.loc[other, axis.column])
        * (1 if axis.sense == "max" else -1)
        if frame.loc[one, axis.column] != frame.loc[other, axis.column]
        else 0
        for axis in axes
    ]
    return min(better) >= 0 and max(better) > 0


@given(tables())
def test_a_front_is_what_nothing_dominates_no_more_and_no_less(given_table):
    frame, axes = given_table
    front = pareto_front(frame, axes)
    known = frame.index[frame.notna().all(axis=1)]
    assert front.missing == len(frame) - len(known)
    assert set(front.compared[front.compared].index) == set(known)
    for label in frame.index:
        beaten = any(dominates(frame, axes, other, label) for other in known if label in known)
        assert front.on_front[label] == (label in known and not beaten)
        assert front.dominated[label] == (label in known and beaten)


@given(tables())
def test_the_order_of_rows_does_not_matter(given_table):
    frame, axes = given_table
    front = pareto_front(frame, axes)
    turned = pareto_front(frame.iloc[::-1], axes)
    assert front.on_front.sort_index().equals(turned.on_front.sort_index())


POINTS = pd.DataFrame(
    {"fps": [10.0, 10.0, 5.0, 20.0, 20.0, None, 8.0], "top1": [80.0, 80, 90, 70, 60, 99, 79]},
    index=list("abcdefg"),
)
FPS, TOP1 = Axis("fps", "max"), Axis("top1", "max")


def test_ties_stay_and_missing_values_are_counted():
    front = pareto_front(POINTS, [FPS, TOP1])
    assert list(front.on_front[front.on_front].index) == ["a", "b", "c", "d"]
    assert front.missing == 1
    kept = pareto_table(POINTS, [FPS, TOP1])
    assert list(kept.index) == ["a", "b", "c", "d", "e", "g"]
    assert kept["on_front"].sum() == 4


@pytest.mark.parametrize(("rows", "size"), [(0, 0), (1, 1)])
def test_a_front_of_one_and_of_none(rows, size):
    frame = POINTS.head(rows)
    assert pareto_front(frame, [FPS, TOP1]).on_front.sum() == size
    assert len(stepped(frame, FPS, TOP1)) == size


def test_the_stepped_line_separates_what_is_dominated():
    line = stepped(POINTS, FPS, TOP1)
    assert line.to_numpy().tolist() == [
        [20, 70, True], [10, 70, False], [10, 80, True], [5, 80, False], [5, 90, True],
    ]  # fmt: skip


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=15),
    st.sampled_from(["max", "min"]),
    st.sampled_from(["max", "min"]),
)
def test_every_step_is_level_or_upright_and_its_corners_are_the_front(rows, x_sense, y_sense):
    frame = pd.DataFrame(rows, columns=["x", "y"])
    x, y = Axis("x", x_sense), Axis("y", y_sense)
    line = stepped(frame, x, y)
    front = frame[pareto_front(frame, [x, y]).on_front]
    corners = line[line["corner"]]
    assert set(corners[["x", "y"]].itertuples(index=False, name=None)) == set(
        front.itertuples(index=False, name=None)
    )
    for (_, one), (_, other) in itertools.pairwise(line.iterrows()):
        assert one["x"] == other["x"] or one["y"] == other["y"]


def test_no_axis_and_no_column():
    with pytest.raises(ValueError, match="at least one axis"):
        pareto_front(POINTS, [])
    with pytest.raises(KeyError):
        pareto_front(POINTS, [Axis("frames", "max")])
