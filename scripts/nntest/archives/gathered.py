"""Rows of a table as Arrow batches: a text that many rows share is kept once.

A million rows of the measurement table take some 0.5 GiB so; as a list of rows they took 3 GiB.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from nntest.domain.tables.column import FLAG, FLOAT, INT, TEXT, Dtype, Table

ROWS_A_BATCH = 2**15
"""Rows that are written at once."""
_ROWS_WAITING = 2**13
"""Rows that are kept as they came, each a mapping of some 5 kB."""

_ARROW: dict[Dtype, pa.DataType] = {
    TEXT: pa.string(), INT: pa.int64(), FLOAT: pa.float64(), FLAG: pa.bool_(),
}  # fmt: skip


def plain_schema(table: Table) -> pa.Schema:
    """Names and types of a table's columns."""
    return pa.schema([pa.field(column.name, _ARROW[column.dtype]) for column in table])


class Gathered:
    """Rows of one table, taken in one after the other."""

    def __init__(self, table: Table) -> None:
        self._schema = plain_schema(table)
        self._table = table
        self._names = set(table.names)
        self._waiting: list[dict[str, Any]] = []
        self._batches: list[pa.Table] = []

    def __len__(self) -> int:
        return len(self._waiting) + sum(len(batch) for batch in self._batches)

    def add(self, row: Mapping[str, Any]) -> None:
        """Take in a row; a missing key is null.  KeyError for a column that there is not."""
        if not self._names.issuperset(row):
            unknown = sorted(set(row) - self._names)
            raise KeyError(f"no such column in the table {self._table.name}: {unknown}")
        self._waiting.append(dict(row))
        if len(self._waiting) >= _ROWS_WAITING:
            self._pack()

    def _pack(self) -> None:
        batch = pa.Table.from_pylist(self._waiting, schema=self._schema)
        for index, column in enumerate(self._table):
            if column.dtype == TEXT:
                batch = batch.set_column(index, column.name, batch[index].dictionary_encode())
        self._batches.append(batch)
        self._waiting = []

    def finished(
        self,
        order: Sequence[str] = (),
        renamed: Mapping[str, Mapping[str, str]] | None = None,
    ) -> Batches:
        """All rows that were taken in; further ones are no part of them.

        order: columns by which they are sorted, nulls last; rows that agree in all of them, and
        all rows without `order`, stay in the order in which they came.
        renamed: for texts of a column what takes their place.
        """
        if self._waiting or not self._batches:
            self._pack()
        whole = pa.concat_tables(self._batches).unify_dictionaries().combine_chunks()
        self._batches = [whole]
        for name, texts in (renamed or {}).items():
            index = whole.column_names.index(name)
            whole = whole.set_column(index, name, _renamed(whole[name], texts))
        places = np.lexsort([_ranks(whole[name]) for name in reversed(order)]) if order else None
        return Batches(whole, places, self._schema)


@dataclass(frozen=True)
class Batches:
    """Rows in their order, as Arrow tables of plain types: at least one, which may be empty."""

    rows: pa.Table
    places: NDArray[np.int64] | None
    """Of the rows in their order; None: as they are."""
    schema: pa.Schema

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[pa.Table]:
        for start in range(0, max(len(self), 1), ROWS_A_BATCH):
            if self.places is None:
                batch = self.rows.slice(start, ROWS_A_BATCH)
            else:
                batch = self.rows.take(pa.array(self.places[start : start + ROWS_A_BATCH]))
            yield batch.cast(self.schema)


def _renamed(column: pa.ChunkedArray, names: Mapping[str, str]) -> pa.ChunkedArray:
    """A column of texts with other texts in place of some; two may get the same one."""
    new = [
        pa.DictionaryArray.from_arrays(
            chunk.indices, [names.get(text, text) for text in chunk.dictionary.to_pylist()]
        )
        for chunk in column.chunks
    ]
    # Encoded anew, so that equal texts are one.
    return pa.chunked_array(new, column.type).cast(pa.string()).dictionary_encode()


def _ranks(column: pa.ChunkedArray) -> NDArray[Any]:
    """Numbers that sort as the column's values do: equal ones alike, null behind all."""
    if pa.types.is_dictionary(column.type):
        texts = column.chunk(0).dictionary if column.num_chunks else pa.array([], pa.string())
        ranks = pc.rank(texts, tiebreaker="dense")
        codes = pa.chunked_array([chunk.indices for chunk in column.chunks], type=pa.int32())
        column = pc.take(ranks, codes)
    values: NDArray[Any] = pc.fill_null(column, np.iinfo(np.int64).max).to_numpy()
    return values
