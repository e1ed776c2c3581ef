"""How whole networks keep their rate while they run on and on, in lines of plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nntest.analysis.points import threads_text
from nntest.report.cells import number, signed_percent

_PLACE = ["platform", "operator", "tensor", "batch_size"]


def sustained_lines(table: pd.DataFrame | None) -> list[str]:
    """A line for each library, the fastest at the end first; and whether the first one changed.

    `table` is `sustained`; None or without a figure: no line.
    """
    if table is None:
        return []
    lines: list[str] = []
    for place, rows in table[table["last_rank"].notna()].groupby(_PLACE, sort=False):
        assert isinstance(place, tuple)
        platform, _, network, batch = place
        ranked = rows.sort_values("last_rank", kind="stable").to_dict("records")
        lines.append(f"{network} on {platform}, batch {batch}, sustained")
        lines += [f"  {_line(row)}" for row in ranked]
        first = min(ranked, key=lambda row: row["first_rank"])
        if first["first_rank"] != first["last_rank"]:
            lines.append(
                f"  the ranking changed: {_name(first)} was first in the first minute, "
                f"{_name(ranked[0])} is in the last"
            )
    return lines


def _name(row: Mapping[Any, Any]) -> str:
    return f"{row['library']} {row['tuner']}{threads_text(row)}"


def _line(row: Mapping[Any, Any]) -> str:
    said = f"{_name(row)}: {number(row['first_frames_per_s'])} frames/s in the first minute, "
    said += f"{number(row['last_frames_per_s'])} in the last ({signed_percent(row['change'])})"
    if row["changes"]:
        said += f"; {row['changes']}"
    steady = row["steady_from_s"]
    return f"{said}; " + ("not steady" if pd.isna(steady) else f"steady from {steady:.0f} s on")
