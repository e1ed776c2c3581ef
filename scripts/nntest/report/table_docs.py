"""docs/tables.md, made from what the tables say of themselves (run as a module to write it)."""

from __future__ import annotations

from pathlib import Path

from nntest.domain.tables.all import ALL
from nntest.domain.tables.column import Column, Table

DOCUMENT = Path(__file__).parents[3] / "docs" / "tables.md"

_INTRODUCTION = """\
# Tables

Made by `make docs` from `scripts/nntest/domain/tables/`; edit there.

`results/<study>/tables/` has each table as Parquet and CSV. Any value may be null
(an empty cell of the CSV). A number whose unit is `share` or `ratio` has none: a share of
0.05 shows as 5 % on the report. The ends of an interval are columns of their own, named beside
the value; they have its unit.
"""


def tables_page() -> str:
    """The page: a section for each table, a line for each column."""
    return "\n".join([_INTRODUCTION, *map(_section, ALL.values())])


def _section(table: Table) -> str:
    made = f"`{table.module}.{table.function}`" if table.made_by else f"the rule `{table.rule}`"
    about = [table.title + ("" if table.title.endswith("?") else "."), table.caption]
    return "\n".join([
        f"## {table.name}",
        "",
        " ".join(part for part in about if part),
        f"Made by {made}.",
        "",
        "| column | heading | type | unit | meaning |",
        "|---|---|---|---|---|",
        *_lines(table),
        "",
    ])  # fmt: skip


def _line(column: Column) -> str:
    interval = ""
    if column.interval is not None:
        interval = f"with {column.ends_are}: `{column.interval[0]}`, `{column.interval[1]}`"
    meaning = ", ".join(part for part in (column.meaning, interval) if part).replace("|", "\\|")
    cells = (f"`{column.name}`", column.heading, column.dtype, column.unit, meaning)
    return f"| {' | '.join(cells)} |"


def _lines(table: Table) -> list[str]:
    """A line for each column; the ends of intervals stand with their value."""
    ends = {end for column in table for end in column.interval or ()}
    return [_line(column) for column in table if column.name not in ends]


if __name__ == "__main__":
    DOCUMENT.write_text(tables_page(), encoding="utf-8")
