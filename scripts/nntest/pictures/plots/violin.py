"""Violin plots: the distribution of every point's repetitions, with the repetitions in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from nntest.analysis.points import labelled, operators_only, tensor_order
from nntest.analysis.stats import FEWEST_REPETITIONS
from nntest.archives.measurements import measured
from nntest.config.plot_options import Grouping, PlotOptions, Quantity
from nntest.pictures import style

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
    with every repetition as a point and the median as a line.  Rows have an axis each, the same
    in all panels, unless the options share one or fix its limits.  A point that failed says so
    in its place.  Without any data the picture is a sentence that says why.
    """
    if by not in _OTHERS or quantity not in QUANTITIES:
        raise ValueError(f"no violin plot of {quantity} by {by}")
    assert by in get_args(Grouping)
    frame = operators_only(frame)
    word, label = QUANTITIES[quantity]
    label = label.replace("operator", "kernel") if by == "kernel" else label
    what = f"Kernel {word} by kernel" if by == "kernel" else f"Operator {word} by {by}"
    frame = labelled(frame)
    if by == "kernel":
        relevant = frame[frame["kernel"] != ""]
        rows = relevant[(relevant["status"] == "ok") & (relevant["time_us"] > 0)]
    else:
        relevant = frame[frame["kernel"] == ""]
        rows = measured(frame)
    rows = rows[rows[quantity].notna() & (rows[quantity] > 0)]
    with style.styled():
        if rows.empty:
            head = style.heading(what, relevant)
            style.nothing_measured(head, _why_nothing(relevant, rows, by), options, svg, png)
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
        self.values: dict[Any, NDArray[np.float64]] = {
            key: np.sort(group[self.quantity].to_numpy(float))
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
        self.shapes = {key: _density(values, self.log) for key, values in self.values.items()}

    def draw(self, head: style.Heading) -> style.Sheet:
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
        labels = [f"{tensor}\nbatch {batch}" if self.batches else tensor
                  for tensor, batch in self.tensors]  # fmt: skip
        panels = style.Panels.of(self.panels, labels, self.options)
        ticks = 0.03 if self.shared else _TICKS + 0.06
        heights = [len(self.places[pair]) * _PITCH + _GAP + ticks for pair in self.tensors]
        foot = 0.42 if self.shared else 0.26
        wanted = min(_TALLEST, sum(heights)) + panels.head + foot
        sheet = style.Sheet(head, self.options, (panels.wanted, wanted), legend)
        scale_of_rows = (sheet.height - panels.head - foot) / sum(heights)
        margin = sheet.text_width(labels, 9) + 0.12
        width = (sheet.width - margin + style.PANEL_GAP) / len(self.panels)
        crowded = len(self.rows) > _CROWDED
        for across, panel in enumerate(self.panels):
            x, y = margin + across * width, panels.head
            sheet.panel_title(x, width - style.PANEL_GAP, panels, across)
            for down, pair in enumerate(self.tensors):
                height = heights[down] * scale_of_rows
                axes = sheet.axes(x, y, width - style.PANEL_GAP, max(height - ticks, 0.05))
                self._row(axes, panel, pair, crowded, pair == self.tensors[-1])
                if across == 0:
                    axes.set_ylabel(
                        labels[down], rotation=0, ha="right", va="center", fontsize=9, labelpad=6
                    )
                y += height
        scale = ", log scale" if self.log else ""
        scale += "" if self.shared else " · each tensor has its own axis"
        sheet.text(margin + (sheet.width - margin) / 2, sheet.height - 0.10,
                   f"{self.label}{scale}", ha="center", va="center", fontsize=10)  # fmt: skip
        return sheet

    def _row(
        self, axes: Axes, panel: str, pair: tuple[str, int], crowded: bool, last: bool
    ) -> None:
        """One tensor and batch size in one panel."""
        if self.log:
            axes.set_xscale("log")
        axes.set_xlim(*self._limits(pair))
        places = self.places[pair]
        axes.set_ylim(len(places) - 0.45, -0.55)
        axes.set_yticks([])
        style.tick(axes.xaxis, self.axis, self.log, 6 if len(self.panels) < 3 else 4)
        axes.tick_params(axis="x", labelsize=8, length=2, pad=2)
        axes.tick_params(axis="x", labelbottom=last or not self.shared)
        axes.grid(axis="x", color=style.GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "left", "right"]].set_visible(False)
        for place, name in enumerate(places):
            key = (panel, *pair, name)
            if key in self.values:
                self._violin(axes, key, place, crowded)
            elif key in self.failures:
                axes.text(
                    0.01, place, style.said(self.failures[key]),
                    transform=axes.get_yaxis_transform(), va="center", fontsize=7.5,
                    style="italic", color=style.FAINT,
                )  # fmt: skip

    def _limits(self, pair: tuple[str, int]) -> tuple[float, float]:
        """Where the axis of a row begins and ends: around its violins, or as the user says."""
        ends = [
            end
            for key, values in self.values.items()
            if self.shared or key[1:3] == pair
            for end in (*values[[0, -1]], *self.shapes[key][0][[0, -1][: len(self.shapes[key][0])]])
        ]
        low, high = float(min(ends)), float(max(ends))
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

    def _violin(self, axes: Axes, key: Key, place: int, crowded: bool) -> None:
        colour, marker = self.colours[key[3]]
        values, (grid, density) = self.values[key], self.shapes[key]
        if len(grid):
            half = 0.42 * density / density.max()
            axes.fill_between(grid, place - half, place + half, color=colour, alpha=0.35,
                              linewidth=0)  # fmt: skip
        # Neighbours in value stand apart; the offsets repeat, so that the picture does too.
        offsets = np.array([0.0, 0.16, -0.16, 0.08, -0.08])[np.arange(len(values)) % 5]
        axes.plot(values, place + offsets, marker, color=colour, markersize=2.8, alpha=0.9,
                  markeredgewidth=0, rasterized=crowded)  # fmt: skip
        axes.plot([np.median(values)] * 2, [place - 0.36, place + 0.36], color=style.INK,
                  linewidth=1.3, solid_capstyle="butt")  # fmt: skip


def _joined(rows: pd.DataFrame, names: list[str]) -> pd.Series[str]:
    parts = rows[names].fillna("").astype(str)
    return parts.agg("; ".join, axis=1) if len(rows) else pd.Series([], dtype="str")


def _density(
    values: NDArray[np.float64], log: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Kernel density of sorted values over a grid, in the axis' own scale; else empty.

    Gaussian kernels with Scott's bandwidth (Scott, Multivariate Density Estimation, 1992).  Fewer
    than `FEWEST_REPETITIONS` distinct values give none: the points alone say what is known.
    """
    if len(np.unique(values)) < FEWEST_REPETITIONS:
        return np.array([]), np.array([])
    places = np.log10(values) if log else values
    bandwidth = float(places.std(ddof=1)) * len(places) ** -0.2
    grid = np.linspace(places[0] - 1.5 * bandwidth, places[-1] + 1.5 * bandwidth, 60)
    kernels = np.exp(-0.5 * ((grid[:, None] - places) / bandwidth) ** 2)
    density = kernels.sum(axis=1) / (len(places) * bandwidth * np.sqrt(2 * np.pi))
    if log:
        return 10**grid, density
    inside = grid > 0
    return grid[inside], density[inside]
