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

from nntest.errors import UserError

SCHEMA_VERSION = "2"

_TEXT = pa.string()
_INT = pa.int64()
_FLOAT = pa.float64()
_BOOL = pa.bool_()


def _column(name: str, kind: pa.DataType, meaning: str) -> pa.Field:
    return pa.field(name, kind, metadata={"meaning": meaning})


SCHEMA = pa.schema(
    [
        _column("platform", _TEXT, "what ran it, by the name that tables and plots show"),
        _column("board", _TEXT, "name of the board file; empty if no board file knows it"),
        _column("library", _TEXT, "library with its version, as CK tags it"),
        _column("operator", _TEXT, "operator, e.g. conv, directconv"),
        _column("program", _TEXT, "operator program, e.g. conv-armcl-opencl"),
        _column("species", _TEXT, "kind of operator that the tensor belongs to, e.g. conv"),
        _column("tensor", _TEXT, "tensor in CK-NNTest's naming"),
        _column("batch_size", _INT, "images in a batch"),
        _column("tuner", _TEXT, "local-work-size tuner: NONE, DEFAULT, CUSTOM, BIFROST"),
        _column("repetition_id", _INT, "index of the repetition within its point, from 0"),
        _column("process_id", _INT, "which process of its point ran it, from 0; null: unknown"),
        _column("in_shape_n", _INT, "input batch"),
        _column("in_shape_c", _INT, "input channels"),
        _column("in_shape_h", _INT, "input height"),
        _column("in_shape_w", _INT, "input width"),
        _column("time_us", _FLOAT, "time of the operator, µs; null unless it succeeded"),
        _column("setup_us", _FLOAT, "time of the set-up before it, µs"),
        _column("tuning_us", _FLOAT, "time that the tuner took, µs; null: not recorded"),
        _column(
            "waiting_us",
            _FLOAT,
            "what waiting for a run costs beyond leaving it in the queue, µs; null: not measured",
        ),
        _column("GFLOPS", _FLOAT, "operations as the 2018 study counts them over time_us"),
        _column("success?", _TEXT, "yes, no (wrong output), n/a (no result)"),
        _column(
            "status",
            _TEXT,
            f"{', '.join(outcomes.STATUSES)}; crashed says how: crashed(SIGSEGV)",
        ),
        _column("reason", _TEXT, "why it is not ok, with the tail of its log; else empty"),
        _column("kernel", _TEXT, "kernel that the row times; empty: the whole operator"),
        _column("protocol", _TEXT, "a repetition is a new 'process' or 'in-process'"),
        _column("warmup", _TEXT, "'always' or 'tuner-only' (the 2018 programs) or 'unknown'"),
        _column("clock_before_mhz", _FLOAT, "clock of the device before; null: not readable"),
        _column("clock_after_mhz", _FLOAT, "clock of the device after"),
        _column("temperature_before_c", _FLOAT, "hottest thermal zone before, °C"),
        _column("temperature_after_c", _FLOAT, "hottest thermal zone after, °C"),
        _column("throttled", _BOOL, "measured while throttled; null: not known"),
        _column("notes", _TEXT, "what of the device's state could not be set; else empty"),
        _column("emulated", _BOOL, "ran under an emulator: no board's time"),
        _column("device", _TEXT, "OpenCL device name"),
        _column("driver", _TEXT, "OpenCL driver version"),
        _column("started_at", _TEXT, "when the repetition started, UTC, ISO 8601"),
        _column("archive", _TEXT, "file that the row was read from"),
        _column("entry", _TEXT, "UID of its CK entry"),
        _column("point", _TEXT, "CK point"),
        _column("subpoint", _INT, "CK sub-point, from 1"),
        _column("program_checksum", _TEXT, "SHA-256 over the program's sources; empty: unknown"),
    ],
    metadata={"nntest_schema_version": SCHEMA_VERSION},
)

KERNEL_SCHEMA = (
    SCHEMA.append(_column("phase", _TEXT, "when it ran: run, warmup, tuning, setup; all: not told"))
    .append(_column("launches", _INT, "how often it was launched in the phase; null: not told"))
    .append(_column("wall_us", _FLOAT, "time of the operator in the profiled run, µs"))
)
"""Schema of the table of kernels: a row for each kernel, phase and profiled repetition."""

POINT_KEYS = ["platform", "library", "operator", "tensor", "batch_size", "tuner"]
"""What tells one measured point from another in every table."""


def to_frame(rows: Iterable[Mapping[str, Any]], schema: pa.Schema = SCHEMA) -> pd.DataFrame:
    """Rows (mappings by column name; a missing key is null) as a typed, sorted data frame.

    `schema` may be `KERNEL_SCHEMA`, for the rows of profiled points.

    Sorting is total, so that the same rows in any order give the same table.
    Raises KeyError for a column that the schema does not have.
    """
    listed = list(rows)
    names = set(schema.names)
    for row in listed:
        unknown = set(row) - names
        if unknown:
            raise KeyError(f"no such column in the measurement table: {sorted(unknown)}")
    table = pa.Table.from_pylist([dict(row) for row in listed], schema=schema)
    frame = from_arrow(table)
    order = [*POINT_KEYS, "kernel", "repetition_id", "archive", "entry", "point", "subpoint"]
    order += [name for name in ("phase",) if name in names]
    return frame.sort_values(order, kind="stable", ignore_index=True)


def from_arrow(table: pa.Table) -> pd.DataFrame:
    """An Arrow table as a data frame whose nullable columns stay nullable."""
    kinds = {_INT: pd.Int64Dtype(), _BOOL: pd.BooleanDtype()}
    frame: pd.DataFrame = table.to_pandas(types_mapper=kinds.get)
    return frame


def save(frame: pd.DataFrame, parquet: Path, csv: Path) -> None:
    """Write the measurement table as Parquet (with its schema) and as CSV."""
    table = pa.Table.from_pandas(frame, schema=SCHEMA, preserve_index=False)
    pq.write_table(table.replace_schema_metadata(SCHEMA.metadata), parquet)
    frame.to_csv(csv, index=False)


def load(parquet: Path) -> pd.DataFrame:
    """Read a measurement table; `UserError` if the file is none, or of another version."""
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
