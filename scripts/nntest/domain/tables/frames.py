"""Rows as data frames with the columns and types that a table says, and their files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from nntest.domain.tables.column import FLAG, FLOAT, INT, TEXT, Column, Dtype
from nntest.domain.tables.csv_files import write_csv

_DTYPES: dict[Dtype, str] = {TEXT: "str", INT: "Int64", FLOAT: "float64", FLAG: "boolean"}


def frame_of(rows: Iterable[Mapping[str, Any]], columns: Iterable[Column]) -> pd.DataFrame:
    """Rows as a data frame with exactly `columns` (a table, too), typed also when empty.

    Raises KeyError for a row that lacks one of them.
    """
    listed = list(rows)
    return pd.DataFrame(
        {column.name: pd.Series([row[column.name] for row in listed], dtype=_DTYPES[column.dtype])
         for column in columns}
    )  # fmt: skip


def write_table(frame: pd.DataFrame, folder: Path, name: str) -> None:
    """Write a table as ``<name>.parquet`` and ``<name>.csv``."""
    frame.to_parquet(folder / f"{name}.parquet", index=False)
    write_csv(frame, folder / f"{name}.csv")
