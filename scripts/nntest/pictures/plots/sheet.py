"""The sheet that matplotlib draws on: header, legend, panels, ticks, and how it is written.

A picture is laid out in inches: a header (what, where, when), a legend beside the panels, and
the panels in what is left, as large as they need to be unless the user fixes the size.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FuncFormatter,
    Locator,
    LogLocator,
    MaxNLocator,
    MultipleLocator,
    NullLocator,
)

from nntest.config.plot_options import AxisOptions, PlotOptions
from nntest.pictures import style

_RC: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": list(style.FONTS),
    "font.size": 9,
    "axes.edgecolor": style.FAINT,
    "axes.labelcolor": style.INK,
    "text.color": style.INK,
    "xtick.color": style.INK,
    "ytick.color": style.INK,
    "svg.fonttype": "none",  # text stays text: it can be searched, copied and read out
    "svg.hashsalt": "nntest-flow",  # the same picture gives the same file
}
PANEL_GAP = 0.3
_MARGIN = 0.15
_WIDTH = 11.0


@dataclass(frozen=True)
class Panels:
    """How panels stand side by side: their titles, wrapped, and the room that they take."""

    titles: tuple[str, ...]
    head: float
    """Height in inches of the titles."""
    wanted: float
    """Width in inches of all panels with the labels of the rows."""

    @classmethod
    def of(cls, titles: Sequence[str], labels: Sequence[str], options: PlotOptions) -> Panels:
        """Panels with these titles, beside rows with these labels."""
        margin = max(len(line) for label in labels for line in label.split("\n")) * 0.08
        wanted = margin + len(titles) * max(2.5, min(3.6, 15 / len(titles)))
        total = options.figure_size[0] if options.figure_size else max(_WIDTH, wanted)
        most = max(8, int(((total - margin) / len(titles) - PANEL_GAP) / (9 / 72 * 0.69)))
        wrapped = [
            "\n".join(
                part for line in title.split("\n") for part in textwrap.wrap(line, most) or [line]
            )
            for title in titles
        ]
        lines = max(title.count("\n") + 1 for title in wrapped)
        return cls(tuple(wrapped), 0.1 + 0.165 * lines, wanted)


class Sheet:
    """A figure with its header and legend; panels go into the rectangle that is left."""

    def __init__(
        self,
        head: style.Heading,
        options: PlotOptions,
        content: tuple[float, float],
        legend: Sequence[tuple[Artist, str]] = (),
    ) -> None:
        """`content`: width and height in inches that the panels ask for."""
        self.figure = Figure()
        canvas: Any = FigureCanvasAgg(self.figure)
        self._renderer = canvas.get_renderer()
        wanted = options.figure_size[0] if options.figure_size else max(_WIDTH, content[0])
        header = [
            (line, text)
            for text in style.header_texts(head, options, wanted - 2 * _MARGIN)
            for line in text.lines
        ]
        heights = [text.size / 72 * 1.45 for _, text in header]
        top = _MARGIN + sum(heights) + 0.08
        left = bottom = _MARGIN
        right = 2 * _MARGIN  # the last number of an axis reaches beyond it
        box = self._legend(legend, options, wanted - 2 * _MARGIN)
        row, _, column = options.legend.partition(" ")
        if box and column == "center" and row != "center":
            top, bottom = (top + box[1], bottom) if row == "upper" else (top, bottom + box[1])
        elif box:
            left, right = (left + box[0], right) if column == "left" else (left, right + box[0])
        if options.figure_size:
            width, height = options.figure_size
        else:
            width = max(_WIDTH, content[0] + left + right)
            height = content[1] + top + bottom
        self.figure.set_size_inches(width, height)
        self.width, self.height = width - left - right, height - top - bottom
        self._left, self._top = left, top
        y = height - _MARGIN
        for (line, text), line_height in zip(header, heights, strict=True):
            self.figure.text(
                _MARGIN / width, y / height, line, va="top", fontsize=text.size,
                color=text.colour, fontweight="bold" if text.bold else "normal",
            )  # fmt: skip
            y -= line_height
        if self._drawn and options.legend != "none":
            across = {"left": _MARGIN, "center": width / 2, "right": width - _MARGIN}[column]
            beside = {
                "upper": y - 0.03 if column == "center" else height - top,
                "center": bottom + self.height / 2,
                "lower": _MARGIN if column == "center" else bottom,
            }[row]
            self._drawn.set_loc(options.legend)
            self._drawn.set_bbox_to_anchor((across / width, beside / height))

    def _legend(
        self, legend: Sequence[tuple[Artist, str]], options: PlotOptions, width: float
    ) -> tuple[float, float] | None:
        """Make the legend, with as many columns as fit; its width and height in inches."""
        self._drawn = None
        if not legend or options.legend == "none":
            return None
        handles, names = [handle for handle, _ in legend], [name for _, name in legend]
        row, _, column = options.legend.partition(" ")
        beside = column == "center" and row != "center"
        for columns in range(len(names) if beside else 1, 0, -1):
            drawn = self.figure.legend(
                handles, names, ncols=columns, frameon=False, borderaxespad=0, fontsize=9,
                columnspacing=1.6, handletextpad=0.5,
            )  # fmt: skip
            size = drawn.get_window_extent(self._renderer)
            box = (size.width / self.figure.dpi + 0.1, size.height / self.figure.dpi + 0.06)
            if box[0] <= width or columns == 1:
                self._drawn = drawn
                return box
            drawn.remove()
        return None

    def text_width(self, texts: Iterable[str], fontsize: float) -> float:
        """Width in inches of the widest of some texts."""
        widest = 0.0
        for text in texts:
            drawn = self.figure.text(0, 0, text, fontsize=fontsize)
            widest = max(widest, drawn.get_window_extent(self._renderer).width)
            drawn.remove()
        return widest / self.figure.dpi

    def axes(self, x: float, y: float, width: float, height: float, **properties: Any) -> Axes:
        """Panel at `x`, `y` inches from the content's upper left corner."""
        total_width, total_height = self.figure.get_size_inches()
        rectangle = (
            (self._left + x) / total_width,
            1 - (self._top + y + height) / total_height,
            width / total_width,
            height / total_height,
        )
        axes: Axes = self.figure.add_axes(rectangle, **properties)
        return axes

    def text(self, x: float, y: float, text: str, **look: Any) -> None:
        """Text at `x`, `y` inches from the content's upper left corner."""
        width, height = self.figure.get_size_inches()
        self.figure.text((self._left + x) / width, 1 - (self._top + y) / height, text, **look)

    def panel_title(self, x: float, width: float, panels: Panels, index: int) -> None:
        """The title of a panel that begins at `x`, above the panel."""
        self.text(
            x + width / 2, panels.head - 0.06, panels.titles[index], ha="center", va="bottom",
            fontsize=9, fontweight="bold",
        )  # fmt: skip

    def save(self, svg: Path, png: Path, options: PlotOptions) -> None:
        """Write the picture; the same data and options give the same SVG."""
        self.figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        self.figure.savefig(png, format="png", dpi=options.dpi)


def styled() -> Any:
    """Context in which pictures are drawn: our style, whatever the user's matplotlibrc says."""
    return rc_context(_RC)


def nothing_measured(
    head: style.Heading, reason: str, options: PlotOptions, svg: Path, png: Path
) -> None:
    """The picture of no data: a sentence, so that nobody takes an empty axis for a result."""
    lines = textwrap.wrap(f"Nothing to show: {reason}.", 90)
    sheet = Sheet(head, options.model_copy(update={"figure_size": None}), (9.0, 0.4 * len(lines)))
    sheet.text(0, 0.25, "\n".join(lines), va="top", fontsize=11, linespacing=1.5)
    sheet.save(svg, png, options)


def tick(axis: XAxis | YAxis, options: AxisOptions, log: bool, most: int) -> None:
    """Ticks and their numbers: the user's step, or up to `most` at round values."""
    axis.set_major_locator(locator(*axis.get_view_interval(), options, log, most))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(style.number))


def locator(low: float, high: float, options: AxisOptions, log: bool, most: int) -> Locator:
    """What finds the ticks of an axis from `low` to `high`."""
    if options.step is not None:
        return MultipleLocator(options.step)
    if log and high / low >= 6:
        decades = math.log10(high / low)
        subs = (1.0, 2.0, 5.0) if 3 * decades <= most + 1 else (1.0,)
        return LogLocator(base=10, subs=subs, numticks=most + 2)
    return MaxNLocator(most, steps=[1, 2, 2.5, 5, 10])
