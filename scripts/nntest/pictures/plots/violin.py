"""Violin plots: the distribution of every point's repetitions, with the repetitions in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.lines import Line2D

from nntest.analysis.points import labelled, named_by_threads, operators_only, tensor_order
from nntest.archives.measurements import measured
from nntest.config.plot_options import AxisOptions, Grouping, PlotOptions, Quantity
from nntest.pictures import style
from nntest.pictures.plots.densities import Floats, Values
from nntest.pictures.plots.paging import NOT_ON_THIS_PAGE, page_of, rows_of
from nntest.pictures.plots.sheet import PANEL_GAP, Panels, Sheet, locator, nothing_measured, styled

QUANTITIES = {
    "time_us": ("time", "Time of the operator (µs)"),
    "GFLOPS": ("throughput", "GFLOPS (operations as the 2018 study counts them)"),
}
_OTHERS = {
    "platform": ["operator", "library", "tuner"],
    "operator": ["platform", "library", "tuner"],
    "library": ["operator", "platform", "tuner"],
    "kernel": ["operator", "platform", "library", "tuner"],
}
"""By grouping: what tells the violins of one panel apart."""
Key = tuple[str, str, int, str]
"""Panel, tensor, batch size and violin."""
_PITCH, _GAP, _TICKS, _TALLEST = 0.21, 0.10, 0.24, 80.0
_MOST_TENSORS, _MOST_PANELS, _MOST_VIOLINS = 40, 6, 24
"""On one page."""
_MOST_DOTS = 8000
"""In a picture; more could not be told apart, and each is a few bytes of the SVG."""
_FEWEST_DOTS = 12
"""Of a violin in any case."""


def violin(
    frame: pd.DataFrame,
    options: PlotOptions,
    svg: Path,
    png: Path,
    *,
    by: Grouping,
    quantity: Quantity,
) -> None:
    """Draw a measurement table with a panel for each platform, operator, library or kernel.

    Each row is a tensor (and batch size, if there are several); in it, one violin for each
    combination of the other coordinates, e.g. (operator; library; tuner) where `by` is platform,
    with every repetition as a point, a disturbed one hollow, and the median as a line.  Rows have
    an axis each, the same in all panels, unless the options share one or fix its limits.  A point
    that failed says so in its place.  Without any data the picture is a sentence that says why.
    What is more than a page holds is on further ones, the tensors that take longest on the first.
    """
    if by not in _OTHERS or quantity not in QUANTITIES:
        raise ValueError(f"no violin plot of {quantity} by {by}")
    assert by in get_args(Grouping)
    frame = operators_only(frame)
    word, label = QUANTITIES[quantity]
    label = label.replace("operator", "kernel") if by == "kernel" else label
    what = f"Kernel {word} by kernel" if by == "kernel" else f"Operator {word} by {by}"
    frame = named_by_threads(labelled(frame))
    if by == "kernel":
        relevant = frame[frame["kernel"] != ""]
        rows = relevant[(relevant["status"] == "ok") & (relevant["time_us"] > 0)]
    else:
        relevant = frame[frame["kernel"] == ""]
        rows = measured(frame)
    rows = rows[rows[quantity].notna() & (rows[quantity] > 0)]
    with styled():
        if rows.empty:
            head = style.heading(what, relevant)
            nothing_measured(head, _why_nothing(relevant, rows, by), options, svg, png)
            return
        picture = _Picture(rows, relevant, options, by, quantity, label)
        head = style.heading(what, rows).beside(picture.page)
        if not picture.tensors:
            nothing_measured(head, NOT_ON_THIS_PAGE, options, svg, png)
            return
        picture.draw(head).save(svg, png, options)


def _why_nothing(relevant: pd.DataFrame, rows: pd.DataFrame, by: Grouping) -> str:
    if relevant.empty:
        what = "no kernel was profiled" if by == "kernel" else "nothing was measured"
        return f"{what} (the measurement table has no such rows)"
    if (relevant["status"] == "ok").any():
        return "what was measured has no value of this quantity"
    counts = relevant["status"].value_counts().sort_index()
    return "no repetition succeeded: " + ", ".join(f"{n} {status}" for status, n in counts.items())


@dataclass
class _Picture:
    """One violin plot in the making."""

    rows: pd.DataFrame
    relevant: pd.DataFrame
    options: PlotOptions
    by: Grouping
    quantity: Quantity
    label: str

    def __post_init__(self) -> None:
        others = _OTHERS[self.by]
        if not (self.rows["tuner"].fillna("") != "").any():
            others = [name for name in others if name != "tuner"]
        varying = [name for name in others if self.rows[name].nunique() > 1] or others[:1]
        self.rows = self.rows.assign(violin=_joined(self.rows, varying))
        self.relevant = self.relevant.assign(violin=_joined(self.relevant, varying))
        self.batches = self.rows["batch_size"].nunique() > 1
        self._turn_to_page()
        self.axis = self.options.axis_of(self.quantity)
        self.shared = (
            self.options.share_axis or self.axis.min is not None or self.axis.max is not None
        )
        spans = self.rows.groupby(["tensor", "batch_size"])[self.quantity].agg(["min", "max"])
        if self.shared:
            self.log = style.wants_log(self.axis, spans["min"].min(), spans["max"].max())
        else:
            widest = float((spans["max"] / spans["min"]).max())
            self.log = style.wants_log(self.axis, 1.0, widest)
        self.colours = style.colours(self.violins, self.options, self.by)
        keys = [self.by, "tensor", "batch_size", "violin"]
        self.values: dict[Any, Values] = {
            key: Values.of(group[self.quantity], group["run_state"], self.log)
            for key, group in self.rows.groupby(keys)
        }
        failed = self.relevant[self.relevant["status"] != "ok"]
        self.failures: dict[Any, str] = {
            key: ", ".join(sorted(set(group["status"])))
            for key, group in failed.groupby(keys)
            if key not in self.values
        }
        # A row has places for what was tried on its tensor; other species are tried with others.
        self.places: dict[tuple[str, int], list[str]] = {pair: [] for pair in self.tensors}
        for key in sorted({*self.values, *self.failures}):
            if key[1:3] in self.places and key[3] not in self.places[key[1:3]]:
                self.places[key[1:3]].append(key[3])
        for places in self.places.values():
            places.sort()

    def _turn_to_page(self) -> None:
        """Keep of the rows those on the page that is asked for."""
        names = sorted({*self.rows["violin"].unique(), *self.relevant["violin"].unique()})
        longest = self.rows.groupby(["tensor", "batch_size"])["time_us"].max()
        matters = [
            (tensor, int(batch)) for tensor, batch in longest.sort_values(ascending=False).index
        ]
        most = rows_of(min(len(names), _MOST_VIOLINS), _MOST_TENSORS)
        kinds = [
            ("violins a row", names, _MOST_VIOLINS),
            (f"panels by {self.by}", sorted(self.rows[self.by].unique()), _MOST_PANELS),
            ("tensors, the longest first", matters, most),
        ]
        parts, self.page = page_of(self.options.page, kinds, "plots.violin.page")
        violins, panels, tensors = parts
        self.violins, self.panels = list(violins.shown), list(panels.shown)
        there = set(tensors.shown)
        if self.page:
            self.rows = self._on_page(self.rows, there)
            there &= set(_pairs(self.rows))
            self.relevant = self._on_page(self.relevant, there)
        self.tensors = sorted(there, key=lambda pair: (tensor_order(pair[0]), pair[1]))

    def _on_page(self, rows: pd.DataFrame, tensors: set[tuple[str, int]]) -> pd.DataFrame:
        rows = rows[rows[self.by].isin(self.panels) & rows["violin"].isin(self.violins)]
        return rows[[pair in tensors for pair in _pairs(rows)]]

    def draw(self, head: style.Heading) -> Sheet:
        """The whole picture."""
        legend: list[tuple[Any, str]] = [
            (
                Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=7),
                name,
            )
            for name, (colour, marker) in self.colours.items()
        ]
        legend.append((Line2D([], [], color=style.INK, marker="|", markersize=11, linestyle="none",
                              markeredgewidth=1.8), "median"))  # fmt: skip
        if any(values.disturbed.any() for values in self.values.values()):
            legend.append((Line2D([], [], color=style.FAINT, marker="o", markersize=5,
                                  markerfacecolor="none", linestyle="none"),
                           "disturbed run"))  # fmt: skip
        labels = [style.row_label(tensor, batch if self.batches else None)
                  for tensor, batch in self.tensors]  # fmt: skip
        panels = Panels.of(self.panels, labels, self.options)
        ticks = 0.03 if self.shared else _TICKS + 0.06
        heights = [len(self.places[pair]) * _PITCH + _GAP + ticks for pair in self.tensors]
        foot = 0.42 if self.shared else 0.26
        wanted = min(_TALLEST, sum(heights)) + panels.head + foot
        sheet = Sheet(head, self.options, (panels.wanted, wanted), legend)
        height = sheet.height - panels.head - foot
        shrunk = height / sum(heights)
        margin = sheet.text_width(labels, 9) + 0.12
        width = (sheet.width - margin + PANEL_GAP) / len(self.panels)
        most = max(_FEWEST_DOTS, _MOST_DOTS // max(len(self.values), 1))
        spans = self._spans()
        for across, panel in enumerate(self.panels):
            x = margin + across * width
            sheet.panel_title(x, width - PANEL_GAP, panels, across)
            axes = sheet.axes(x, panels.head, width - PANEL_GAP, height)
            axes.set(xlim=(0, 1), ylim=(height, 0))
            axes.axis("off")
            drawn = _Panel(axes, self, panel, most)
            y = 0.0
            for down, pair in enumerate(self.tensors):
                tall = max(heights[down] * shrunk - ticks, 0.05)
                scale = _Scale(*spans[pair], self.log)
                drawn.row(pair, scale, y, tall, 6 if len(self.panels) < 3 else 4)
                if across == 0:
                    sheet.text(margin - 0.09, panels.head + y + tall / 2, labels[down],
                               ha="right", va="center", fontsize=9)  # fmt: skip
                y += heights[down] * shrunk
            drawn.finish()
        words = ", log scale" if self.log else ""
        words += "" if self.shared else " · each tensor has its own axis"
        sheet.text(margin + (sheet.width - margin) / 2, sheet.height - 0.10,
                   f"{self.label}{words}", ha="center", va="center", fontsize=10)  # fmt: skip
        return sheet

    def _spans(self) -> dict[tuple[str, int], tuple[float, float]]:
        """Of each row where its axis begins and ends: around what is drawn, or as the user says."""
        drawn: dict[tuple[str, int], list[tuple[float, float]]] = {}
        for key, values in self.values.items():
            drawn.setdefault(key[1:3], []).append(values.span)
        if self.shared:
            every = [span for spans in drawn.values() for span in spans]
            drawn = dict.fromkeys(self.tensors, every)
        return {pair: self._limits(drawn[pair]) for pair in self.tensors}

    def _limits(self, spans: Sequence[tuple[float, float]]) -> tuple[float, float]:
        low, high = min(span[0] for span in spans), max(span[1] for span in spans)
        if self.log:
            room = (high / low) ** 0.03 if high > low else 1.1
            low, high = low / room, high * room
        else:
            room = (high - low) * 0.03 if high > low else 0.05 * high
            low, high = max(0.0, low - room), high + room
        low = self.axis.min if self.axis.min is not None else low
        high = self.axis.max if self.axis.max is not None else high
        # One limit alone may lie beyond all the data.
        return (low, high) if low < high else (low, low * 1.1 + 1)


@dataclass(frozen=True)
class _Scale:
    """A row's axis: where between 0 and 1 a value stands."""

    low: float
    high: float
    log: bool

    def __call__(self, values: Any) -> Floats:
        found: Floats = np.asarray(values, float)
        ends: Floats = np.array([self.low, self.high])
        if self.log:
            found, ends = np.log(np.maximum(found, np.finfo(float).tiny)), np.log(ends)
        shares: Floats = (found - ends[0]) / (ends[1] - ends[0])
        return shares

    def ticks(self, options: AxisOptions, most: int) -> list[float]:
        """Round values of the axis."""
        found = locator(self.low, self.high, options, self.log, most).tick_values(
            self.low, self.high
        )
        room = 1e-9 * (self.high - self.low)
        return [float(tick) for tick in found if self.low - room <= tick <= self.high + room]


class _Panel:
    """All rows of a panel on one axes: an axes for each row took nine tenths of the time."""

    def __init__(self, axes: Axes, picture: _Picture, panel: str, most: int) -> None:
        self._axes, self._picture, self._panel, self._most = axes, picture, panel, most
        self._grid: list[Any] = []
        self._frame: list[Any] = []
        self._medians: list[Any] = []
        self._shapes: list[tuple[Any, str]] = []
        self._dots: dict[tuple[str, bool], list[tuple[Floats, Floats]]] = {}

    def row(self, pair: tuple[str, int], scale: _Scale, top: float, tall: float, most: int) -> None:
        """One tensor and batch size, `tall` inches from `top` on; with up to `most` ticks."""
        picture, places = self._picture, self._picture.places[pair]
        bottom = top + tall
        each = tall / len(places)
        ticks = scale.ticks(picture.axis, most)
        for tick, x in zip(ticks, scale(ticks), strict=True):
            self._grid.append([(x, top), (x, bottom)])
            if pair == picture.tensors[-1] or not picture.shared:
                self._axes.text(x, bottom + 0.05, style.number(tick), fontsize=8, ha="center",
                                va="top")  # fmt: skip
        self._frame.append([(0.0, bottom), (1.0, bottom)])
        for place, name in enumerate(places):
            middle = top + (place + 0.5) * each
            values = picture.values.get((self._panel, *pair, name))
            failure = picture.failures.get((self._panel, *pair, name))
            if values is not None:
                self._violin(name, values, scale, middle, each)
            elif failure is not None:
                self._axes.text(0.01, middle, style.said(failure), va="center", fontsize=7.5,
                                style="italic", color=style.FAINT)  # fmt: skip

    def _violin(self, name: str, values: Values, scale: _Scale, middle: float, each: float) -> None:
        """Density, repetitions (those that were disturbed hollow) and median of a violin."""
        if values.density is not None:
            x, widths = scale(values.density[0]), values.density[1] * 0.42 * each
            outline = np.concatenate([middle - widths, (middle + widths)[::-1]])
            shape = np.column_stack([np.concatenate([x, x[::-1]]), outline])
            self._shapes.append((shape, self._picture.colours[name][0]))
        # Neighbours in value stand apart; the offsets repeat, so that the picture does too.
        offsets = np.array([0.0, 0.16, -0.16, 0.08, -0.08])[np.arange(len(values.all)) % 5]
        places, shown = scale(values.all), values.shown(self._most)
        for hollow in (False, True):
            which = shown[values.disturbed[shown] == hollow]
            if len(which):
                self._dots.setdefault((name, hollow), []).append(
                    (places[which], middle + offsets[which] * each)
                )
        at = float(scale(values.median))
        self._medians.append([(at, middle - 0.36 * each), (at, middle + 0.36 * each)])

    def finish(self) -> None:
        """Put on the axes what all rows have, each kind as one object."""
        axes = self._axes
        axes.add_collection(LineCollection(self._grid, colors=style.GRID, linewidths=0.6, zorder=1))
        axes.add_collection(
            LineCollection(self._frame, colors=style.FAINT, linewidths=0.8, zorder=1.1)
        )
        if self._shapes:
            shapes, colours = zip(*self._shapes, strict=True)
            axes.add_collection(
                PolyCollection(shapes, facecolors=colours, alpha=0.35, linewidths=0, zorder=1.5)
            )
        for (name, hollow), dots in self._dots.items():
            colour, marker = self._picture.colours[name]
            x, y = (np.concatenate(parts) for parts in zip(*dots, strict=True))
            axes.plot(x, y, marker, color=colour, markersize=2.8, alpha=0.9,
                      markeredgewidth=0.6 if hollow else 0.0,
                      markerfacecolor="none" if hollow else colour)  # fmt: skip
        axes.add_collection(
            LineCollection(
                self._medians, colors=style.INK, linewidths=1.3, capstyle="butt", zorder=3
            )
        )


def _pairs(rows: pd.DataFrame) -> Iterator[tuple[str, int]]:
    return zip(rows["tensor"], rows["batch_size"], strict=True)


def _joined(rows: pd.DataFrame, names: list[str]) -> pd.Series[str]:
    first, *others = (rows[name].fillna("").astype(str) for name in names)
    for other in others:
        first = first + "; " + other
    return first
