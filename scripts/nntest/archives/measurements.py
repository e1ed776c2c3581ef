"""The measurement table: one row per repetition, one Parquet file, one written schema.

Rows come from CK archives alone (`nntest.archives.ck` reads them), whoever wrote these, so that
boards, people and years compare in one table.  A run that failed has no time: `time_us` and
`GFLOPS` are null there, `success?` and `status` say what happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from onboard import outcomes

from nntest.archives.gathered import Gathered, plain_schema
from nntest.domain.tables.column import Table
from nntest.domain.tables.csv_files import write_csv_parts
from nntest.domain.tables.measurements import MEASUREMENTS
from nntest.domain.tables.shared import KEY, ORIGIN, SPECIES
from nntest.errors import UserError

SCHEMA_VERSION = "6"

POINT_KEYS = [column.name for column in KEY if column is not SPECIES]
"""What tells one measured point from another in every table."""
PROCESS_KEYS = [*(column.name for column in ORIGIN), "process_id"]
"""What tells one process from another: two archives that were merged both have a process 0."""


def process_numbers(rows: pd.DataFrame) -> NDArray[np.int64]:
    """For each row the number of its process, from 0.

    A process that is not recorded was started for its repetition alone, and has a number below 0.
    """
    known = rows.groupby(PROCESS_KEYS, dropna=False, sort=True).ngroup().to_numpy()
    return np.where(rows["process_id"].isna(), -1 - np.arange(len(rows)), known)


ORDER = (
    *POINT_KEYS, "kernel", "repetition_id", "archive", "entry", "point", "subpoint",
)  # fmt: skip
"""What rows are sorted by: total, so that the same rows in any order give the same table."""


def schema_of(table: Table) -> pa.Schema:
    """The Arrow schema of a table, each field with its meaning."""
    fields = [
        field.with_metadata({"unit": column.unit, "meaning": column.meaning})
        for field, column in zip(plain_schema(table), table, strict=True)
    ]
    return pa.schema(fields, metadata={"nntest_schema_version": SCHEMA_VERSION})


def order_of(table: Table) -> tuple[str, ...]:
    """`ORDER`, and what else the rows of a table are sorted by."""
    return (*ORDER, "phase") if "phase" in table.names else ORDER


def to_frame(rows: Iterable[Mapping[str, Any]], table: Table = MEASUREMENTS) -> pd.DataFrame:
    """Rows (mappings by column name; a missing key is null) as a typed, sorted data frame.

    `table` may be `KERNELS`, for the rows of profiled points.
    Raises KeyError for a column that the table does not have.
    """
    gathered = Gathered(table)
    for row in rows:
        gathered.add(row)
    return from_arrow(pa.concat_tables(gathered.finished(order_of(table))))


def from_arrow(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a data frame whose nullable columns stay nullable."""
    kinds = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    frame: pd.DataFrame = table.to_pandas(types_mapper=kinds.get)
    return frame


def to_arrow(frame: pd.DataFrame, table: Table = MEASUREMENTS) -> pa.Table:
    """A data frame as an Arrow table with the schema of `table`."""
    schema = schema_of(table)
    arrow = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    return arrow.replace_schema_metadata(schema.metadata)


def save(batches: Iterable[pa.Table], table: Table, folder: Path) -> None:
    """Write a table that is read off archives as Parquet and as CSV, batch by batch.

    batches: its rows in their order; they are gone through more than once.
    """
    with pq.ParquetWriter(folder / f"{table.name}.parquet", _written_schema(table)) as writer:
        for batch in batches:
            writer.write_table(batch.cast(writer.schema))
    write_csv_parts(lambda: map(from_arrow, batches), folder / f"{table.name}.csv")


def _written_schema(table: Table) -> pa.Schema:
    """The measurement table's own schema; of other tables what pandas reads with its types."""
    if table is MEASUREMENTS:
        return schema_of(table)
    empty = from_arrow(plain_schema(table).empty_table())
    return pa.Schema.from_pandas(empty, preserve_index=False)


def load(parquet: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a measurement table, or some of its columns.

    `UserError` if it is not one, or of another version.
    """
    try:
        table = pq.read_table(parquet, columns=None if columns is None else list(columns))
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
