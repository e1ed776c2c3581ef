"""Sustained runs over time: the rate of each library, and clock, temperature and power below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from nntest.analysis.points import labelled, named_by_threads
from nntest.config.plot_options import PlotOptions
from nntest.pictures import style
from nntest.pictures.plots.paging import page_of
from nntest.pictures.plots.sheet import Sheet, nothing_measured, styled

_WIDTH, _HEIGHT, _LEFT, _FOOT, _TITLE, _GAP = 9.5, 1.7, 0.75, 0.5, 0.3, 0.2
_PANELS = {
    "frames_per_s": "Frames/s",
    "clock_mhz": "Clock, MHz",
    "temperature_c": "Hottest zone, °C",
    "power_w": "Power, W",
}
_PLACE = ["platform", "operator", "tensor", "batch_size"]
_MOST_PLACES = 6


def sustained_plot(
    windows: pd.DataFrame,
    table: pd.DataFrame,
    frame: pd.DataFrame,
    options: PlotOptions,
    svg: Path,
    png: Path,
) -> None:
    """Draw `sustained_windows`; dashed lines begin the steady states of the table `sustained`.

    Quantities that nobody read have no panel.  `frame` is the measurement table, for the heading.
    """
    head = style.heading("Sustained runs", frame)
    with styled():
        good = _named(labelled(windows[windows["runs"].notna()]))
        if good.empty:
            nothing_measured(head, "no sustained run ended well", options, svg, png)
            return
        looks = style.colours(sorted(set(good["run"])), options, "library")
        legend: list[tuple[Any, str]] = [
            (Line2D([], [], color=colour), name) for name, (colour, _) in looks.items()
        ]
        legend.append((Line2D([], [], color=style.FAINT, linestyle="--"), "begin of steady state"))
        measured = [rows for _, rows in good.groupby(_PLACE, sort=False)]
        (part,), page = page_of(
            options.page, [("networks", measured, _MOST_PLACES)], "plots.sustained.page"
        )
        places, head = part.shown, head.beside(page)
        panels = [[name for name in _PANELS if rows[name].notna().any()] for rows in places]
        each = [_TITLE + len(shown) * (_HEIGHT + _GAP) + _FOOT for shown in panels]
        sheet = Sheet(head, options, (_LEFT + _WIDTH, sum(each)), legend)
        scale = sheet.height / sum(each)
        steady = _named(table)
        y = 0.0
        for rows, shown, height in zip(places, panels, each, strict=True):
            first = rows.iloc[0]
            title = f"{first['tensor']} on {first['platform']}, batch {first['batch_size']}"
            sheet.text(_LEFT, y + 0.1, title, fontsize=9, fontweight="bold", va="top")
            one = (height * scale - _TITLE - _FOOT) / len(shown) - _GAP
            for number, name in enumerate(shown):
                top = y + _TITLE + number * (one + _GAP)
                axes = sheet.axes(_LEFT, top, sheet.width - _LEFT, max(one, 0.5))
                _panel(axes, rows, steady, name, looks, last=number == len(shown) - 1)
            y += height * scale
        sheet.save(svg, png, options)


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    """With what a line is called: library, threads and tuner."""
    named = named_by_threads(rows)
    return named.assign(run=named["library"] + " " + named["tuner"])


def _panel(
    axes: Axes,
    rows: pd.DataFrame,
    steady: pd.DataFrame,
    quantity: str,
    looks: dict[str, tuple[str, str]],
    *,
    last: bool,
) -> None:
    for run, group in rows.groupby("run", sort=False):
        ordered = group.sort_values(["repetition_id", "from_s"])
        middle = (ordered["from_s"] + ordered["seconds"] / 2) / 60
        colour = looks[str(run)][0]
        axes.plot(middle, ordered[quantity], color=colour, linewidth=1.4)
        if quantity != "frames_per_s":
            continue
        same = steady["run"] == run
        for name in _PLACE:
            same &= steady[name] == group[name].iloc[0]
        for start in steady[same & steady["steady_from_s"].notna()]["steady_from_s"]:
            axes.axvline(start / 60, color=colour, linestyle="--", linewidth=1)
    if quantity == "frames_per_s":
        axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.set_ylabel(_PANELS[quantity])
    axes.set_xlabel("Minutes" if last else "")
    if not last:
        axes.set_xticklabels([])
    axes.grid(color=style.GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
