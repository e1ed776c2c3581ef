"""All tables of an archive by reading it once.

What tells points apart that would be one otherwise is known when all have been seen, and stands
behind the library's name (`nntest.archives.ck.variants`).  So until then a number takes the name's
place, and the names are put in when the rows are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from nntest.archives.ck.accuracy import accuracy_rows
from nntest.archives.ck.choices import Settings
from nntest.archives.ck.energy import energy_rows
from nntest.archives.ck.memory import memory_rows
from nntest.archives.ck.nodes import node_rows
from nntest.archives.ck.platforms import KnownPlatform
from nntest.archives.ck.points import ArchivedPoint
from nntest.archives.ck.profiles import counter_rows, kernel_rows, launch_rows
from nntest.archives.ck.read import (
    NumberedRows,
    Row,
    RowsOf,
    log_warning,
    measurement_rows,
    points_once,
    rows_of_points,
)
from nntest.archives.ck.safety import Warn
from nntest.archives.ck.streams import stream_rows
from nntest.archives.ck.sustained import sustained_rows
from nntest.archives.ck.variants import Variants
from nntest.archives.gathered import Batches, Gathered
from nntest.archives.measurements import order_of
from nntest.domain.tables.accuracy import ACCURACY_RUNS
from nntest.domain.tables.column import Table
from nntest.domain.tables.energy import ENERGY_RUNS
from nntest.domain.tables.measurements import COUNTERS, KERNELS, LAUNCHES, MEASUREMENTS, NODES
from nntest.domain.tables.memory import MEMORY_RUNS
from nntest.domain.tables.streams import STREAM_RUNS
from nntest.domain.tables.sustained import SUSTAINED_WINDOWS

_ROWS_OF: Mapping[Table, RowsOf] = {
    MEASUREMENTS: measurement_rows,
    KERNELS: kernel_rows,
    LAUNCHES: launch_rows,
    COUNTERS: counter_rows,
    NODES: node_rows,
    ENERGY_RUNS: energy_rows,
    MEMORY_RUNS: memory_rows,
    STREAM_RUNS: stream_rows,
    SUSTAINED_WINDOWS: sustained_rows,
    ACCURACY_RUNS: accuracy_rows,
}
"""What of a point is a row of which table."""
_SORTED = (MEASUREMENTS, KERNELS)
"""The others are in the order of the archive."""


def read_tables(
    path: Path, known_platforms: Iterable[KnownPlatform], warn: Warn, *, synthetic: bool = False
) -> Iterator[tuple[Table, Batches]]:
    """Every table that is read off an archive; arguments and errors as for `read.read_rows`."""
    points = _Points(points_once(path, known_platforms, warn, synthetic=synthetic))
    found = [(Gathered(table), NumberedRows(rows_of)) for table, rows_of in _ROWS_OF.items()]
    for point in points:
        for gathered, rows in found:
            for row in rows.of(point):
                gathered.add(row)
    points.variants.report(warn, path)
    libraries = points.libraries()
    for table, (gathered, _) in zip(_ROWS_OF, found, strict=True):
        order = order_of(table) if table in _SORTED else ()
        yield table, gathered.finished(order, {"library": libraries})


def read_table(
    table: Table,
    path: Path,
    known_platforms: Iterable[KnownPlatform] = (),
    warn: Warn = log_warning,
    *,
    synthetic: bool = False,
) -> Iterator[Row]:
    """Rows of one of these tables, one at a time; other arguments and errors as for `read_rows`."""
    return rows_of_points(path, known_platforms, warn, synthetic, _ROWS_OF[table])


class _Points:
    """Points, each with a number in place of its library's name."""

    def __init__(self, points: Iterable[ArchivedPoint]) -> None:
        self.variants = Variants()
        self._points = self.variants.noting(points)
        self._numbers: dict[tuple[str, str, Settings], int] = {}

    def __iter__(self) -> Iterator[ArchivedPoint]:
        for point in self._points:
            key = (point.columns["platform"], point.columns["library"], point.settings)
            number = self._numbers.setdefault(key, len(self._numbers))
            yield replace(point, columns={**point.columns, "library": str(number)})

    def libraries(self) -> dict[str, str]:
        """The name behind each number, once all points were seen."""
        return {str(number): self.variants.library(*key) for key, number in self._numbers.items()}
