"""Rooflines of the boards that were measured, with a point for each layer and choice."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Annotation
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from nntest.analysis.points import GROUP_COLUMNS, tensor_order
from nntest.analysis.roofline.model import Roof
from nntest.config.plot_options import PlotOptions
from nntest.pictures import style

Names = dict[str, tuple[str, str]]
"""Colour and marker by choice."""

_DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (2, 2)), (0, (6, 2, 1, 2)))
_HEIGHT, _FOOT, _TITLE, _LINE = 4.3, 0.55, 0.3, 0.185
_MARGIN, _KEY, _GAP = 0.72, 4.9, 0.3


def roofline(
    points: pd.DataFrame,
    roofs: Mapping[str, Sequence[Roof]],
    frame: pd.DataFrame,
    options: PlotOptions,
    svg: Path,
    png: Path,
) -> None:
    """Draw `roofline.measured.roofline_points` of a measurement table `frame`.

    A panel for each platform, library, batch size and data type: GFLOP/s over operations a byte,
    both logarithmic, every ceiling of the board with its ridge point (a diamond), a point for each
    operator and tuner on each tensor.  A tensor's number stands at its fastest choice; the key
    beside the panel says which layers it is, and its share of the first ceiling.

    `roofs` are by the name of the board file, as for `roofline_points`.
    """
    finite = points["intensity_ops_per_byte"].map(math.isfinite)
    shown = points[finite & (points["achieved_gops"] > 0)]
    traffic = ", ".join(sorted(set(points["traffic_model"])))
    head = style.heading("Roofline" + (f", traffic model {traffic}" if traffic else ""), frame)
    with style.styled():
        if shown.empty:
            reason = "nothing was measured" if points.empty else (
                "with everything on the chip there is no intensity to draw a point at")  # fmt: skip
            style.nothing_measured(head, reason, options, svg, png)
            return
        boards = dict(frame[["platform", "board"]].dropna().drop_duplicates().to_numpy())
        choices = sorted({f"{row.operator}; {row.tuner}" for row in shown.itertuples()})
        names = style.colours(choices, options, "operator")
        panels = []
        for key, own in shown.groupby(list(GROUP_COLUMNS), sort=True):
            assert isinstance(key, tuple)
            platform, library, batch, data_type = key
            board = boards.get(str(platform).removesuffix(" (emulated)"), "")
            under = [roof for roof in roofs.get(board, ()) if roof.data_type == data_type]
            title = f"{platform} · {library} · {data_type}, batch {batch}"
            panels.append(_Panel(title, own, under, names, options))
        legend: list[tuple[Any, str]] = [
            (Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=6), name)
            for name, (colour, marker) in names.items()
        ]
        wanted = sum(panel.height for panel in panels)
        sheet = style.Sheet(head, options, (11.0, wanted), legend)
        scale = sheet.height / wanted
        top = 0.0
        for panel in panels:
            panel.draw(sheet, top, panel.height * scale)
            top += panel.height * scale
        sheet.save(svg, png, options)


@dataclass
class _Panel:
    """One roofline with its key."""

    title: str
    points: pd.DataFrame
    roofs: Sequence[Roof]
    names: Names
    options: PlotOptions

    def __post_init__(self) -> None:
        alone = self.points.drop_duplicates(["tensor", "species", "operator", "tuner"])
        self.alone = alone
        best = alone.sort_values("achieved_gops").drop_duplicates(
            ["species", "tensor"], keep="last"
        )
        rows = sorted(
            best.to_dict("records"), key=lambda row: (row["species"], tensor_order(row["tensor"]))
        )
        self.best: list[dict[str, Any]] = [{str(k): v for k, v in row.items()} for row in rows]
        self.key = self._key()
        lines = sum(text.count("\n") + 1 for text, _ in self.key)
        self.height = _TITLE + max(_HEIGHT, lines * _LINE + 0.3) + _FOOT

    def _key(self) -> list[tuple[str, bool]]:
        """Lines of the key, and which of them are headings."""
        lines: list[tuple[str, bool]] = []
        for roof in self.roofs:
            peak, memory = (f"{x:.4g}" for x in (roof.peak_gops, roof.bandwidth_gb_s))
            ridge = f"ridge {roof.ridge:.3g} operations/byte"
            lines.append((f"{roof.kind}: {peak} GFLOP/s, {memory} GB/s, {ridge}", False))
        if not self.roofs:
            lines.append(("no ceiling is known: see docs/rooflines.md", False))
        ceiling = self.roofs[0].kind if self.roofs else ""
        share = f", share of the roof “{ceiling}”" if ceiling else ""
        lines.append((f"fastest choice{share}", True))
        for number, row in enumerate(self.best, start=1):
            layers = _layers(str(row["layers"])) or row["tensor"]
            speed = f"{row['achieved_gops']:.3g} GFLOP/s"
            if not pd.isna(row["share_of_roof"]):
                speed += f", {100 * row['share_of_roof']:.0f} %"
            text = f"{number}  {layers}: {speed}"
            lines.append(("\n    ".join(textwrap.wrap(text, 62)), False))
        return lines

    def draw(self, sheet: style.Sheet, top: float, height: float) -> None:
        """Put the panel and its key on the sheet, `top` inches from its content's top."""
        sheet.text(_MARGIN, top + 0.1, self.title, va="top", fontsize=9.5, fontweight="bold")
        width = sheet.width - _MARGIN - _KEY - _GAP
        axes = sheet.axes(_MARGIN, top + _TITLE, width, height - _TITLE - _FOOT)
        axes.set_xscale("log")
        axes.set_yscale("log")
        self._limits(axes)
        self._roofs(axes)
        for row in self.alone.to_dict("records"):
            colour, marker = self.names[f"{row['operator']}; {row['tuner']}"]
            axes.plot(row["intensity_ops_per_byte"], row["achieved_gops"], marker, color=colour,
                      markersize=5.5, markeredgecolor="white", markeredgewidth=0.6,
                      zorder=4)  # fmt: skip
        self._numbers(axes)
        axes.set_xlabel("Intensity (operations / byte)", fontsize=9)
        axes.set_ylabel("GFLOP/s", fontsize=9)
        axes.grid(which="major", color=style.GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        self._write_key(sheet, _MARGIN + width + _GAP, top + _TITLE)

    def _limits(self, axes: Axes) -> None:
        xs = list(self.alone["intensity_ops_per_byte"]) + [roof.ridge for roof in self.roofs]
        ys = list(self.alone["achieved_gops"]) + [roof.peak_gops for roof in self.roofs]
        low, high = min(xs) / 1.6, max(xs) * 1.8
        axes.set_xlim(low, high)
        chosen = self.options.axis_of("GFLOPS")
        bottom = chosen.min if chosen.min is not None and chosen.min > 0 else min(ys) / 1.8
        axes.set_ylim(bottom, chosen.max if chosen.max is not None else max(ys) * 1.6)
        for axis, (begin, end) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            decades = math.log10(end / begin)
            subs = (1.0, 2.0, 5.0) if decades < 2.5 else (1.0,)
            axis.set_major_locator(LogLocator(base=10, subs=subs, numticks=20))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(style.number))
        axes.tick_params(labelsize=8, length=2)

    def _roofs(self, axes: Axes) -> None:
        low, high = axes.get_xlim()
        for roof, dashes in zip(self.roofs, _cycle(len(self.roofs)), strict=True):
            xs = [min(low, roof.ridge), roof.ridge, max(high, roof.ridge)]
            ys = [roof.attainable_gops(x) for x in xs]
            axes.plot(xs, ys, color=style.INK, linewidth=1.4, linestyle=dashes, zorder=2)
            axes.plot(roof.ridge, roof.peak_gops, "D", color=style.INK, markersize=5, zorder=3)

    def _numbers(self, axes: Axes) -> None:
        """A number beside the fastest choice of each tensor, none on another or on a point."""
        figure: Any = axes.figure
        renderer = figure.canvas.get_renderer()
        axes.set_autoscale_on(False)
        taken = []
        for point in self.alone[["intensity_ops_per_byte", "achieved_gops"]].to_numpy(float):
            x, y = axes.transData.transform(point)
            taken.append((x - 6, y - 6, x + 6, y + 6))
        frame = axes.get_window_extent(renderer)
        inside = (frame.x0 + 3, frame.y0 + 3, frame.x1, frame.y1)
        for number, row in enumerate(self.best, start=1):
            place = (row["intensity_ops_per_byte"], row["achieved_gops"])
            best: tuple[float, Annotation] | None = None
            for radius in (10, 17, 25, 34, 44):
                for angle in (90, 45, 135, 0, 180, 315, 225, 270):
                    offset = (
                        radius * math.cos(math.radians(angle)),
                        radius * math.sin(math.radians(angle)),
                    )
                    drawn = axes.annotate(
                        str(number), place, xytext=offset, textcoords="offset points",
                        ha="center", va="center", fontsize=8.5, fontweight="bold", zorder=6,
                        arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": style.FAINT,
                                    "shrinkA": 0, "shrinkB": 2},
                    )  # fmt: skip
                    box = _text_box(drawn, renderer)
                    over = sum(_overlap(box, other) for other in taken)
                    over += _area(box) - _overlap(box, inside)
                    if best is None or over < best[0]:
                        if best is not None:
                            best[1].remove()
                        best = (over, drawn)
                    else:
                        drawn.remove()
                    if not over:
                        break
                if best is not None and not best[0]:
                    break
            if best is not None:
                taken.append(_text_box(best[1], renderer))

    def _write_key(self, sheet: style.Sheet, x: float, y: float) -> None:
        styles = iter(_cycle(len(self.roofs)))
        for place, (text, heading) in enumerate(self.key):
            if place < len(self.roofs):
                axes = sheet.axes(x, y, 0.42, _LINE)
                axes.axis("off")
                axes.set_xlim(0, 1)
                axes.set_ylim(0, 1)
                axes.plot([0, 1], [0.5, 0.5], color=style.INK, linewidth=1.4,
                          linestyle=next(styles))  # fmt: skip
                axes.plot([0.5], [0.5], "D", color=style.INK, markersize=4)
                sheet.text(x + 0.5, y + 0.02, text, va="top", fontsize=8.5)
            else:
                y += 0.08 if heading else 0
                weight = "bold" if heading else "normal"
                sheet.text(x, y + 0.02, text, va="top", fontsize=8.5, fontweight=weight,
                           linespacing=1.35)  # fmt: skip
            y += _LINE * (text.count("\n") + 1)


Box = tuple[float, float, float, float]


def _text_box(drawn: Annotation, renderer: Any) -> Box:
    drawn.update_positions(renderer)
    box = super(Annotation, drawn).get_window_extent(renderer)  # without its arrow
    return box.x0, box.y0, box.x1, box.y1


def _overlap(one: Box, other: Box) -> float:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return wide * high if wide > 0 and high > 0 else 0.0


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _cycle(count: int) -> list[Any]:
    return [_DASHES[place % len(_DASHES)] for place in range(count)]


def _layers(names: str) -> str:
    """Names of the layers of a tensor, shortened where there are many."""
    listed = [name for name in names.split(", ") if name]
    if len(listed) > 2:
        return f"{listed[0]} … {listed[-1]} ({len(listed)} layers)"
    return ", ".join(listed)
