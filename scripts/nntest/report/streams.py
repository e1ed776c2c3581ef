"""What whole networks do in parallel streams, in lines of plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nntest.analysis.points import threads_text
from nntest.domain.tables.streams import LATENCIES
from nntest.report.cells import interval_after, number, ratio

_PLACE = ["platform", "tensor", "batch_size"]


def throughput_lines(table: pd.DataFrame | None) -> list[str]:
    """A line for each library and number of streams, most frames a second first.

    `table` is `throughput`; None or without a figure: no line.
    """
    if table is None:
        return []
    lines: list[str] = []
    for place, rows in table[table["frames_per_s"].notna()].groupby(_PLACE, sort=False):
        assert isinstance(place, tuple)
        platform, network, batch = place
        lines.append(f"throughput of {network} on {platform}, batch {batch}, in parallel streams")
        ranked = rows.sort_values("frames_per_s", ascending=False, kind="stable")
        lines += [f"  {_line(row)}" for row in ranked.to_dict("records")]
    return lines


def _line(row: Mapping[Any, Any]) -> str:
    streams = f"{row['streams']} stream{'' if row['streams'] == 1 else 's'}"
    said = f"{row['library']} {row['tuner']}{threads_text(row)}, {streams}: "
    said += f"{number(row['frames_per_s'])} frames/s"
    said += interval_after(row["frames_ci_low"], row["frames_ci_high"], number)
    if pd.notna(row["over_one_stream"]):
        said += f", {ratio(row['over_one_stream'])} times one stream's"
    latencies = [
        f"{column.label} {number(row[column.name])} ms"
        for column in LATENCIES
        if pd.notna(row[column.name])
    ]
    return f"{said}; {', '.join(latencies)}" if latencies else said
