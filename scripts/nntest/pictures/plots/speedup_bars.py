"""Horizontal bars of every point's speedup over the baseline, by median or by minimum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from nntest.analysis.points import labelled, named_by_threads
from nntest.config.plot_options import PlotOptions
from nntest.domain.tensors import OPERATOR_SPECIES
from nntest.pictures import style
from nntest.pictures.plots.bars_on_page import BAR_KEY, bars_on_page
from nntest.pictures.plots.paging import NOT_ON_THIS_PAGE
from nntest.pictures.plots.sheet import PANEL_GAP, Panels, Sheet, nothing_measured, styled, tick

Statistic = Literal["median", "minimum"]

_COLUMNS = {
    "median": ("speedup_median", "median_ci_low", "median_ci_high", "verdict"),
    "minimum": ("speedup_min",),
}
"""Value, ends of its interval, verdict; minima have the first alone."""
_PITCH, _GAP, _FOOT, _TALLEST = 0.22, 0.16, 0.5, 80.0
_FULL: dict[str, Any] = {"fill": True, "linewidth": 0}
_MUTED: dict[str, dict[str, Any]] = {
    "no difference": {"fill": False, "linewidth": 1.0},
    "too few repetitions": {"fill": False, "linewidth": 1.0, "hatch": "////"},
}
"""How bars look whose verdict is not a difference."""


def speedup_bars(
    speedup_table: pd.DataFrame,
    frame: pd.DataFrame,
    options: PlotOptions,
    svg: Path,
    png: Path,
    *,
    statistic: Statistic,
) -> None:
    """Draw `tables.speedup` of a measurement table `frame`.

    A panel for each platform and library; in it, for each tensor (and batch size) a bar for each
    (operator; tuner) other than the baseline, labelled with its speedup, with the interval as an
    error bar.  Bars whose interval crosses 1, or that have none, are empty.  A point without a
    time or without a baseline says so in its place.  What is more than a page holds is on further
    ones, the tensors that take longest on the first.
    """
    if statistic not in _COLUMNS:
        raise ValueError(f"no speedup by {statistic}")
    baselines = sorted(set(speedup_table["baseline"]), key=lambda name: (len(name), name))
    baseline = baselines[0] if baselines else ""  # 8-bit operators have theirs besides
    what = f"Speedup over {baseline or 'the baseline'}, by {statistic}"
    head = style.heading(what, frame)
    speedup_table, frame = named_by_threads(speedup_table), named_by_threads(labelled(frame))
    shown = speedup_table[speedup_table["verdict"] != "baseline"]
    with styled():
        if not shown[_COLUMNS[statistic][0]].notna().any():
            reason = _why_nothing(speedup_table, shown)
            nothing_measured(head, reason, options, svg, png)
            return
        # A point of another species can have no speedup over this baseline, and no place here.
        species = OPERATOR_SPECIES.get(baseline.split()[0])
        shown, rows = (part[part["species"] == species] for part in (shown, frame))
        head = style.heading(what, rows)
        picture = _Picture(shown, rows, options, statistic, baselines)
        head = head.beside(picture.page)
        if not picture.tensors:
            nothing_measured(head, NOT_ON_THIS_PAGE, options, svg, png)
            return
        picture.draw(head).save(svg, png, options)


def _why_nothing(speedup_table: pd.DataFrame, shown: pd.DataFrame) -> str:
    if speedup_table.empty:
        return "nothing was measured"
    if shown.empty:
        return "only the baseline was measured, nothing to compare it with"
    notes = sorted(set(shown["note"].dropna()) - {""})
    return "no point has a baseline; " + "; ".join(notes)


@dataclass
class _Picture:
    """One picture of bars in the making."""

    shown: pd.DataFrame
    frame: pd.DataFrame
    options: PlotOptions
    statistic: Statistic
    baselines: list[str]

    def __post_init__(self) -> None:
        failures = self._failures()
        bars: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in self.shown.to_dict("records"):
            bars[tuple(row[name] for name in BAR_KEY)] = {str(k): v for k, v in row.items()}
        times = self.shown.groupby(["tensor", "batch_size"])[["median_us", "baseline_median_us"]]
        longest = times.max().max(axis=1).dropna().to_dict()
        on_page = bars_on_page({*bars, *failures}, longest, self.options.page, "plots.speedup.page")
        self.page, self.panels, self.places = on_page.said, on_page.panels, on_page.places
        keys = on_page.keys
        self.bars = {key: row for key, row in bars.items() if key in keys}
        self.failures = {key: said for key, said in failures.items() if key in keys}
        self.tensors = list(self.places)
        self.batches = len({batch for _, batch in self.tensors}) > 1
        self.choices = sorted({key[4:] for key in keys})
        labels = ["; ".join(choice) for choice in self.choices]
        self.colours = style.colours(labels, self.options, "operator")
        columns = _COLUMNS[self.statistic][:3]
        numbers = np.array([[row[name] for name in columns] for row in self.bars.values()], float)
        known = numbers[~np.isnan(numbers)]
        self.low = float(known.min()) if len(known) else 1.0
        self.high = float(known.max()) if len(known) else 1.0
        self.axis = self.options.axis_of("speedup")
        self.log = style.wants_log(self.axis, self.low, self.high)

    def _failures(self) -> dict[tuple[Any, ...], str]:
        """Points without any time, and how they ended; the baseline needs no bar."""
        rows = self.frame[self.frame["kernel"] == ""]
        timed = ((rows["status"] == "ok") & (rows["time_us"] > 0)).groupby(
            [rows[name] for name in BAR_KEY]
        )
        untimed = rows[~timed.transform("any")]
        found: dict[tuple[Any, ...], str] = {}
        for key, statuses in untimed.groupby(BAR_KEY)["status"]:
            assert isinstance(key, tuple)
            if f"{key[4]} {key[5]}" not in self.baselines:
                found[key] = ", ".join(sorted(set(statuses)))
        return found

    def _limits(self) -> tuple[float, float]:
        if self.log:
            room = max(self.high, 1.0) / min(self.low, 1.0)
            low, high = min(self.low, 1.0) / room**0.12, max(self.high, 1.0) * room**0.12
        else:
            low, high = 0.0, max(self.high, 1.0) * 1.14
        low = self.axis.min if self.axis.min is not None else low
        high = self.axis.max if self.axis.max is not None else high
        return (low, high) if low < high else (low, low * 1.1 + 1)

    def draw(self, head: style.Heading) -> Sheet:
        """The whole picture."""
        legend: list[tuple[Any, str]] = [
            (Patch(facecolor=colour), name) for name, (colour, _) in self.colours.items()
        ]
        verdicts = {self._verdict(row) for row in self.bars.values()}
        meanings = {"no difference": "interval crosses 1", "too few repetitions": "no interval"}
        for verdict, meaning in meanings.items():
            if verdict in verdicts:
                empty = {**_MUTED[verdict], "edgecolor": style.FAINT}
                said = "hatched" if "hatch" in empty else "empty"
                legend.append((Patch(**empty), f"{said}: {verdict} ({meaning})"))
        labels = [style.row_label(tensor, batch if self.batches else None)
                  for tensor, batch in self.tensors]  # fmt: skip
        titles = [f"{platform}\n{library}" for platform, library in self.panels]
        panels = Panels.of(titles, labels, self.options)
        above = panels.head if len(titles) > 1 else 0.05
        rows = sum(len(self.places[pair]) * _PITCH + _GAP for pair in self.tensors)
        wanted = min(_TALLEST, rows) + above + _FOOT
        sheet = Sheet(head, self.options, (panels.wanted, wanted), legend)
        margin = sheet.text_width(labels, 9) + 0.12
        width = (sheet.width - margin + PANEL_GAP) / len(titles)
        for across, (platform, library) in enumerate(self.panels):
            x = margin + across * width
            if len(titles) > 1:
                sheet.panel_title(x, width - PANEL_GAP, panels, across)
            height = max(sheet.height - above - _FOOT, 0.3)
            axes = sheet.axes(x, above, width - PANEL_GAP, height)
            self._panel(axes, platform, library, labels if across == 0 else None)
        scale = ", log scale" if self.log else ""
        sheet.text(
            margin + (sheet.width - margin) / 2, sheet.height - 0.10,
            f"Speedup over {self.baselines[0]} by {self.statistic}{scale} (more is faster)",
            ha="center", va="center", fontsize=10,
        )  # fmt: skip
        return sheet

    def _panel(self, axes: Axes, platform: str, library: str, labels: list[str] | None) -> None:
        low, high = self._limits()
        if self.log:
            axes.set_xscale("log")
        axes.set_xlim(low, high)
        gap = _GAP / _PITCH
        starts, middles, end = [], [], 0.0
        for pair in self.tensors:
            starts.append(end + gap / 2)
            end += len(self.places[pair]) + gap
            middles.append((starts[-1] + end - gap / 2) / 2)
        axes.set_ylim(end, 0)
        axes.set_yticks(middles, labels or [""] * len(middles), fontsize=9)
        axes.tick_params(axis="y", length=0, pad=6)
        tick(axes.xaxis, self.axis, self.log, 8 if len(self.panels) < 3 else 5)
        axes.tick_params(axis="x", labelsize=8, length=2)
        axes.grid(axis="x", color=style.GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "left", "right"]].set_visible(False)
        axes.axvline(1.0, color=style.INK, linewidth=1.0, zorder=3)
        for start in starts[1:]:
            axes.axhline(start - gap / 2, color=style.GRID, linewidth=0.8)
        bars: list[tuple[float, str, dict[str, Any]]] = []
        for start, pair in zip(starts, self.tensors, strict=True):
            for place, choice in enumerate(self.places[pair]):
                y = start + place + 0.5
                key = (platform, library, *pair, *choice)
                row = self.bars.get(key)
                if row is not None and not pd.isna(row[_COLUMNS[self.statistic][0]]):
                    bars.append((y, "; ".join(choice), row))
                elif row is not None:
                    self._say(axes, y, f"no speedup: {row['note']}")
                elif key in self.failures:
                    self._say(axes, y, style.said(self.failures[key]))
        for look in (_FULL, *_MUTED.values()):
            self._bars(axes, [bar for bar in bars if self._look(bar[2]) == look], look)
        for y, _, row in bars:
            self._end(axes, y, row)

    def _verdict(self, row: dict[str, Any]) -> str | None:
        return next((row[name] for name in _COLUMNS[self.statistic][3:]), None)

    def _look(self, row: dict[str, Any]) -> dict[str, Any]:
        return _MUTED.get(self._verdict(row) or "", _FULL)

    def _bars(
        self,
        axes: Axes,
        bars: Sequence[tuple[float, str, dict[str, Any]]],
        look: dict[str, Any],
    ) -> None:
        """Bars (place, choice, row) of one look; on a log scale they begin at 1."""
        if not bars:
            return
        look = dict(look)
        places, choices, rows = zip(*bars, strict=True)
        speedups = np.array([row[_COLUMNS[self.statistic][0]] for row in rows], float)
        colours = [self.colours[choice][0] for choice in choices]
        look = {**look, "color": colours} if look.pop("fill") else {
            **look, "facecolor": "none", "edgecolor": colours}  # fmt: skip
        start = 1.0 if self.log else 0.0  # a log scale has no 0 to begin at
        axes.barh(places, speedups - start, 0.8, start, zorder=2, **look)

    def _end(self, axes: Axes, y: float, row: dict[str, Any]) -> None:
        """The interval of a bar, and its number behind it."""
        value, *ends = (row[name] for name in _COLUMNS[self.statistic][:3])
        if not ends or pd.isna(ends).any():
            ends = [value, value]
        else:
            axes.errorbar(value, y, xerr=[[value - ends[0]], [ends[1] - value]], color=style.INK,
                          elinewidth=0.9, capsize=2, capthick=0.9, zorder=4)  # fmt: skip
        leftwards = self.log and value < 1.0
        outer = ends[0] if leftwards else ends[1]
        outer = min(max(outer, axes.get_xlim()[0]), axes.get_xlim()[1])
        muted = self._look(row) is not _FULL
        axes.annotate(
            f"{value:.1f}x", (outer, y), xytext=(-4 if leftwards else 4, 0),
            textcoords="offset points", ha="right" if leftwards else "left", va="center",
            fontsize=8, color=style.FAINT if muted else style.INK,
            fontweight="normal" if muted else "bold", zorder=5,
        )  # fmt: skip

    def _say(self, axes: Axes, y: float, text: str) -> None:
        axes.text(0.005, y, text, transform=axes.get_yaxis_transform(), va="center",
                  fontsize=7.5, style="italic", color=style.FAINT, zorder=5)  # fmt: skip
