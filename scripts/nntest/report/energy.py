"""What whole networks cost in energy, in lines of plain text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nntest.analysis.points import threads_text
from nntest.domain.tensors import NETWORK
from nntest.report.cells import duration, interval_after, number

_PLACE = ["platform", "tensor", "batch_size", "meter"]


def energy_lines(table: pd.DataFrame | None) -> list[str]:
    """A line for each library that a meter watched running a whole network, the thriftiest first.

    `table` is `energy`; None or without a figure of a network: no line.
    """
    if table is None:
        return []
    lines: list[str] = []
    whole = table[(table["operator"] == NETWORK) & table["energy_mj"].notna()]
    for place, rows in whole.groupby(_PLACE, sort=False):
        assert isinstance(place, tuple)
        platform, network, batch, meter = place
        lines.append(f"energy of {network} on {platform}, batch {batch}, by the meter {meter}")
        ranked = rows.sort_values("energy_mj", kind="stable").to_dict("records")
        lines += [f"  {_line(row)}" for row in ranked]
    return lines


def _line(row: Mapping[Any, Any]) -> str:
    said = f"{row['library']} {row['tuner']}{threads_text(row)}: {_energy(row['energy_mj'])} a run"
    said += interval_after(row["energy_ci_low_mj"], row["energy_ci_high_mj"], _energy)
    said += f", {number(row['full_w'])} W for {duration(row['time_us'])}"
    if pd.notna(row["idle_w"]):
        said += f"; the idle board takes {number(row['idle_w'])} W"
    return said


def _energy(millijoules: float) -> str:
    """An energy with a unit that suits it."""
    if millijoules < 1:
        return f"{number(millijoules * 1e3)} µJ"
    return f"{number(millijoules)} mJ" if millijoules < 1e3 else f"{number(millijoules / 1e3)} J"
