"""Charts as still pictures: an SVG and a PNG, with a heading and a legend around the chart."""

from __future__ import annotations

import textwrap
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import vl_convert

from nntest.analysis.points import GROUP_COLUMNS, named_by_threads
from nntest.analysis.trade_offs import LIMITED, Limits, has, variant_order
from nntest.config.plot_options import PlotOptions
from nntest.pictures import style
from nntest.pictures.charts import boxes
from nntest.pictures.charts.boxes import QUANTITIES, box_plot, boxed, facet_label
from nntest.pictures.charts.fronts import COSTS, pareto
from nntest.pictures.charts.layer_order import ACROSS, MARKS, layer_order, parts, timed_networks
from nntest.pictures.charts.predicted_frames import predicted_frames, shown_predictions
from nntest.pictures.charts.roofline import longest_tensors, roofline, with_a_place
from nntest.pictures.charts.scatter import latency_throughput
from nntest.pictures.charts.theme import (
    PIXELS_PER_INCH,
    WIDTH,
    Look,
    specification,
    stacked,
)
from nntest.pictures.plots.paging import NOT_ON_THIS_PAGE, page_of, rows_of
from nntest.pictures.plots.sheet import nothing_measured, styled

_MOST_PANELS, _MOST_TENSORS = 8, 40
"""Rooflines on a page, and tensors in them."""
_MOST_CHARTS, _MOST_LAYERS = 16, 480
"""Networks on a page, and layers below each other."""


def roofline_still(
    points: pd.DataFrame,
    frame: pd.DataFrame,
    options: PlotOptions,
    svg: Path,
    png: Path,
) -> None:
    """A roofline for each platform, library, batch size and data type that was measured, in pages.

    The tensors that take longest are on the first.  `points`: `roofline.measured.roofline_points`
    of the measurement table `frame`.
    """
    shown = named_by_threads(with_a_place(points))
    traffic = ", ".join(sorted(set(points["traffic_model"])))
    head = style.heading("Roofline" + (f", traffic model {traffic}" if traffic else ""), frame)
    if shown.empty:
        nothing = "nothing was measured" if points.empty else (
            "with everything on the chip there is no intensity to draw a point at")  # fmt: skip
        return _nothing(nothing, head, options, svg, png)
    names = [sorted(shown[name].unique()) for name in ("operator", "tuner")]
    by_group = dict(iter(shown.groupby(list(GROUP_COLUMNS), sort=True, dropna=False)))
    kinds: list[tuple[str, list[Any], int]] = [
        ("panels", list(by_group), _MOST_PANELS),
        ("tensors, the longest first", longest_tensors(shown), _MOST_TENSORS),
    ]
    (panel, tensor), page = page_of(options.page, kinds, "plots.roofline.page")
    on_page = [(key, by_group[key]) for key in panel.shown]
    on_page = [(key, own[own["tensor"].isin(tensor.shown)]) for key, own in on_page]
    groups = [(key, own) for key, own in on_page if len(own)]
    head = head.beside(page)
    if not groups:
        return _nothing(NOT_ON_THIS_PAGE, head, options, svg, png)

    def draw(look: Look) -> dict[str, Any]:
        panels = []
        for key, own in groups:
            platform, library, batch, data_type, *_ = key
            title = f"{platform} · {library} · {data_type}, batch {batch}"
            panels.append(roofline(own, look, *names).properties(title=_title(title)))
        independent = {"scale": {"strokeDash": "independent"}}
        return stacked(panels, look, spacing=30, resolve=independent)

    return _write(draw, (1, len(groups)), head, options, svg, png)


def layer_order_still(
    rows: pd.DataFrame, frame: pd.DataFrame, options: PlotOptions, svg: Path, png: Path
) -> None:
    """Every layer in network order, a chart for each network and platform.

    `rows`: `analysis.layer_order.layers_in_order` of the measurement table `frame`.
    """
    head = style.heading("Layers in network order, at the best schedule", frame)
    shown = named_by_threads(timed_networks(rows))
    if shown.empty:
        nothing = "no layer of the study's networks was measured"
        return _nothing(nothing, head, options, svg, png)
    charts = parts(shown)
    most = rows_of(max(part.height for part in charts), _MOST_CHARTS, _MOST_LAYERS)
    (part,), page = page_of(options.page, [("charts", charts, most)], "plots.layers.page")
    head = head.beside(page)
    species = list(dict.fromkeys(name for one in part.shown for name in one.rows["species"]))

    def draw(look: Look) -> dict[str, Any]:
        panels = [
            layer_order(one, look, species).properties(
                title=_title(one.title, textwrap.wrap(MARKS, 120))
            )
            for one in part.shown
        ]
        return stacked(panels, look, spacing=30)

    return _write(draw, (ACROSS, len(part.shown)), head, options, svg, png)


def predicted_frames_still(
    predictions: pd.DataFrame,
    measured: pd.DataFrame,
    traffic_model: str,
    options: PlotOptions,
    svg: Path,
    png: Path,
) -> None:
    """The map of `predicted_frames` for one traffic model."""
    rows = shown_predictions(predictions, traffic_model)
    batch = f", batch {rows['batch_size'].iloc[0]}" if len(rows) else ""
    where = f"roofline model, traffic model {traffic_model}{batch}; not measured"
    head = style.Heading("Predicted frames a second", where, "")
    if rows.empty:
        nothing = "the config lists no platform whose frames a second could be predicted"
        return _nothing(nothing, head, options, svg, png)
    return _write(
        lambda look: specification(predicted_frames(rows, measured, look), look),
        (1, 1),
        head,
        options,
        svg,
        png,
    )


def trade_off_still(
    plot: str,
    frame: pd.DataFrame,
    limits: Limits,
    options: PlotOptions,
    svg: Path,
    png: Path,
) -> None:
    """The picture of that name: scatter.latency-throughput, pareto.<cost>, boxes.<quantity>.

    Costs are those of `fronts.COSTS`, quantities those of `boxes.QUANTITIES`; `frame` has the
    columns of `analysis.trade_offs`.  Of one configuration alone there is no picture.
    """
    kind, _, what = plot.partition(".")
    grey = ""
    if kind == "scatter":
        title = "Latency of a batch against frames a second"
        needs, lacks = ["latency_ms", "frames_per_s"], "a latency and a throughput"
    elif kind == "pareto":
        cost = COSTS[what]
        title = f"Top-1 accuracy against {cost.title}"
        needs = [cost.column, "top1_percent", "latency_ms"]
        lacks = f"an accuracy and a {cost.title.split(',')[0]}"
        beyond = [f"{limit:g} {LIMITED[name]}" for name, limit in limits.named().items()]
        grey = "; grey: dominated" + (f", or not within {', '.join(beyond)}" if beyond else "")
    else:
        title = f"{QUANTITIES[what][0].upper()}{QUANTITIES[what][1:]}, by variant"
        needs, lacks = [what], f"a {QUANTITIES[what].split(',')[0]}"
    rows = boxed(frame, what) if kind == "boxes" else has(frame, *needs)
    head = _heading(title, rows, grey)
    if len(rows) < 2:
        found = f"one configuration alone has {lacks}" if len(rows) else (
            f"no configuration has {lacks}")  # fmt: skip
        return _nothing(found, head, options, svg, png)
    networks = list(rows.groupby("network"))

    def draw(look: Look) -> dict[str, Any]:
        if kind == "boxes":
            return specification(box_plot(rows, what, limits, look), look)
        hardware = sorted(rows["hardware"].unique())
        variants = sorted(rows["variant"].unique(), key=variant_order, reverse=True)
        panels = []
        for network, own in networks:
            if kind == "scatter":
                panel = latency_throughput(own, limits, look, hardware, variants)
            else:
                panel = pareto(own, what, limits, look, hardware)
            panels.append(panel.properties(title=_title(str(network))))
        return stacked(panels, look, spacing=30)

    panels = facet_label(rows).nunique()
    across = min(boxes.COLUMNS, panels)
    grid = (across, -(-panels // across)) if kind == "boxes" else (1, len(networks))
    return _write(draw, grid, head, options, svg, png)


def _heading(what: str, frame: pd.DataFrame, more: str) -> style.Heading:
    """What is shown, and how many configurations of which kind."""
    counts = frame["kind"].value_counts().sort_index()
    where = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    emulated = frame["hardware"].str.contains("(emulated)", regex=False).any()
    warning = "some ran under an emulator; these are not the times of a real board"
    return style.Heading(
        what, f"configurations: {where}{more}" if where else "", "", warning if emulated else ""
    )


def _nothing(reason: str, head: style.Heading, options: PlotOptions, svg: Path, png: Path) -> None:
    with styled():
        nothing_measured(head, reason, options, svg, png)


# -- writing -------------------------------------------------------------------------------


def _write(
    draw: Callable[[Look], dict[str, Any]],
    grid: tuple[int, int],
    head: style.Heading,
    options: PlotOptions,
    svg: Path,
    png: Path,
) -> None:
    """Write what `draw` draws with `grid` (columns, rows) panels, each as large as its look says.

    For a size that the user fixed, the panels grow or shrink by what the first try is off.
    """
    look = Look(options, still=True)
    text = _svg(draw(look), head, look)
    for _ in range(2 if options.figure_size else 0):
        assert options.figure_size
        off = [
            inches * PIXELS_PER_INCH - pixels
            for inches, pixels in zip(options.figure_size, _size(text), strict=True)
        ]
        grow = (look.grow[0] + off[0] / grid[0], look.grow[1] + off[1] / grid[1])
        look = replace(look, grow=grow)
        text = _svg(draw(look), head, look)
    svg.write_text(text, encoding="utf-8")
    dots = vl_convert.svg_to_png(text, scale=72 / PIXELS_PER_INCH, ppi=options.dpi)
    png.write_bytes(dots)


def _svg(chart: dict[str, Any], head: style.Heading, look: Look) -> str:
    """The chart of a specification with its heading above."""
    size = look.options.figure_size
    inches = size[0] if size else (WIDTH + 180) / PIXELS_PER_INCH
    outer = {name: chart.pop(name) for name in ("$schema", "config", "datasets")}
    for text in reversed(style.header_texts(head, look.options, inches)):
        title = {
            "text": list(text.lines), "anchor": "start", "color": text.colour, "offset": 6,
            "fontSize": text.size * PIXELS_PER_INCH / 72, "lineHeight": text.size * 1.75,
            "fontWeight": "bold" if text.bold else "normal",
        }  # fmt: skip
        # A legend stays with its chart, below the heading.
        legends = dict.fromkeys(("color", "shape", "strokeDash"), "independent")
        chart = {"vconcat": [chart], "title": title, "resolve": {"legend": legends}}
    drawn: str = vl_convert.vegalite_to_svg({**outer, **chart})
    return drawn


def _size(svg: str) -> tuple[float, float]:
    """Width and height of an SVG, in pixels."""
    root = ET.fromstring(svg)
    return float(root.get("width", "0")), float(root.get("height", "0"))


def _title(text: str, below: Sequence[str] = ()) -> alt.TitleParams:
    """The title of a panel, and smaller lines below it."""
    lines: dict[str, Any] = {"subtitle": list(below), "subtitleColor": style.FAINT} if below else {}
    return alt.TitleParams(text, anchor="start", fontSize=13, offset=8, **lines)
