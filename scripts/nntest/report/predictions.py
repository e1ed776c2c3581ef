"""Networks that were predicted from layers, in lines of plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nntest.analysis.points import threads_text
from nntest.report.cells import duration

_PLACE = ["network", "platform", "batch_size"]


def prediction_lines(table: pd.DataFrame | None) -> list[str]:
    """A line for each library that a network was predicted for, the fastest first.

    `table` is `predicted_networks`; None or empty: no line.
    """
    if table is None:
        return []
    lines: list[str] = []
    for place, rows in table.groupby(_PLACE, sort=False):
        assert isinstance(place, tuple)
        network, platform, batch = place
        lines.append(f"{network} on {platform}, batch {batch}: predicted from layers, not measured")
        lines += [f"  {_line(row)}" for row in rows.sort_values("total_us").to_dict("records")]
    return lines


def _line(row: Mapping[Any, Any]) -> str:
    said = f"{row['library']}{threads_text(row)}: "
    if pd.isna(row["total_us"]):
        said += f"too few layers were measured to predict {row['not_predicted']}"
    else:
        said += duration(row["total_us"])
        if pd.notna(row["low_us"]):
            said += f" (90 % interval {duration(row['low_us'])} to {duration(row['high_us'])})"
        said += f", {row['predicted_layers']} of {row['layers']} layers predicted"
    return f"{said}; measure next {row['measure_next']}"
