"""What all pictures share: colours, titles, legends, layout, and how they are written.

A picture is laid out in inches: a header (what, where, when), a legend beside the panels, and
the panels in what is left, as large as they need to be unless the user fixes the size.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import XAxis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, MultipleLocator, NullLocator
from onboard import outcomes

from nntest.analysis.points import labelled
from nntest.config.plot_options import AxisOptions, Grouping, PlotOptions

INK, FAINT, GRID = "#1c1c1c", "#6b6b6b", "#dddddd"
MARKERS = "osD^vPX*h"

OKABE_ITO = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C7A00", "#000000",
)  # fmt: skip
"""Colours that the common kinds of colour blindness tell apart (Okabe and Ito, Color Universal
Design, 2008), the yellow darkened so that it shows on white."""

_RC: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "sans-serif"],
    "font.size": 9,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "none",  # text stays text: it can be searched, copied and read out
    "svg.hashsalt": "nntest-flow",  # the same picture gives the same file
}
_DOT = "\N{NO-BREAK SPACE}· "  # a line may end with the dot, not begin with it
_MARGIN = 0.15
_WIDTH = 11.0


def colours(
    names: Sequence[str], options: PlotOptions, grouping: Grouping
) -> dict[str, tuple[str, str]]:
    """A colour and a marker for each name, in the order given.

    The palette that the user set for `grouping` comes first; a palette given as a mapping may
    leave names out, which then have the default colours.
    """
    palette = options.palette.get(grouping)
    chosen: Sequence[Any] = OKABE_ITO
    if isinstance(palette, list):
        chosen = palette
    elif isinstance(palette, str):
        from seaborn import color_palette

        chosen = [str(colour) for colour in color_palette(palette, max(len(names), 1)).as_hex()]
    own = palette if isinstance(palette, Mapping) else {}
    return {
        name: (own.get(name, chosen[index % len(chosen)]), MARKERS[index % len(MARKERS)])
        for index, name in enumerate(names)
    }


# -- titles --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heading:
    """What a picture shows, of which machine, measured when."""

    what: str
    where: str
    when: str
    warning: str = ""


def _listed(names: Iterable[Any], most: int = 3) -> str:
    distinct = sorted({str(name) for name in names if isinstance(name, str) and name})
    more = f" and {len(distinct) - most} more" if len(distinct) > most else ""
    return ", ".join(distinct[:most]) + more


def heading(what: str, frame: pd.DataFrame) -> Heading:
    """The heading for a picture of the rows of a measurement table."""
    rows = labelled(frame)
    machines = []
    for platform, group in rows.groupby("platform"):
        device = _listed(group["device"])
        machines.append(f"{platform} ({device})" if device and device != platform else platform)
    batches = sorted(set(rows["batch_size"].dropna()))
    parts = [_listed(machines), _listed(rows["library"])]
    if len(batches) == 1:
        parts.append(f"batch {batches[0]}")
    days = sorted({str(time)[:10] for time in rows["started_at"].dropna() if time})
    when = "" if rows.empty else "date not recorded"
    if days:
        when = days[0] if days[0] == days[-1] else f"{days[0]} to {days[-1]}"
    warning = ""
    emulated = rows["emulated"].fillna(False).astype(bool)
    if emulated.any():
        which = "" if emulated.all() else f"{_listed(rows.loc[emulated, 'platform'])}: "
        warning = f"{which}ran under an emulator; these are not the times of a real board"
    return Heading(what, _DOT.join(part for part in parts if part), when, warning)


def _header_lines(head: Heading, options: PlotOptions, width: float) -> list[tuple[str, Any]]:
    """Lines of the header with their text properties, wrapped to `width` inches."""
    template = options.title or "{what}"
    title = template.format(what=head.what, where=head.where, when=head.when)
    place = [head.where] if "{where}" not in template else []
    place += [head.when] if "{when}" not in template else []
    kinds: list[tuple[str, dict[str, Any]]] = [
        (title, {"fontsize": 13, "fontweight": "bold"}),
        (
            _DOT.join(part for part in place if part),
            {"fontsize": 9.5, "color": FAINT},
        ),
        (head.warning, {"fontsize": 10, "fontweight": "bold", "color": "#a02000"}),
    ]
    lines = []
    for text, look in kinds:
        # An average character of the font is 0.6 em wide, a bold one 0.69.
        em = look["fontsize"] / 72 * (0.69 if "fontweight" in look else 0.6)
        for line in textwrap.wrap(text, max(20, int(width / em)), break_on_hyphens=False):
            lines.append((line, look))
    return lines


# -- the sheet -----------------------------------------------------------------------------

PANEL_GAP = 0.3


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
        head: Heading,
        options: PlotOptions,
        content: tuple[float, float],
        legend: Sequence[tuple[Artist, str]] = (),
    ) -> None:
        """`content`: width and height in inches that the panels ask for."""
        self.figure = Figure()
        canvas: Any = FigureCanvasAgg(self.figure)
        self._renderer = canvas.get_renderer()
        wanted = options.figure_size[0] if options.figure_size else max(_WIDTH, content[0])
        header = _header_lines(head, options, wanted - 2 * _MARGIN)
        heights = [look["fontsize"] / 72 * 1.45 for _, look in header]
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
        for (line, look), line_height in zip(header, heights, strict=True):
            self.figure.text(_MARGIN / width, y / height, line, va="top", **look)
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
    head: Heading, reason: str, options: PlotOptions, svg: Path, png: Path
) -> None:
    """The picture of no data: a sentence, so that nobody takes an empty axis for a result."""
    lines = textwrap.wrap(f"Nothing to show: {reason}.", 90)
    sheet = Sheet(head, options.model_copy(update={"figure_size": None}), (9.0, 0.4 * len(lines)))
    sheet.text(0, 0.25, "\n".join(lines), va="top", fontsize=11, linespacing=1.5)
    sheet.save(svg, png, options)


# -- axes ----------------------------------------------------------------------------------


def wants_log(axis: AxisOptions, low: float, high: float) -> bool:
    """Whether an axis for values from `low` to `high` is logarithmic."""
    if axis.scale != "auto":
        return axis.scale == "log" and low > 0
    if axis.step is not None or (axis.min is not None and axis.min <= 0):
        return False
    return low > 0 and high / low > 10


def number(value: float, _position: int | None = None) -> str:
    """A tick's number: thousands set off, no trailing zeros."""
    text = f"{value:,.6f}".rstrip("0").rstrip(".")
    return text.replace(",", "\N{NARROW NO-BREAK SPACE}")


def tick(axis: XAxis, options: AxisOptions, log: bool, most: int) -> None:
    """Ticks and their numbers: the user's step, or up to `most` at round values."""
    low, high = axis.get_view_interval()
    if options.step is not None:
        axis.set_major_locator(MultipleLocator(options.step))
    elif log and high / low >= 6:
        decades = math.log10(high / low)
        subs = (1.0, 2.0, 5.0) if 3 * decades <= most + 1 else (1.0,)
        axis.set_major_locator(LogLocator(base=10, subs=subs, numticks=most + 2))
    else:
        axis.set_major_locator(MaxNLocator(most, steps=[1, 2, 2.5, 5, 10]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(number))


def said(status: str) -> str:
    """How a point that has no time ended, in its place in a picture."""
    return status if status == outcomes.FAILED else f"failed: {status}"
