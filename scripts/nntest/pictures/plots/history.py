"""A network's time over the runs of one machine, a line for each library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from nntest.analysis.history import Series
from nntest.config.plot_options import PlotOptions
from nntest.pictures import style
from nntest.pictures.plots.sheet import Sheet, styled

_WIDTH, _HEIGHT, _LEFT, _FOOT = 9.5, 4.6, 0.75, 0.75


def history_plot(series: Sequence[Series], options: PlotOptions, svg: Path, png: Path) -> None:
    """Draw at least one series, all of one network on one machine.

    A dot for each run with its interval, hollow where fewer than half of its runs were clean; an
    upright line where the time changed.
    """
    first = series[0].times[0]
    days = sorted({one.first_started_at.date().isoformat() for own in series for one in own.times})
    head = style.Heading(
        f"Time of {first.network} over runs", first.platform,
        days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}",
    )  # fmt: skip
    names = [_short_name(own) for own in series]
    looks = style.colours(list(dict.fromkeys(names)), options, "library")
    legend: list[tuple[Any, str]] = [
        (Line2D([], [], color=looks[name][0], marker=looks[name][1], markersize=6), name)
        for name in dict.fromkeys(names)
    ]
    with styled():
        sheet = Sheet(head, options, (_LEFT + _WIDTH, _HEIGHT + _FOOT), legend)
        axes = sheet.axes(_LEFT, 0, sheet.width - _LEFT, max(sheet.height - _FOOT, 1.0))
        for own, name in zip(series, names, strict=True):
            _line(axes, own, *looks[name])
        axes.set_ylim(bottom=0)
        axes.set_ylabel("Time, ms")
        locator = dates.AutoDateLocator()  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(
            dates.ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
        )
        axes.grid(color=style.GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        sheet.save(svg, png, options)


def _short_name(series: Series) -> str:
    """What tells a series from others of its network and machine."""
    return series.name.partition(" with ")[2]


def _line(axes: Axes, series: Series, colour: str, marker: str) -> None:
    times = series.times
    when: list[Any] = [one.first_started_at for one in times]
    axes.plot(when, [one.time.us / 1e3 for one in times], color=colour, linewidth=1.0, zorder=2)
    for at, one in zip(when, times, strict=True):
        us, low, high = one.time.us, one.time.low_us, one.time.high_us
        if low is not None and high is not None:
            axes.errorbar(at, us / 1e3, yerr=[[(us - low) / 1e3], [(high - us) / 1e3]], fmt="none",
                          ecolor=colour, elinewidth=1.0, capsize=2, zorder=3)  # fmt: skip
        clean = 2 * one.clean >= one.runs
        axes.plot(at, us / 1e3, marker, color=colour, markersize=6, zorder=4,
                  markerfacecolor=colour if clean else "white")  # fmt: skip
    for change in series.changes:
        at_change: Any = change.first.first_started_at
        axes.axvline(at_change, color=colour, linewidth=1.2, linestyle=":", zorder=1)
        axes.annotate(
            f"x {change.ratio.value:.2f}", (at_change, 1.0), xycoords=("data", "axes fraction"),
            xytext=(3, -3), textcoords="offset points", va="top", fontsize=8, color=colour,
        )  # fmt: skip
