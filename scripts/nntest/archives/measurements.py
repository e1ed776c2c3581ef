"""The measurement table: one row per repetition, one Parquet file, one written schema.

Rows come from CK archives alone (`nntest.archives.ck` reads them), whoever wrote these, so that
boards, people and years compare in one table.  A run that failed has no time: `time_us` and
`GFLOPS` are null there, `success?` and `status` say what happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from onboard import outcomes

from nntest.domain.tables.column import FLAG, FLOAT, INT, TEXT, Dtype, Table
from nntest.domain.tables.csv_files import write_csv
from nntest.domain.tables.measurements import MEASUREMENTS
from nntest.domain.tables.shared import KEY, ORIGIN, SPECIES
from nntest.errors import UserError

SCHEMA_VERSION = "5"

_ARROW: dict[Dtype, pa.DataType] = {
    TEXT: pa.string(), INT: pa.int64(), FLOAT: pa.float64(), FLAG: pa.bool_(),
}  # fmt: skip

POINT_KEYS = [column.name for column in KEY if column is not SPECIES]
"""What tells one measured point from another in every table."""
PROCESS_KEYS = [*(column.name for column in ORIGIN), "process_id"]
"""What tells one process from another: two archives that were merged both have a process 0."""


def schema_of(table: Table) -> pa.Schema:
    """The Arrow schema of a table, each field with its meaning."""
    fields = [
        pa.field(
            column.name,
            _ARROW[column.dtype],
            metadata={"unit": column.unit, "meaning": column.meaning},
        )
        for column in table
    ]
    return pa.schema(fields, metadata={"nntest_schema_version": SCHEMA_VERSION})


def to_frame(rows: Iterable[Mapping[str, Any]], table: Table = MEASUREMENTS) -> pd.DataFrame:
    """Rows (mappings by column name; a missing key is null) as a typed, sorted data frame.

    `table` may be `KERNELS`, for the rows of profiled points.

    Sorting is total, so that the same rows in any order give the same table.
    Raises KeyError for a column that the table does not have.
    """
    listed = list(rows)
    names = set(table.names)
    for row in listed:
        unknown = set(row) - names
        if unknown:
            raise KeyError(f"no such column in the table {table.name}: {sorted(unknown)}")
    frame = from_arrow(pa.Table.from_pylist([dict(row) for row in listed], schema=schema_of(table)))
    order = [*POINT_KEYS, "kernel", "repetition_id", "archive", "entry", "point", "subpoint"]
    order += [name for name in ("phase",) if name in names]
    return frame.sort_values(order, kind="stable", ignore_index=True)


def from_arrow(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a data frame whose nullable columns stay nullable."""
    kinds = {_ARROW[INT]: pd.Int64Dtype(), _ARROW[FLAG]: pd.BooleanDtype()}
    frame: pd.DataFrame = table.to_pandas(types_mapper=kinds.get)
    return frame


def to_arrow(frame: pd.DataFrame, table: Table = MEASUREMENTS) -> pa.Table:
    """A data frame as an Arrow table with the schema of `table`."""
    schema = schema_of(table)
    arrow = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    return arrow.replace_schema_metadata(schema.metadata)


def save(frame: pd.DataFrame, parquet: Path, csv: Path) -> None:
    """Write the measurement table as Parquet (with its schema) and as CSV."""
    pq.write_table(to_arrow(frame), parquet)
    write_csv(frame, csv)


def load(parquet: Path) -> pd.DataFrame:
    """Read a measurement table; `UserError` if it is not one, or of another version."""
    try:
        table = pq.read_table(parquet)
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(f"{parquet}: not a measurement table ({error})") from None
    version = (table.schema.metadata or {}).get(b"nntest_schema_version", b"none").decode()
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{parquet}: measurement table of schema version {version}, not {SCHEMA_VERSION}",
            "run the workflow again to write it anew from the archives",
        )
    return from_arrow(table)


def measured(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that hold a time of a whole operator: succeeded, and not of one kernel."""
    return frame[
        (frame["status"] == outcomes.OK) & frame["time_us"].notna() & (frame["kernel"] == "")
    ]
