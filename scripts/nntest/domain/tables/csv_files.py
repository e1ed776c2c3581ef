"""Tables as CSV files in which every cell is data, whatever program opens them.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, quoted or
not, and one of another language splits cells at their semicolons; names come from archives that
anybody may have written.  So a text gets an apostrophe where such a cell could begin, as it does
where an apostrophe stands there already: `read_csv` takes it away again.  Numbers stay numbers.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_object_dtype, is_string_dtype

from nntest.domain.tables.column import TEXT, Column

_CELL_START = r"(\A|[;\t\r\n])"
_FORMULA = r"(?=['=+\-@\t\r＝＋－＠])"
_UNGUARDED = re.compile(_CELL_START + _FORMULA)
_GUARDED = re.compile(f"{_CELL_START}'{_FORMULA}")


def csv_text(frame: pd.DataFrame) -> str:
    """A table as the text of a CSV file."""
    guarded = _each_text(frame, _guarded)
    text = guarded.to_csv(index=False)
    if "\r" in text:  # which is written without quotes, and ends a line for whoever reads it
        text = guarded.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC)
    return text


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as a CSV file."""
    path.write_text(csv_text(frame), encoding="utf-8", newline="")


def read_csv(path: Path, columns: Iterable[Column] = ()) -> pd.DataFrame:
    """Read a CSV file of this project by pandas, with its texts as they were written.

    columns: of the table that it holds; their texts stay texts where they look like numbers.
    """
    texts = {column.name: str for column in columns if column.dtype == TEXT}
    # A library may be called NA.
    frame = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])
    return _each_text(frame, _plain)


def _each_text(frame: pd.DataFrame, change: Callable[[Any], Any]) -> pd.DataFrame:
    changed = frame.copy(deep=False)
    for name in frame:
        if is_object_dtype(frame[name]) or is_string_dtype(frame[name]):
            changed[name] = frame[name].map(change)
    return changed.rename(columns=change)


def _guarded(value: Any) -> Any:
    return _UNGUARDED.sub(r"\1'", value) if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    return _GUARDED.sub(r"\1", value) if isinstance(value, str) else value
