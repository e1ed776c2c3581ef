"""What every table must say of itself."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from importlib import import_module

import pytest
from nntest.archives.measurements import from_arrow, schema_of
from nntest.domain.tables import shared
from nntest.domain.tables.all import ALL
from nntest.domain.tables.column import FLAG, FLOAT, INT, RATIO, SHARE, TEXT, Column, Table
from nntest.domain.tables.frames import frame_of
from nntest.graph.arguments import table_arguments
from nntest.report.table_docs import DOCUMENT, tables_page

SUFFIXES = {
    "_us": "µs", "_ms": "ms", "_ns": "ns", "_mhz": "MHz", "_w": "W", "_percent": "%",
    "_gb_s": "GB/s", "_frames_per_s": "frames/s", "_gops": "GOP/s", "_c": "°C",
}  # fmt: skip
TABLES = [pytest.param(table, id=name) for name, table in ALL.items()]


def test_the_committed_page_is_what_the_tables_say() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == tables_page(), "run `make docs`"


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_consistent(table: Table) -> None:
    assert len(set(table.names)) == len(table.names)
    named = {*table.kept, *table.hidden, *table.last}
    named |= {end for column in table if column.interval for end in column.interval}
    assert named <= set(table.names)
    headings = [column.heading for column in table]
    assert all(headings)
    assert table.title
    assert not table.caption or table.caption.endswith(".")
    for column in table:
        assert column.meaning != column.heading
        assert column.dtype == FLOAT or not column.pure, column.name


@pytest.mark.parametrize("table", TABLES)
def test_a_unit_in_a_name_is_the_columns_unit(table: Table) -> None:
    for column in table:
        for suffix, unit in SUFFIXES.items():
            number = column.dtype in (FLOAT, INT) and not column.name.startswith("in_shape")
            if number and column.name.endswith(suffix):
                assert column.unit == unit, column.name


def test_a_name_means_one_type_in_measured_tables() -> None:
    """Other people's tables aside, whoever joins two tables by a column finds one type."""
    found: dict[str, set[str]] = {}
    for table in ALL.values():
        if table.rule != "read_published":
            for column in table:
                found.setdefault(column.name, set()).add(column.dtype)
    several = {name: dtypes for name, dtypes in found.items() if len(dtypes) > 1}
    assert several == {"layers": {TEXT, INT}, "throttled": {FLAG, INT}}


@pytest.mark.parametrize("table", [table for table in ALL.values() if table.made_by])
def test_the_function_that_makes_a_table_is_there(table: Table) -> None:
    assert callable(getattr(import_module(table.module), table.function))
    offered = re.findall(r'"(\w+)":', inspect.getsource(table_arguments))
    assert set(table.needs) <= {"run", *offered}
    assert set(table.reads) <= set(ALL)


def test_an_empty_frame_has_the_types_of_its_table() -> None:
    frame = frame_of([], ALL["estimate"])
    assert tuple(frame.columns) == ALL["estimate"].names
    assert frame.dtypes[["network", "total_us", "layers", "complete"]].map(str).tolist() == [
        "str", "float64", "Int64", "boolean",
    ]  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_frames_and_arrow_agree(table: Table) -> None:
    assert from_arrow(schema_of(table).empty_table()).dtypes.equals(frame_of([], table).dtypes)


def test_a_row_that_lacks_a_column_is_refused() -> None:
    with pytest.raises(KeyError):
        frame_of([{"platform": "x"}], [shared.PLATFORM, shared.BOARD])


def test_heading_kind_and_explanation() -> None:
    time = Column("a_us", FLOAT, "µs", label="time", meaning="of all", interval=("low", "high"))
    assert (time.heading, time.kind) == ("time µs", "number")
    assert time.explained == "of all, with the ends of its 95 % interval"
    assert [end.name for end in time.with_ends] == ["a_us", "low", "high"]
    assert all(end.unit == "µs" for end in time.ends)
    share = replace(time, unit=SHARE, label=None, interval=None)
    assert (share.heading, share.kind, share.explained) == ("a us", "share", "of all")
    assert replace(share, unit=RATIO).kind == "ratio"
    assert Column("n", INT).kind == "count"
    assert time.but(meaning="of one").interval == time.interval
