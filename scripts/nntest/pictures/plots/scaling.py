"""Time and efficiency over the number of threads, a line for each library and set of cores."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from nntest.analysis.thread_scaling import Curve, scaling_curves
from nntest.config.plot_options import PlotOptions
from nntest.pictures import style
from nntest.pictures.plots.paging import page_of
from nntest.pictures.plots.sheet import Sheet, nothing_measured, styled, tick

_WIDTH, _HEIGHT, _LEFT, _FOOT, _TITLE, _GAP = 9.5, 2.6, 0.75, 0.55, 0.3, 0.35
_MOST_ROWS = 16
"""On one page."""


def scaling_plot(
    table: pd.DataFrame, frame: pd.DataFrame, options: PlotOptions, svg: Path, png: Path
) -> None:
    """Draw `thread_scaling.thread_scaling`: a row for each network, and one for the layers.

    `frame` is the measurement table, for the heading.
    """
    head = style.heading("Time and efficiency over threads", frame)
    with styled():
        found = scaling_curves(table)
        if not found:
            reason = "nothing was measured both with one thread and with more"
            nothing_measured(head, reason, options, svg, png)
            return
        (rows,), page = page_of(
            options.page, [("rows", list(found), _MOST_ROWS)], "plots.scaling.page"
        )
        found, head = {title: found[title] for title in rows.shown}, head.beside(page)
        lines = sorted({curve.line for curves in found.values() for curve in curves})
        looks = style.colours(lines, options, "library")
        legend = [
            (Line2D([], [], color=colour, marker=marker, markersize=5), name)
            for name, (colour, marker) in looks.items()
        ]
        each = _TITLE + _HEIGHT + _FOOT + _GAP
        sheet = Sheet(head, options, (_LEFT + _WIDTH, each * len(found)), legend)
        width = (sheet.width - 2 * _LEFT) / 2
        for index, (title, curves) in enumerate(found.items()):
            y = index * sheet.height / len(found)
            sheet.text(_LEFT, y + 0.1, title, fontsize=9, fontweight="bold", va="top")
            height = max(sheet.height / len(found) - _TITLE - _FOOT - _GAP, 1.0)
            time = sheet.axes(_LEFT, y + _TITLE, width, height)
            _times(time, curves, looks, options)
            efficiency = sheet.axes(2 * _LEFT + width, y + _TITLE, width, height)
            _efficiencies(efficiency, curves, looks)
        sheet.save(svg, png, options)


def _times(
    axes: Axes, curves: list[Curve], looks: dict[str, tuple[str, str]], options: PlotOptions
) -> None:
    times = [time / 1e3 for curve in curves for time in curve.times_us]
    axis = options.axis_of("time_us")
    log = style.wants_log(axis, min(times), max(times))
    if log:
        axes.set_yscale("log")
    for curve in curves:
        _line(axes, curve, [time / 1e3 for time in curve.times_us], looks)
    lowest = min(times) / 1.1 if log else 0
    axes.set_ylim(
        lowest if axis.min is None else axis.min,
        max(times) * 1.1 if axis.max is None else axis.max,
    )
    axes.set_ylabel("Time, ms")
    tick(axes.yaxis, axis, log, 6)
    _threads(axes, curves)


def _efficiencies(axes: Axes, curves: list[Curve], looks: dict[str, tuple[str, str]]) -> None:
    for curve in curves:
        _line(axes, curve, [100 * value for value in curve.efficiencies], looks)
    highest = max(value for curve in curves for value in curve.efficiencies)
    axes.set_ylim(0, max(108, 108 * highest))
    axes.axhline(100, color=style.FAINT, linewidth=0.8, zorder=1)
    axes.set_ylabel("Efficiency, %")
    _threads(axes, curves)


def _line(axes: Axes, curve: Curve, values: list[float], looks: dict[str, tuple[str, str]]) -> None:
    colour, marker = looks[curve.line]
    axes.plot(curve.threads, values, color=colour, marker=marker, markersize=4.5, zorder=3)


def _threads(axes: Axes, curves: list[Curve]) -> None:
    """The axis of threads: a doubling is always as long, and every number that ran has a tick."""
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(FixedLocator(sorted({n for one in curves for n in one.threads})))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(style.number))
    axes.set_xlabel("Threads")
    axes.grid(color=style.GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
