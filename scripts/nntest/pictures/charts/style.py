"""What all charts share: colours, fonts, sizes, and legends that select."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from nntest.pictures.style import FAINT, GRID, INK, OKABE_ITO

WIDTH, HEIGHT = 760, 440
GREY = "#c9ccd1"
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "stroke"]
_DASHES = [[1, 0], [6, 3], [2, 2], [8, 2, 2, 2]]


def colour_scale(names: Sequence[str]) -> alt.Scale:
    """Colours that colour-blind readers tell apart, one for each name."""
    return alt.Scale(
        domain=list(names), range=[OKABE_ITO[i % len(OKABE_ITO)] for i in range(len(names))]
    )


def shape_scale(names: Sequence[str]) -> alt.Scale:
    """Shapes, one for each name."""
    return alt.Scale(domain=list(names), range=[SHAPES[i % len(SHAPES)] for i in range(len(names))])


def legend_selection(field: str) -> alt.Parameter:
    """A click on an entry of the legend of `field` keeps its points and greys the others."""
    return alt.selection_point(name=f"pick_{field}", fields=[field], bind="legend")


def chosen(selections: Sequence[alt.Parameter]) -> Any:
    """The points that every selection keeps."""
    test: Any = selections[0]
    for selection in selections[1:]:
        test = test & selection
    return test


def specification(chart: Any) -> dict[str, Any]:
    """A chart as a Vega-Lite specification in the looks of this project."""
    look = chart.configure(
        font="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif", background="white"
    )
    look = look.configure_axis(
        labelFontSize=12, titleFontSize=13, titleFontWeight=600, gridColor=GRID,
        labelColor=INK, titleColor=INK, domainColor=FAINT, tickColor=FAINT,
    )  # fmt: skip
    look = look.configure_legend(
        labelFontSize=12, titleFontSize=12, symbolSize=110, labelLimit=420, titleLimit=420,
        symbolOpacity=1,
    )  # fmt: skip
    look = look.configure_header(labelFontSize=12, titleFontSize=12)
    look = look.configure_view(stroke=GRID)
    made: dict[str, Any] = look.to_dict()
    return made
