"""Violin plots: the distribution of every point's repetitions, with the repetitions in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from onboard.clean_runs import DISTURBED, counted

from nntest.analysis.points import labelled, named_by_threads, operators_only, tensor_order
from nntest.archives.measurements import measured
from nntest.config.plot_options import Grouping, PlotOptions, Quantity
from nntest.pictures import style
from nntest.pictures.plots.sheet import PANEL_GAP, Panels, Sheet, nothing_measured, styled, tick

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
_CROWDED = 4000
_FEWEST_VALUES = 5
"""Different values from which on a violin says more than its points do."""
"""Points in a picture above which they are drawn as pixels in the SVG."""


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
        picture.draw(style.heading(what, rows)).save(svg, png, options)


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
        self.panels = sorted(self.rows[self.by].unique())
        self.violins = sorted({*self.rows["violin"], *self.relevant["violin"]})
        pairs = {(tensor, int(batch)) for tensor, batch in
                 zip(self.rows["tensor"], self.rows["batch_size"], strict=True)}  # fmt: skip
        self.tensors = sorted(pairs, key=lambda pair: (tensor_order(pair[0]), pair[1]))
        self.batches = len({batch for _, batch in pairs}) > 1
        self.axis = self.options.axis_of(self.quantity)
        values = self.rows[self.quantity]
        spans = self.rows.groupby(["tensor", "batch_size"])[self.quantity].agg(["min", "max"])
        self.shared = (
            self.options.share_axis or self.axis.min is not None or self.axis.max is not None
        )
        if self.shared:
            self.log = style.wants_log(self.axis, values.min(), values.max())
        else:
            widest = float((spans["max"] / spans["min"]).max())
            self.log = style.wants_log(self.axis, 1.0, widest)
        self.colours = style.colours(self.violins, self.options, self.by)
        keys = [self.by, "tensor", "batch_size", "violin"]
        self.values: dict[Any, _Values] = {
            key: _Values.of(group[self.quantity], group["run_state"])
            for key, group in self.rows.groupby(keys)
        }
        failed = self.relevant[self.relevant["status"] != "ok"]
        self.failures: dict[Any, str] = {
            key: ", ".join(sorted(set(group["status"])))
            for key, group in failed.groupby(keys)
            if key not in self.values
        }
        # A row has places for what was tried on its tensor; other species are tried with others.
        tried: set[Key] = {*self.values, *self.failures}
        self.places = {
            pair: sorted({key[3] for key in tried if key[1:3] == pair}) for pair in self.tensors
        }

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
        labels = [f"{tensor}\nbatch {batch}" if self.batches else tensor
                  for tensor, batch in self.tensors]  # fmt: skip
        panels = Panels.of(self.panels, labels, self.options)
        ticks = 0.03 if self.shared else _TICKS + 0.06
        heights = [len(self.places[pair]) * _PITCH + _GAP + ticks for pair in self.tensors]
        foot = 0.42 if self.shared else 0.26
        wanted = min(_TALLEST, sum(heights)) + panels.head + foot
        sheet = Sheet(head, self.options, (panels.wanted, wanted), legend)
        scale_of_rows = (sheet.height - panels.head - foot) / sum(heights)
        margin = sheet.text_width(labels, 9) + 0.12
        width = (sheet.width - margin + PANEL_GAP) / len(self.panels)
        crowded = len(self.rows) > _CROWDED
        rows: dict[tuple[str, int], list[Axes]] = {pair: [] for pair in self.tensors}
        for across, panel in enumerate(self.panels):
            x, y = margin + across * width, panels.head
            sheet.panel_title(x, width - PANEL_GAP, panels, across)
            for down, pair in enumerate(self.tensors):
                height = heights[down] * scale_of_rows
                axes = sheet.axes(x, y, width - PANEL_GAP, max(height - ticks, 0.05))
                rows[pair].append(axes)
                self._row(axes, panel, pair, crowded)
                if across == 0:
                    axes.set_ylabel(
                        labels[down], rotation=0, ha="right", va="center", fontsize=9, labelpad=6
                    )
                y += height
        every = [axes for row in rows.values() for axes in row]
        for pair, row in rows.items():
            limits = self._limits(every if self.shared else row)
            for axes in row:
                axes.set_xlim(*limits)
                tick(axes.xaxis, self.axis, self.log, 6 if len(self.panels) < 3 else 4)
                below = pair == self.tensors[-1] or not self.shared
                axes.tick_params(axis="x", labelsize=8, length=2, pad=2, labelbottom=below)
        scale = ", log scale" if self.log else ""
        scale += "" if self.shared else " · each tensor has its own axis"
        sheet.text(margin + (sheet.width - margin) / 2, sheet.height - 0.10,
                   f"{self.label}{scale}", ha="center", va="center", fontsize=10)  # fmt: skip
        return sheet

    def _row(self, axes: Axes, panel: str, pair: tuple[str, int], crowded: bool) -> None:
        """One tensor and batch size in one panel."""
        if self.log:
            axes.set_xscale("log")
        places = self.places[pair]
        here = {name: self.values.get((panel, *pair, name)) for name in places}
        self._densities(axes, here)
        axes.set_xlabel("")
        axes.set_ylim(len(places) - 0.45, -0.55)
        axes.set_yticks([])
        axes.grid(axis="x", color=style.GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "left", "right"]].set_visible(False)
        for place, (name, values) in enumerate(here.items()):
            key = (panel, *pair, name)
            if values is not None:
                self._points(axes, name, values, place, crowded)
            elif key in self.failures:
                axes.text(
                    0.01, place, style.said(self.failures[key]),
                    transform=axes.get_yaxis_transform(), va="center", fontsize=7.5,
                    style="italic", color=style.FAINT,
                )  # fmt: skip

    def _densities(self, axes: Axes, values: dict[str, _Values | None]) -> None:
        """The violins of a row by their names, in the scale of its axis.

        Few distinct values have no density: the points alone say what is known.
        """
        places = list(values)
        many = {
            name: own.all
            for name, own in values.items()
            if own is not None and len(np.unique(own.all)) >= _FEWEST_VALUES
        }
        if not many:
            return
        names = np.repeat(list(many), [len(own) for own in many.values()])
        seaborn.violinplot(
            x=np.concatenate(list(many.values())), y=names, hue=names, orient="y", ax=axes,
            order=places, hue_order=places, palette=[self.colours[name][0] for name in places],
            saturation=1, alpha=0.35, linewidth=0, inner=None, width=0.84, density_norm="width",
            legend=False,
        )  # fmt: skip

    def _limits(self, drawn: Sequence[Axes]) -> tuple[float, float]:
        """Where an axis begins and ends: around what is drawn on it, or as the user says."""
        spans = [axes.dataLim.intervalx for axes in drawn if axes.has_data()]
        low, high = float(min(span[0] for span in spans)), float(max(span[1] for span in spans))
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

    def _points(self, axes: Axes, name: str, values: _Values, place: int, crowded: bool) -> None:
        """The repetitions of one violin, those that were disturbed hollow, and their median."""
        colour, marker = self.colours[name]
        # Neighbours in value stand apart; the offsets repeat, so that the picture does too.
        offsets = np.array([0.0, 0.16, -0.16, 0.08, -0.08])[np.arange(len(values.all)) % 5]
        for which, edge in ((~values.disturbed, 0.0), (values.disturbed, 0.6)):
            if not which.any():
                continue
            axes.plot(values.all[which], place + offsets[which], marker, color=colour,
                      markersize=2.8, alpha=0.9, markeredgewidth=edge,
                      markerfacecolor="none" if edge else colour, rasterized=crowded)  # fmt: skip
        axes.plot([values.median] * 2, [place - 0.36, place + 0.36], color=style.INK,
                  linewidth=1.3, solid_capstyle="butt")  # fmt: skip


@dataclass(frozen=True)
class _Values:
    """What one violin shows."""

    all: NDArray[np.float64]
    """Sorted."""
    disturbed: NDArray[np.bool_]
    """Which of them are of disturbed runs."""
    median: float
    """Of the runs that count, as in the tables."""

    @classmethod
    def of(cls, values: pd.Series[Any], states: pd.Series[Any]) -> _Values:
        order = np.argsort(values.to_numpy(float), kind="stable")
        found, state = values.to_numpy(float)[order], states.to_numpy(object)[order]
        kept = found[counted(state.tolist())]
        return cls(found, state == DISTURBED, float(np.median(kept)))


def _joined(rows: pd.DataFrame, names: list[str]) -> pd.Series[str]:
    parts = rows[names].fillna("").astype(str)
    return parts.agg("; ".join, axis=1) if len(rows) else pd.Series([], dtype="str")
