"""How a machine's speed drifted over a session: a dot for each process, and their line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from nntest.analysis.drift import anchors
from nntest.config.plot_options import PlotOptions
from nntest.pictures import style
from nntest.pictures.plots.paging import page_of
from nntest.pictures.plots.sheet import Sheet, nothing_measured, styled

_WIDTH, _HEIGHT, _LEFT, _FOOT, _TITLE, _GAP = 9.5, 2.8, 0.75, 0.55, 0.3, 0.35
_MOST_PLATFORMS = 8
_MOST_DOTS = 4000
_QUANTILES = (0.05, 0.95)
"""What the axis shows of the dots, and a little more; the others lie on its edge."""
_NARROWEST = 3.0
"""What it shows in any case, in % to both sides."""


def drift_plot(
    table: pd.DataFrame, frame: pd.DataFrame, options: PlotOptions, svg: Path, png: Path
) -> None:
    """Draw `drift.drift`: of each platform the session with the most processes.

    `frame` is the measurement table, for the dots.
    """
    head = style.heading("Speed of the machine while it measured", frame)
    with styled():
        if table.empty:
            reason = "too few processes were measured to tell a drift from chance"
            nothing_measured(head, reason, options, svg, png)
            return
        sizes = table.groupby(["platform", "session"])["processes"].sum().reset_index()
        longest = sizes.sort_values("processes").drop_duplicates("platform", keep="last")
        longest = longest.sort_values("processes", ascending=False, kind="stable")
        sessions = list(zip(longest["platform"], longest["session"], strict=True))
        (shown,), page = page_of(
            options.page, [("platforms", sessions, _MOST_PLATFORMS)], "plots.drift.page"
        )
        head = head.beside(page)
        dots = anchors(frame)
        looks = style.colours(sorted(set(dots["library"])), options, "library")
        legend: list[tuple[Any, str]] = [
            (Line2D([], [], color=colour, marker="o", markersize=5, linestyle=""), name)
            for name, (colour, _) in looks.items()
        ]
        legend.append((Line2D([], [], color=style.INK), "median of a window, 95 % interval"))
        each = _TITLE + _HEIGHT + _FOOT + _GAP
        sheet = Sheet(head, options, (_LEFT + _WIDTH, each * len(shown.shown)), legend)
        for index, (platform, session) in enumerate(shown.shown):
            y = index * sheet.height / len(shown.shown)
            sheet.text(_LEFT, y + 0.1, platform, fontsize=9, fontweight="bold", va="top")
            height = max(sheet.height / len(shown.shown) - _TITLE - _FOOT - _GAP, 1.0)
            axes = sheet.axes(_LEFT, y + _TITLE, sheet.width - _LEFT, height)
            _panel(axes, _one(table, platform, session), _one(dots, platform, session), looks)
        sheet.save(svg, png, options)


def _one(frame: pd.DataFrame, platform: str, session: int) -> pd.DataFrame:
    return frame[(frame["platform"] == platform) & (frame["session"] == session)]


def _panel(
    axes: Axes, table: pd.DataFrame, dots: pd.DataFrame, looks: dict[str, tuple[str, str]]
) -> None:
    change = (dots["time_ratio"] - 1) * 100
    low = 1.3 * min(-_NARROWEST, float(change.quantile(_QUANTILES[0])))
    high = 1.3 * max(_NARROWEST, float(change.quantile(_QUANTILES[1])))
    shown = dots.assign(change=change.clip(low, high))
    shown = shown.sample(min(len(shown), _MOST_DOTS), random_state=1)
    for library, group in shown.groupby("library"):
        axes.plot(group["minute"], group["change"], "o", color=looks[str(library)][0],
                  markersize=2.5, alpha=0.45, markeredgewidth=0, zorder=2)  # fmt: skip
    middle = (table["from_min"] + table["to_min"]) / 2
    percent = {name: (table[name] - 1) * 100 for name in ("time_ratio", "ci_low", "ci_high")}
    axes.fill_between(middle, percent["ci_low"], percent["ci_high"], color=style.INK, alpha=0.18,
                      linewidth=0, zorder=3)  # fmt: skip
    axes.plot(middle, percent["time_ratio"], color=style.INK, linewidth=1.6, zorder=4)
    axes.axhline(0, color=style.FAINT, linewidth=0.8, zorder=1)
    axes.set_ylim(low, high)
    axes.set_xlim(left=0)
    axes.set_ylabel("Time over the point's median, %")
    axes.set_xlabel("Minutes")
    axes.grid(color=style.GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
