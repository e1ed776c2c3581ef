"""Data frames as the report's tables: what each cell says, and what it sorts by."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_integer_dtype, is_numeric_dtype

from nntest.archives.excerpts import Excerpt
from nntest.domain.tables.all import ALL
from nntest.domain.tables.column import FLAG, FLOAT, INT, TEXT, Column, Dtype, Table
from nntest.domain.tables.csv_files import LARGE_CSV, csv_text

MOST_ROWS, MOST_CELLS = 250, 5000
"""What the page shows of a table; its CSV has all."""
_SHORTEST_ROW = 20
"""Bytes of a CSV's row: so a table of a million rows is known to be large unwritten."""
_NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
NULL = "–"


@dataclass(frozen=True)
class Cell:
    """What a cell shows, the number it sorts by (else its text), and its look."""

    text: str
    sort: str = ""
    look: str = ""
    interval: str = ""
    bar: float | None = None
    """Percent of the cell's width, for shares."""
    more: str = ""
    """The whole of a long text of which `text` is the beginning."""


@dataclass(frozen=True)
class Download:
    """A file to save: within the page, or beside it."""

    name: str
    href: str


@dataclass(frozen=True)
class TableView:
    """A table ready to be put on the page."""

    name: str
    table: Table
    headers: list[tuple[str, Column]]
    rows: list[list[Cell]]
    total: int
    same: list[tuple[str, str]]
    """Columns that say the same in every row, shown once: (heading, value)."""
    csv: Download


def number(value: float, digits: int = 4) -> str:
    """A number with `digits` significant digits and its thousands apart; '–' for none."""
    if not math.isfinite(value):
        return NULL
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(decimals, 9)}f}".replace(",", _NARROW_SPACE)
    return text.rstrip("0").rstrip(".") if decimals > 6 else text


def duration(microseconds: float) -> str:
    """A time with a unit that suits it: µs, ms or s."""
    for limit, unit, factor in ((1e3, "µs", 1.0), (1e6, "ms", 1e-3)):
        if microseconds < limit:
            return f"{number(microseconds * factor)} {unit}"
    return f"{number(microseconds * 1e-6)} s"


def ratio(value: float) -> str:
    """A ratio with three decimals."""
    return f"{value:.3f}" if math.isfinite(value) else NULL


def percent(share: float) -> str:
    """A share in percent, e.g. '46.9 %'."""
    return f"{share * 100:.1f} %" if math.isfinite(share) else NULL


def interval_after(low: float, high: float, written: Callable[[float], str] = duration) -> str:
    """A 95 % interval (of a time: in µs) as it follows its value; empty where there is none."""
    return "" if pd.isna(low) else f" (95 % interval {written(low)} to {written(high)})"


def interval_of_ratio(low: float, high: float) -> str:
    """A 95 % interval of a ratio as it follows the ratio; empty where there is none."""
    return "" if pd.isna(low) else f" (95 % interval {ratio(low)} to {ratio(high)})"


def signed_percent(share: float) -> str:
    """A share with its sign, e.g. '+2.3 %'."""
    return f"{share * 100:+.1f} %"


_WORDY = ("text", "long", "flag")
_LOOKS = {
    "faster": "good", "slower": "bad", "no difference": "mute", "too few repetitions": "mute",
    "gains": "good", "loses": "bad",
    "fastest": "good", "covers other layers": "mute", "baseline": "mute", "no baseline": "warn",
}  # fmt: skip


def _cell(value: Any, shown: Column, interval: tuple[Any, Any] | None) -> Cell:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return Cell(NULL, look="null" if shown.kind in _WORDY else "null number")
    if shown.kind == "flag":
        return Cell("yes" if value else "no", str(int(bool(value))))
    if shown.kind == "share":
        ends = ""
        if interval is not None and not any(pd.isna(end) for end in interval):
            ends = " to ".join(percent(float(end)) for end in interval)
        return Cell(percent(float(value)), repr(float(value)), "number", ends,
                    bar=100 * float(value) if shown.name == "share" else None)  # fmt: skip
    if shown.kind == "count" and not isinstance(value, str):
        return Cell(str(int(value)), str(int(value)), "number")
    if shown.kind in ("number", "ratio") and not isinstance(value, str):
        ends = ""
        write = ratio if shown.kind == "ratio" else number
        if interval is not None and not any(pd.isna(end) for end in interval):
            ends = " to ".join(write(float(end)) for end in interval)
        return Cell(write(float(value)), repr(float(value)), "number", ends)
    text = str(value)
    if shown.kind == "long" and (len(text) > 60 or "\n" in text):
        first = text.splitlines()[0]
        return Cell(first if len(first) <= 60 else first[:57] + "…", more=text)
    if shown.name.startswith("verdict"):
        return Cell(text, look=_LOOKS.get(text, "warn"))
    return Cell(text)


def _download(name: str, table: Excerpt) -> Download:
    filename = f"{name}.csv"
    if table.total == len(table.head) and table.total * _SHORTEST_ROW <= LARGE_CSV:
        data = csv_text(table.head).encode()
        if len(data) <= LARGE_CSV:
            text = base64.b64encode(data).decode()
            return Download(filename, f"data:text/csv;charset=utf-8;base64,{text}")
    return Download(filename, f"tables/{filename}")


def _dtype(values: pd.Series[Any]) -> Dtype:
    """The type of a column without a description."""
    if is_bool_dtype(values):
        return FLAG
    if is_integer_dtype(values):
        return INT
    return FLOAT if is_numeric_dtype(values) else TEXT


def table_view(name: str, whole: pd.DataFrame | Excerpt) -> TableView:
    """A table as the report shows it."""
    of = whole if isinstance(whole, Excerpt) else Excerpt.of(whole)
    frame = of.head
    table = ALL.get(name, Table(name, (), title=name.replace("_", " ").capitalize()))
    intervals = {
        column.name: column.interval
        for column in table
        if column.interval and {column.name, *column.interval} <= set(frame.columns)
    }
    inside = {end for ends in intervals.values() for end in ends}
    headers: list[tuple[str, Column]] = []
    same: list[tuple[str, str]] = []
    order = [label for label in frame.columns if label not in table.last]
    for label in [*order, *(label for label in table.last if label in frame.columns)]:
        if label in inside or label in table.hidden:
            continue
        values = frame[label]
        shown = table.column(label) or Column(str(label), _dtype(values))
        stays = label in intervals or label in table.kept or of.total < 3
        if not stays and label in of.same:
            cell = _cell(values.iloc[0], shown, None)
            text = cell.more or cell.text
            if text not in (NULL, ""):
                same.append((shown.heading, text))
        else:
            headers.append((str(label), shown))
    rows = []
    most = min(MOST_ROWS, MOST_CELLS // max(len(headers), 1))
    for record in frame.head(most).to_dict("records"):
        row: Mapping[Any, Any] = record
        cells = []
        for label, shown in headers:
            ends = intervals.get(label)
            cells.append(_cell(row[label], shown, (row[ends[0]], row[ends[1]]) if ends else None))
        rows.append(cells)
    return TableView(name, table, headers, rows, of.total, same, _download(name, of))
