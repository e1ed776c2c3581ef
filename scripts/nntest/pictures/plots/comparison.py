"""How each point's time compares with the baseline's: ratios with their intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from nntest.analysis.comparison import FAILED, FASTER, SAME, SLOWER, TOO_FEW
from nntest.analysis.points import named_by_threads, tensor_order
from nntest.config.plot_options import PlotOptions
from nntest.pictures import style
from nntest.pictures.plots.paging import NOT_ON_THIS_PAGE, page_of
from nntest.pictures.plots.sheet import PANEL_GAP, Panels, Sheet, nothing_measured, styled, tick

_PITCH, _FOOT, _TALLEST = 0.2, 0.55, 80.0
_MOST_POINTS, _MOST_PANELS = 100, 6
"""On one page."""
_LOOKS: dict[str, tuple[str, str, bool]] = {
    SLOWER: ("#D55E00", ">", True),
    FASTER: ("#0072B2", "<", True),
    SAME: ("#8a8a8a", "o", True),
    TOO_FEW: ("#8a8a8a", "o", False),
}
"""Verdict: colour, marker, filled."""


def comparison_plot(
    table: pd.DataFrame, frame: pd.DataFrame, options: PlotOptions, svg: Path, png: Path
) -> None:
    """Draw `compare.comparison`: a panel for each side that was compared with the baseline.

    A row for each point, grouped by tensor, with the ratio of medians (right of 1: slower than
    the baseline) and its interval; the shade around 1 is the smallest effect that counts.  What
    is more than a page holds is on further ones, the points that differ most on the first.
    """
    what = "Time over the baseline's"
    if len(table):
        what += f", {table['baseline'].iloc[0]}"
    head = style.heading(what, frame)
    with styled():
        if not table["ratio"].notna().any():
            reason = (
                "the study compares with no baseline (config: compare)"
                if table.empty
                else "no point was measured on both sides"
            )
            nothing_measured(head, reason, options, svg, png)
            return
        picture = _Picture(named_by_threads(table), options)
        head = head.beside(picture.page)
        if not picture.keys:
            nothing_measured(head, NOT_ON_THIS_PAGE, options, svg, png)
            return
        picture.draw(head).save(svg, png, options)


def _place(key: tuple[Any, ...]) -> tuple[Any, ...]:
    """Where among the points of a page one stands, by its key."""
    return tensor_order(key[0]), [str(part) for part in key[1:]]


def _rank(row: dict[Any, Any]) -> tuple[int, float]:
    """Less for what matters more: what failed, what differs, then how far it is from 1."""
    place = {FAILED: 0, SLOWER: 1, FASTER: 1}.get(row["verdict"], 2)
    return place, 0.0 if pd.isna(row["ratio"]) else -abs(math.log(row["ratio"]))


@dataclass
class _Picture:
    table: pd.DataFrame
    options: PlotOptions

    def __post_init__(self) -> None:
        shown = self.table[self.table["ratio"].notna() | (self.table["verdict"] == FAILED)]
        varying = [
            name for name in ("platform", "library", "batch_size")
            if any(group[name].nunique() > 1 for _, group in shown.groupby("other"))
        ]  # fmt: skip
        keys = ["tensor", *varying, "operator", "tuner"]
        rows: dict[tuple[Any, ...], dict[str, dict[Any, Any]]] = {}
        for row in shown.to_dict("records"):
            key = tuple(row[name] for name in keys)
            rows.setdefault(key, {})[row["other"]] = row
        matters = sorted(rows, key=lambda key: (min(map(_rank, rows[key].values())), _place(key)))
        kinds = [
            ("panels", list(dict.fromkeys(shown["other"])), _MOST_PANELS),
            ("points, those that differ most first", matters, _MOST_POINTS),
        ]
        (others, points), self.page = page_of(self.options.page, kinds, "plots.comparison.page")
        self.others = list(others.shown)
        self.rows = {
            key: own
            for key in points.shown
            if (own := {name: row for name, row in rows[key].items() if name in others.shown})
        }
        self.keys = sorted(self.rows, key=_place)
        ratios = [
            float(row[name])
            for own in self.rows.values()
            for row in own.values()
            for name in ("ratio", "ci_low", "ci_high")
            if not pd.isna(row[name])
        ]
        self.effect = 1 + float(shown["min_effect"].max())
        self.low, self.high = min([*ratios, 1 / self.effect]), max([*ratios, self.effect])

    def draw(self, head: style.Heading) -> Sheet:
        """The whole picture."""
        counts = self.table["verdict"].value_counts()
        legend: list[tuple[Any, str]] = []
        for verdict, (colour, marker, filled) in _LOOKS.items():
            if counts.get(verdict, 0):
                dot = Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=7,
                             markerfacecolor=colour if filled else "white")  # fmt: skip
                legend.append((dot, f"{verdict}: {counts[verdict]}"))
        if self.effect > 1:
            shade = Patch(facecolor="#e9e9e9", edgecolor=style.FAINT, linewidth=0.6)
            legend.append((shade, f"less than {self.effect - 1:.0%} counts as no difference"))
        labels = [self._label(key, place) for place, key in enumerate(self.keys)]
        panels = Panels.of(self.others, labels, self.options)
        above = panels.head
        wanted = min(_TALLEST, len(self.keys) * _PITCH + 0.1) + above + _FOOT
        sheet = Sheet(head, self.options, (panels.wanted, wanted), legend)
        margin = sheet.text_width(labels, 8) + 0.12
        width = (sheet.width - margin + PANEL_GAP) / len(self.others)
        for across, other in enumerate(self.others):
            x = margin + across * width
            sheet.panel_title(x, width - PANEL_GAP, panels, across)
            height = max(sheet.height - above - _FOOT, 0.3)
            axes = sheet.axes(x, above, width - PANEL_GAP, height)
            self._panel(axes, other, labels if across == 0 else [""] * len(labels))
        sheet.text(
            margin + (sheet.width - margin) / 2, sheet.height - 0.1,
            "Ratio of medians with its 95 % interval, log scale (right of 1: slower)",
            ha="center", va="center", fontsize=10,
        )  # fmt: skip
        return sheet

    def _label(self, key: tuple[Any, ...], place: int) -> str:
        """The tensor where it changes, then what tells its rows apart."""
        new = place == 0 or self.keys[place - 1][0] != key[0]
        rest = " ".join(str(part) for part in key[1:])
        return f"{style.row_label(key[0])}   {rest}" if new else rest

    def _panel(self, axes: Axes, other: str, labels: list[str]) -> None:
        axes.set_xscale("log")
        room = (self.high / self.low) ** 0.08
        axis = self.options.axis_of("speedup")
        low = axis.min if axis.min is not None and axis.min > 0 else self.low / room
        high = axis.max if axis.max is not None and axis.max > low else self.high * room
        axes.set_xlim(low, high)
        axes.set_ylim(len(self.keys) - 0.4, -0.6)
        axes.set_yticks(range(len(labels)), labels, fontsize=8)
        axes.tick_params(axis="y", length=0, pad=5)
        tick(axes.xaxis, axis, True, 8 if len(self.others) < 3 else 5)
        axes.tick_params(axis="x", labelsize=8, length=2)
        axes.grid(axis="x", color=style.GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "left", "right"]].set_visible(False)
        axes.axvspan(1 / self.effect, self.effect, color="#e9e9e9", zorder=1)
        axes.axvline(1.0, color=style.INK, linewidth=1.0, zorder=2)
        for place, key in enumerate(self.keys):
            if place and self.keys[place - 1][0] != key[0]:
                axes.axhline(place - 0.5, color=style.GRID, linewidth=0.8, zorder=1)
            row = self.rows[key].get(other)
            if row is not None:
                self._dot(axes, place, row)

    def _dot(self, axes: Axes, place: int, row: dict[Any, Any]) -> None:
        if row["verdict"] == FAILED:
            axes.text(0.005, place, style.said(str(row["note"])), fontsize=7.5, style="italic",
                      transform=axes.get_yaxis_transform(), va="center",
                      color=_LOOKS[SLOWER][0])  # fmt: skip
            return
        colour, marker, filled = _LOOKS[row["verdict"]]
        if not pd.isna(row["ci_low"]):
            ends = [[max(row["ratio"] - row["ci_low"], 0)], [max(row["ci_high"] - row["ratio"], 0)]]
            axes.errorbar(row["ratio"], place, xerr=ends, ecolor=colour, elinewidth=1.1,
                          capsize=2, fmt="none", zorder=3)  # fmt: skip
        axes.plot(row["ratio"], place, marker, color=colour, markersize=5, zorder=4,
                  markerfacecolor=colour if filled else "white")  # fmt: skip
        if row["verdict"] in (SLOWER, FASTER):
            outer = row["ratio"] if pd.isna(row["ci_high"]) else max(row["ratio"], row["ci_high"])
            axes.annotate(f"{row['ratio']:.2f}", (min(outer, axes.get_xlim()[1]), place),
                          xytext=(5, 0), textcoords="offset points", va="center", fontsize=7.5,
                          fontweight="bold", color=colour, zorder=5)  # fmt: skip
