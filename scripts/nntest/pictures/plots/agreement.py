"""Estimated against measured times of networks: log-log, with a band, and the errors below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.ticker
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from nntest.config.plot_options import AxisOptions, PlotOptions
from nntest.pictures import style
from nntest.pictures.plots.sheet import Sheet, tick

_WIDTH, _UPPER, _LOWER, _BETWEEN, _LEFT, _FOOT = 9.5, 6.2, 2.3, 0.35, 0.75, 0.62


@dataclass(frozen=True)
class Dot:
    """One network of one series; times in ms, with the ends of their intervals or NaN."""

    name: str
    series: str
    measured: float
    estimated: float
    measured_ends: tuple[float, float] = (float("nan"), float("nan"))
    estimated_ends: tuple[float, float] = (float("nan"), float("nan"))
    error_ends: tuple[float, float] = (float("nan"), float("nan"))

    @property
    def error(self) -> float:
        """Estimate over measured time, less 1."""
        return self.estimated / self.measured - 1


def agreement(
    dots: Sequence[Dot],
    head: style.Heading,
    band: float,
    labelled: str,
    options: PlotOptions,
    svg: Path,
    png: Path,
) -> None:
    """Draw at least one dot.  `band`: e.g. 0.1; names are written at the series `labelled`."""
    series = list(dict.fromkeys(dot.series for dot in dots))
    looks = style.colours(series, options, "library")
    legend: list[tuple[Any, str]] = []
    for name in series:
        errors = [abs(dot.error) for dot in dots if dot.series == name]
        colour, marker = looks[name]
        handle = Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=7)
        said = f"{name}: mean error {np.mean(errors):.1%}, largest {max(errors):.1%}"
        legend.append((handle, said))
    shade = Patch(facecolor="#e9e9e9", edgecolor=style.FAINT, linewidth=0.6)
    legend.append((shade, f"±{band:.0%}"))
    content = (_LEFT + _WIDTH, _UPPER + _BETWEEN + _LOWER + _FOOT)
    sheet = Sheet(head, options, content, legend)
    scale = max(sheet.height - _BETWEEN - _FOOT, 1.0) / (_UPPER + _LOWER)
    upper = sheet.axes(_LEFT, 0, sheet.width - _LEFT, _UPPER * scale)
    lower = sheet.axes(_LEFT, _UPPER * scale + _BETWEEN, sheet.width - _LEFT, _LOWER * scale)
    low, high = _limits(dots)
    _upper(upper, dots, looks, band, low, high)
    _lower(lower, dots, looks, band, low, high)
    prefix = _common_prefix([dot.name for dot in dots])
    _labels(sheet, upper, [dot for dot in dots if dot.series == labelled], prefix)
    more = f" (labels without '{prefix}')" if prefix else ""
    sheet.text(
        _LEFT + (sheet.width - _LEFT) / 2, sheet.height - 0.1,
        f"Measured, ms{more}", ha="center", va="center", fontsize=10,
    )  # fmt: skip
    sheet.save(svg, png, options)


def _limits(dots: Sequence[Dot]) -> tuple[float, float]:
    times = [time for dot in dots for time in (dot.measured, dot.estimated)]
    low, high = min(times), max(times)
    room = (high / low) ** 0.07 if high > low else 1.0
    return low / max(room, 1.15), high * max(room, 1.15)


def _look(axes: Axes) -> None:
    axes.grid(color=style.GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8.5, length=3)
    axes.spines[["top", "right"]].set_visible(False)


def _upper(
    axes: Axes, dots: Sequence[Dot], looks: dict[str, tuple[str, str]], band: float, low: float,
    high: float,
) -> None:  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    line = np.array([low, high])
    axes.fill_between(line, line * (1 - band), line * (1 + band), color="#e9e9e9", zorder=1)
    axes.plot(line, line, color=style.FAINT, linewidth=1.0, zorder=2)
    for dot in dots:
        colour, marker = looks[dot.series]
        _errors(axes, dot.measured, dot.estimated, dot.measured_ends, dot.estimated_ends, colour)
        axes.plot(dot.measured, dot.estimated, marker, color=colour, markersize=6, zorder=4,
                  markeredgecolor="white", markeredgewidth=0.6)  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        tick(axis, AxisOptions(), True, 9)
    axes.set_ylabel("Estimated, ms", fontsize=10)
    _look(axes)


def _lower(
    axes: Axes, dots: Sequence[Dot], looks: dict[str, tuple[str, str]], band: float, low: float,
    high: float,
) -> None:  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.axhspan(-band, band, color="#e9e9e9", zorder=1)
    axes.axhline(0, color=style.FAINT, linewidth=1.0, zorder=2)
    for dot in dots:
        colour, marker = looks[dot.series]
        nothing = (float("nan"), float("nan"))
        _errors(axes, dot.measured, dot.error, nothing, dot.error_ends, colour)
        axes.plot(dot.measured, dot.error, marker, color=colour, markersize=5.5, zorder=4,
                  markeredgecolor="white", markeredgewidth=0.6)  # fmt: skip
    most = max(band * 1.4, 1.15 * max(abs(dot.error) for dot in dots))
    axes.set_ylim(-most, most)
    tick(axes.xaxis, AxisOptions(), True, 9)
    axes.yaxis.set_major_formatter(matplotlib.ticker.PercentFormatter(1.0, decimals=0))
    axes.set_ylabel("Error", fontsize=10)
    _look(axes)


def _errors(
    axes: Axes, x: float, y: float, across: tuple[float, float], along: tuple[float, float],
    colour: str,
) -> None:  # fmt: skip
    bars: dict[str, Any] = {}
    for name, value, ends in (("xerr", x, across), ("yerr", y, along)):
        if not np.isnan(ends[0]):
            bars[name] = [[max(value - ends[0], 0)], [max(ends[1] - value, 0)]]
    if bars:
        axes.errorbar(x, y, fmt="none", ecolor=colour, elinewidth=1.0, capsize=2, zorder=3, **bars)


def _common_prefix(names: Sequence[str]) -> str:
    """What all names begin with, up to a '-'; nothing for a single name."""
    if len(set(names)) < 2:
        return ""
    first, last = min(names), max(names)
    length = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), 0)
    return first[: first.rfind("-", 0, length) + 1]


def _labels(sheet: Sheet, axes: Axes, dots: Sequence[Dot], prefix: str) -> None:
    """Each dot's name beside it, on the first place where it covers no dot and no other name."""
    figure = sheet.figure
    figure.canvas.draw()
    taken = []
    for dot in dots:
        x, y = axes.transData.transform((dot.measured, dot.estimated))
        taken.append((x - 5, y - 5, x + 5, y + 5))
    frame = axes.get_window_extent()
    pixels = figure.dpi / 72
    for dot in sorted(dots, key=lambda dot: dot.measured):
        x, y = axes.transData.transform((dot.measured, dot.estimated))
        text = dot.name.removeprefix(prefix)
        width, height = sheet.text_width([text], 8) * figure.dpi, 9.5 * pixels
        for away in range(7, 90, 6):
            places = [
                (x + away * pixels, y - height / 2 - (away - 7) * pixels / 2),
                (x - away * pixels - width, y - height / 2 + (away - 7) * pixels / 2),
            ]
            free = [
                place for place in places
                if frame.x0 < place[0] and place[0] + width < frame.x1
                and frame.y0 < place[1] and place[1] + height < frame.y1
                and not any(
                    place[0] < right and left < place[0] + width
                    and place[1] < top and bottom < place[1] + height
                    for left, bottom, right, top in taken
                )
            ]  # fmt: skip
            if free:
                at = free[0]
                taken.append((at[0], at[1], at[0] + width, at[1] + height))
                axes.annotate(
                    text, (dot.measured, dot.estimated),
                    xytext=((at[0] - x) / pixels, (at[1] + height / 2 - y) / pixels),
                    textcoords="offset points", va="center", fontsize=8, zorder=5,
                    arrowprops={"arrowstyle": "-", "color": style.FAINT, "linewidth": 0.5}
                    if away > 7 else None,
                )  # fmt: skip
                break
