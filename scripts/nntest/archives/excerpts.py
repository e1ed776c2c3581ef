"""The first rows of a table that may be too large to be read, and what is known of the others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from nntest.archives.measurements import from_arrow


@dataclass(frozen=True)
class Excerpt:
    """The first rows of a table."""

    head: pd.DataFrame
    total: int
    """Rows of the table."""
    same: frozenset[str]
    """Columns that say the same in all of them."""

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Excerpt:
        """A whole table."""
        same = (str(name) for name in frame if frame[name].nunique(dropna=False) == 1)
        return cls(frame, len(frame), frozenset(same))


def excerpt(parquet: Path, rows: int) -> Excerpt:
    """The first `rows` rows of a table that `archives.measurements.save` wrote.

    Of the others one column at a time is in memory.
    """
    with pq.ParquetFile(parquet) as file:
        schema = file.schema_arrow
        first = next(file.iter_batches(batch_size=rows), None) if rows else None
        head = schema.empty_table() if first is None else pa.Table.from_batches([first])
        same = (name for name in schema.names if _values(file, name) == 1)
        return Excerpt(from_arrow(head), file.metadata.num_rows, frozenset(same))


def _values(file: pq.ParquetFile, column: str) -> int:
    """How many different values a column has; null is one."""
    return int(pc.count_distinct(file.read(columns=[column])[0], mode="all").as_py())
