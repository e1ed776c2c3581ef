"""What all charts share: colours, shapes, legends that select, and the looks of `style`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt
import pandas as pd
from matplotlib.colors import to_hex, to_rgb

from nntest.config.plot_options import AxisOptions, Grouping, PlotOptions
from nntest.pictures.style import FAINT, FONTS, GRID, INK, OKABE_ITO, colours

WIDTH, HEIGHT = 760, 440
"""Of a panel, in pixels."""
PIXELS_PER_INCH = 96
GREY = "#c9ccd1"
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "stroke"]
DASHES = [[1, 0], [6, 3], [2, 2], [8, 2, 2, 2], [12, 4], [4, 1], [1, 3], [10, 2, 6, 2]]
_ANY = AxisOptions()
_CHARACTER = 7.0
"""Width of an average character of a label, in pixels."""


@dataclass(frozen=True)
class Look:
    """How a chart is drawn: to be clicked at on a page, or as a still picture with its key."""

    options: PlotOptions = field(default_factory=PlotOptions)
    still: bool = False
    grow: tuple[float, float] = (0.0, 0.0)
    """Pixels that each panel is wider and higher than by default."""

    def size(self, width: float = WIDTH, height: float = HEIGHT) -> dict[str, float]:
        """Width and height of a panel, in pixels."""
        wanted = width + self.grow[0], height + self.grow[1]
        return {"width": max(60.0, wanted[0]), "height": max(60.0, wanted[1])}

    def picks(self, *fields: str) -> tuple[list[alt.Parameter], Any]:
        """Selections by a click on an entry of a legend, and the test for what they all keep.

        A still has none, and None for the test.
        """
        if self.still:
            return [], None
        found = [alt.selection_point(name=f"pick_{name}", fields=[name], bind="legend")
                 for name in fields]  # fmt: skip
        kept: Any = found[0]
        for selection in found[1:]:
            kept = kept & selection
        return found, kept

    def colour(
        self, name: str, values: Sequence[str], grouping: Grouping, title: str, kept: Any = None
    ) -> Any:
        """The colour of each of `values`, by the user's palette for `grouping`; grey if not kept.

        More values than colours have these again, darker and then lighter.
        """
        found = []
        for index, (colour, _) in enumerate(colours(values, self.options, grouping).values()):
            turn = index // len(OKABE_ITO) % 3 if grouping not in self.options.palette else 0
            add, times = ((0.0, 1.0), (0.0, 0.55), (0.5, 0.5))[turn]
            red, green, blue = (add + times * part for part in to_rgb(colour))
            found.append(to_hex((red, green, blue)))
        scale = alt.Scale(domain=list(values), range=found)
        encoded = self.listed(alt.Color(f"{name}:N", scale=scale, title=title), values)
        return encoded if kept is None else alt.when(kept).then(encoded).otherwise(alt.value(GREY))

    def shape(self, name: str, values: Sequence[str], title: str) -> Any:
        """A shape for each of `values`."""
        scale = alt.Scale(domain=list(values), range=_cycle(SHAPES, len(values)))
        return self.listed(alt.Shape(f"{name}:N", scale=scale, title=title), values)

    def dash(self, name: str, values: Sequence[str], title: str) -> Any:
        """A dash pattern for each of `values`; long names, so the legend stands above."""
        scale = alt.Scale(domain=list(values), range=_cycle(DASHES, len(values)))
        above = {} if self.still else {"orient": "top", "direction": "vertical"}
        encoded = alt.StrokeDash(f"{name}:N", scale=scale, title=title)
        return self.listed(encoded, values, **above, symbolStrokeColor=INK, symbolSize=500)

    def listed(self, encoded: Any, values: Sequence[str], **more: Any) -> Any:
        """An encoding with its legend of `values`; above or below a still, in columns that fit."""
        if not any(values) or (self.still and self.options.legend == "none"):
            return encoded.legend(None)
        if self.still and self.options.legend.endswith(" center"):
            longest = max(map(len, values)) * _CHARACTER + 34
            most = max(1, int((WIDTH + 200 + self.grow[0]) / longest))
            more = {**more, "columns": min(most, len(values)), "direction": "horizontal"}
        return encoded.legend(**more)


def faded(kept: Any, most: float, least: float) -> Any:
    """Opacity of a point: `most`, or `least` if a selection leaves it out."""
    if kept is None:
        return alt.value(most)
    return alt.when(kept).then(alt.value(most)).otherwise(alt.value(least))


def log_axis(channel: Any, values: Iterable[float], axis: AxisOptions = _ANY) -> Any:
    """`channel` (an alt.X or alt.Y) on a log scale around `values`, or as the user says.

    Its ticks are round: Vega would draw a line at every digit of every decade.
    """
    low, high = min(values), max(values)
    room = max((high / low) ** 0.05, 1.4)
    low = axis.min if axis.min is not None and axis.min > 0 else low / room
    high = axis.max if axis.max is not None and axis.max > low else high * room
    return channel.scale(type="log", domain=[low, high], nice=False).axis(
        values=round_numbers(low, high), format=",.12~g"
    )


def round_numbers(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`: three a decade, or powers of ten if they are many."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if math.log10(high / low) < 3 else (1,)
    return [
        number
        for decade in decades
        for step in steps
        if low <= (number := float(f"{step}e{decade}")) <= high
    ]


def key(lines: Sequence[tuple[str, bool]]) -> Any:
    """Lines of text (bold or not) to stand beside a still, where a page has tooltips."""
    frame = pd.DataFrame(lines, columns=["text", "bold"]).assign(line=range(len(lines)))
    base = alt.Chart(frame).encode(
        x=alt.value(0), y=alt.Y("line:O", axis=None), text=alt.Text("text:N")
    )
    look: dict[str, Any] = {"align": "left", "color": INK, "fontSize": 12, "limit": 0}
    marks = [
        base.transform_filter(alt.datum.bold).mark_text(fontWeight="bold", **look),
        base.transform_filter(~alt.datum.bold).mark_text(**look),
    ]
    longest = max(len(text) for text, _ in lines)
    return alt.layer(*marks).properties(
        width=longest * _CHARACTER, height=alt.Step(18), view=alt.ViewConfig(stroke=None)
    )


def _cycle(values: Sequence[Any], count: int) -> list[Any]:
    return [values[place % len(values)] for place in range(count)]


def specification(chart: Any, look: Look | None = None) -> dict[str, Any]:
    """A chart as a Vega-Lite specification in the looks of this project."""
    # The schema is checked where Altair's objects are made; a second time takes a third of all.
    made: dict[str, Any] = chart.to_dict(validate=False)
    made["config"] = _config()
    if look and look.still:
        made["config"]["legend"] |= _legend_place(look.options)
    return made


def stacked(charts: Sequence[Any], look: Look, **properties: Any) -> dict[str, Any]:
    """`specification` of charts below each other; `properties` are Vega-Lite's of the stack.

    Altair's own `vconcat` copies all that it holds, data and domains too, several times.
    """
    panels = [specification(chart, look) for chart in charts]
    datasets: dict[str, Any] = {}
    for panel in panels:
        datasets |= panel.pop("datasets", {})
    outer = {name: next(panel.pop(name) for panel in panels) for name in ("$schema", "config")}
    return {**outer, "datasets": datasets, "vconcat": panels, **properties}


def _config() -> dict[str, Any]:
    """The looks, in Vega-Lite's words."""
    return {
        "font": ", ".join(FONTS),
        "background": "white",
        "axis": {
            "labelFontSize": 12, "titleFontSize": 13, "titleFontWeight": 600, "gridColor": GRID,
            "labelColor": INK, "titleColor": INK, "domainColor": FAINT, "tickColor": FAINT,
        },
        "legend": {
            "labelFontSize": 12, "titleFontSize": 12, "symbolSize": 110, "labelLimit": 620,
            "titleLimit": 420, "symbolOpacity": 1, "labelColor": INK, "titleColor": INK,
        },
        "header": {"labelFontSize": 12, "titleFontSize": 12, "labelFontWeight": "bold"},
        # The width of Altair's own config, where a chart says none.
        "view": {"continuousWidth": 300, "continuousHeight": 300, "stroke": GRID},
    }  # fmt: skip


def _legend_place(options: PlotOptions) -> dict[str, Any]:
    """Where the legends of a still stand, in Vega's words."""
    if options.legend == "none":
        return {}
    row, _, column = options.legend.partition(" ")
    if column == "center":
        side, anchor = ("top" if row == "upper" else "bottom"), "start"
    else:
        side, anchor = column, {"upper": "start", "center": "middle", "lower": "end"}[row]
    # Altair's schema lacks `layout`, which Vega-Lite hands on.
    return {"orient": side, "layout": {side: {"anchor": anchor, "direction": "vertical"}}}
