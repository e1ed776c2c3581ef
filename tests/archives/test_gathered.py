"""Rows that are gathered in batches come out sorted as pandas would sort them."""

from __future__ import annotations

import random

import pandas as pd
import pyarrow as pa
import pytest
from nntest.archives import gathered
from nntest.archives.gathered import Gathered
from nntest.domain.tables.column import FLAG, FLOAT, INT, TEXT, Column, Table

TABLE = Table(
    "odd",
    (Column("name", TEXT), Column("count", INT), Column("time", FLOAT), Column("hot", FLAG)),
    title="Odd",
)
ORDER = ("name", "count")


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathered, "ROWS_A_BATCH", 16)
    monkeypatch.setattr(gathered, "_ROWS_WAITING", 7)


def made(rows: int) -> list[dict[str, object]]:
    draw = random.Random(rows)
    names = ["b", "a", "", "B", "é", "z\U0001f600", None]
    return [
        {"name": draw.choice(names), "count": draw.choice([3, 10, None]), "time": float(number)}
        for number in range(rows)
    ]


def filled(rows: list[dict[str, object]]) -> Gathered:
    found = Gathered(TABLE)
    for row in rows:
        found.add(row)
    return found


@pytest.mark.parametrize("rows", [0, 1, 7, 16, 100])
def test_sorted_as_pandas_sorts(rows: int) -> None:
    batches = filled(made(rows)).finished(ORDER)
    assert len(batches) == rows
    assert all(0 < len(batch) <= 16 for batch in batches) or rows == 0
    found = pa.concat_tables(batches).to_pandas()
    frame = pd.DataFrame(made(rows), columns=["name", "count", "time"])
    expected = frame.sort_values(list(ORDER), kind="stable", ignore_index=True)
    assert found["time"].tolist() == expected["time"].tolist()
    assert found["hot"].isna().all()


def test_without_an_order_rows_stay_as_they_came() -> None:
    found = pa.concat_tables(filled(made(50)).finished()).to_pandas()
    assert found["time"].tolist() == [float(number) for number in range(50)]


def test_texts_that_are_renamed_are_sorted_by_their_new_names() -> None:
    rows: list[dict[str, object]] = [{"name": str(number % 3)} for number in range(30)]
    batches = filled(rows).finished(("name",), {"name": {"0": "z", "1": "a", "2": "a"}})
    assert pa.concat_tables(batches)["name"].to_pylist() == ["a"] * 20 + ["z"] * 10


def test_a_column_that_there_is_not() -> None:
    with pytest.raises(KeyError, match="speed"):
        Gathered(TABLE).add({"name": "a", "speed": 1.0})
