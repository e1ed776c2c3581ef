"""How a column and a table are shown on the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["text", "count", "number", "ratio", "share", "flag", "long"]


@dataclass(frozen=True)
class Column:
    """A column's heading, how its values are written, and what they mean."""

    label: str
    kind: Kind = "text"
    meaning: str = ""


@dataclass(frozen=True)
class TableInfo:
    """How the report shows a table."""

    title: str
    intro: str = ""
    section: str = "tables"
    intervals: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Value column: the columns with the ends of its interval, shown in the same cell."""
    columns: dict[str, Column] = field(default_factory=dict)
    """Columns that read otherwise here than in `columns.COLUMNS`."""
    kept: tuple[str, ...] = ()
    """Columns that stay columns even where all rows say the same."""
    hidden: tuple[str, ...] = ()
    """Columns that only the CSV has, since another column says the same."""
    last: tuple[str, ...] = ()
    """Columns that the page shows last."""
