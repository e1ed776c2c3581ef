"""Tables as CSV files in which every cell is data, whatever program opens them.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, quoted or
not, and one of another language splits cells at their semicolons; names come from archives that
anybody may have written.  So a text gets an apostrophe where such a cell could begin, as it does
where an apostrophe stands there already: `read_csv` takes it away again.  Numbers stay numbers.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pandas.api.types import is_object_dtype, is_string_dtype

from nntest.domain.tables.column import TEXT, Column

LARGE_CSV = 100_000
"""Bytes above which a page links a CSV file, and does not hold it."""
_CELL_START = r"(\A|[;\t\r\n])"
_FORMULA = r"(?=['=+\-@\t\r＝＋－＠])"
_UNGUARDED = re.compile(_CELL_START + _FORMULA)
_GUARDED = re.compile(f"{_CELL_START}'{_FORMULA}")


def csv_text(frame: pd.DataFrame) -> str:
    """A table as the text of a CSV file."""
    return "".join(_parts(lambda: [frame]))


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as a CSV file."""
    write_csv_parts(lambda: [frame], path)


def write_csv_parts(parts: Callable[[], Iterable[pd.DataFrame]], path: Path) -> None:
    """Write a table that comes in parts, at least one; `parts` may be asked twice."""
    with path.open("w", encoding="utf-8", newline="") as file:
        for text in _parts(parts):
            file.write(text)


def _parts(parts: Callable[[], Iterable[pd.DataFrame]]) -> Iterator[str]:
    # A \r is written without quotes, and ends a line for whoever reads it.
    quoting: Literal[0, 2] = (
        csv.QUOTE_NONNUMERIC if any(map(_has_returns, parts())) else csv.QUOTE_MINIMAL
    )
    for number, part in enumerate(parts()):
        guarded = _each_text(part, _guarded)
        yield guarded.to_csv(index=False, header=number == 0, quoting=quoting)


def _has_returns(frame: pd.DataFrame) -> bool:
    texts = [frame[name] for name in frame if _is_text(frame[name])]
    return any("\r" in str(text) for values in [pd.Series(frame.columns), *texts]
               for text in values.unique())  # fmt: skip


def read_csv(path: Path, columns: Iterable[Column] = ()) -> pd.DataFrame:
    """Read a CSV file of this project by pandas, with its texts as they were written.

    columns: of the table that it holds; their texts stay texts where they look like numbers.
    """
    texts = {column.name: str for column in columns if column.dtype == TEXT}
    # A library may be called NA.
    frame = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values=[""])
    return _each_text(frame, _plain)


def _is_text(values: pd.Series[Any]) -> bool:
    return is_object_dtype(values) or is_string_dtype(values)


def _each_text(frame: pd.DataFrame, change: Callable[[Any], Any]) -> pd.DataFrame:
    changed = frame.copy(deep=False)
    for name in frame:
        if _is_text(frame[name]):
            # The same text is in many rows.
            texts = {text: change(text) for text in frame[name].unique()}
            if any(text != new for text, new in texts.items()):
                changed[name] = frame[name].map(texts)
    return changed.rename(columns=change)


def _guarded(value: Any) -> Any:
    return _UNGUARDED.sub(r"\1'", value) if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    return _GUARDED.sub(r"\1", value) if isinstance(value, str) else value
