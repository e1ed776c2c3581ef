"""A column and a table, as one place describes them for reader, writer, report and docs.

Labels, meanings, titles and captions are keywords on purpose: `nntest.codehash` leaves these out,
so that better words make no table again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass, replace
from typing import Literal

Dtype = Literal["text", "integer", "number", "flag"]
TEXT: Dtype = "text"
INT: Dtype = "integer"
FLOAT: Dtype = "number"
FLAG: Dtype = "flag"
"""Yes or no.  A value of any type may be null."""

Kind = Literal["text", "count", "number", "ratio", "share", "flag", "long"]
"""How a value is written on the report; a long text folds."""

SHARE, RATIO = "share", "ratio"
"""Units of numbers without one: a share shows in percent, a ratio with three decimals."""

_KINDS: dict[Dtype, Kind] = {TEXT: "text", INT: "count", FLOAT: "number", FLAG: "flag"}


@dataclass(frozen=True)
class Column:
    """A column of one or several tables."""

    name: str
    dtype: Dtype
    unit: str = ""
    """As it stands behind a number; `SHARE`, `RATIO` or '' for none."""
    _: KW_ONLY
    label: str | None = None
    """The report's heading without the unit; None: the name."""
    meaning: str = ""
    interval: tuple[str, str] | None = None
    """Columns with the ends of its interval, which the report shows in the same cell."""
    ends_are: str = "the ends of its 95 % interval"
    shown: Kind | None = None
    """Where it is not written as its type and unit say."""

    @property
    def heading(self) -> str:
        """Label and unit, as the report heads the column."""
        label = self.name.replace("_", " ") if self.label is None else self.label
        return " ".join(part for part in (label, "" if self.pure else self.unit) if part)

    @property
    def pure(self) -> bool:
        """Whether it is a number without a unit of its own."""
        return self.unit in (SHARE, RATIO)

    @property
    def kind(self) -> Kind:
        """How the report writes its values."""
        if self.shown is not None:
            return self.shown
        if self.unit == SHARE:
            return "share"
        return "ratio" if self.unit == RATIO else _KINDS[self.dtype]

    @property
    def explained(self) -> str:
        """The meaning, and that the interval stands beside the value."""
        words = (self.meaning, f"with {self.ends_are}" if self.interval else "")
        return ", ".join(word for word in words if word)

    @property
    def ends(self) -> tuple[Column, Column]:
        """The columns with the ends of its interval."""
        assert self.interval is not None
        low, high = (
            Column(name, FLOAT, self.unit, meaning=f"of the interval of {self.name}")
            for name in self.interval
        )
        return low, high

    @property
    def with_ends(self) -> tuple[Column, ...]:
        """It and the ends of its interval."""
        return (self, *self.ends)

    def but(
        self,
        *,
        label: str | None = None,
        meaning: str | None = None,
        interval: tuple[str, str] | None = None,
    ) -> Column:
        """The same column as one table reads it."""
        return replace(
            self,
            label=self.label if label is None else label,
            meaning=self.meaning if meaning is None else meaning,
            interval=interval or self.interval,
        )


@dataclass(frozen=True)
class Table:
    """A table: its columns in their order, who makes it, and how it is shown."""

    name: str
    columns: tuple[Column, ...]
    _: KW_ONLY
    title: str
    caption: str = ""
    """What a reader should know of it, in full sentences."""
    rule: str = "tables"
    """The rule of the workflow that makes it."""
    made_by: str = ""
    """Module and function below `nntest.analysis`, as ``module.function``; none where one
    makes several tables."""
    needs: tuple[str, ...] = ()
    """The function's keyword arguments besides the measurements; see `graph.table_arguments`."""
    reads: tuple[str, ...] = ()
    """Tables that it takes after the measurements."""
    optional: bool = False
    """Whether a report leaves it out where it has no row."""
    section: Literal["libraries", "data_types", "first", "tables", "failures", "device"] = "tables"
    """Where it stands on the report."""
    kept: tuple[str, ...] = ()
    """Columns that stay columns on the report even where all rows say the same."""
    hidden: tuple[str, ...] = ()
    """Columns that only the files have, since another column says the same."""
    last: tuple[str, ...] = ()
    """Columns that the report shows last."""

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    @property
    def module(self) -> str:
        """The module of the function that makes it."""
        return f"nntest.analysis.{self.made_by}".rpartition(".")[0]

    @property
    def function(self) -> str:
        """The function that makes it."""
        return self.made_by.rpartition(".")[2]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns."""
        return names(self)

    def column(self, name: str) -> Column | None:
        """One of its columns; None if it has no such column."""
        return next((column for column in self if column.name == name), None)


def names(columns: Iterable[Column]) -> tuple[str, ...]:
    """Names of columns."""
    return tuple(column.name for column in columns)
