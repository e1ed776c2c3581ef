"""The roofline of a board, with every measured layer under it."""

from __future__ import annotations

import math
from typing import Any

import altair as alt
import pandas as pd

from nntest.analysis.trade_offs import split_variant
from nntest.pictures.charts.style import (
    GREY,
    HEIGHT,
    WIDTH,
    chosen,
    colour_scale,
    legend_selection,
    shape_scale,
)
from nntest.pictures.style import FAINT, INK

_TOOLTIP = [
    alt.Tooltip("layers:N"),
    alt.Tooltip("operator:N"),
    alt.Tooltip("tuner:N"),
    alt.Tooltip("tensor:N"),
    alt.Tooltip("batch_size:Q", title="batch"),
    alt.Tooltip("library:N"),
    alt.Tooltip("median_us:Q", title="median, µs", format=",.4~g"),
    alt.Tooltip("achieved_gops:Q", title="GOP/s at the median", format=",.3~g"),
    alt.Tooltip("intensity_ops_per_byte:Q", title="operations a byte", format=",.3~g"),
    alt.Tooltip("bound:N", title="bound by"),
    alt.Tooltip("share_of_roof:Q", title="share of the roof", format=".1%"),
    alt.Tooltip("ceiling:N", title="of the ceiling"),
]


def roof_lines(roofs: pd.DataFrame, lowest: float, highest: float) -> pd.DataFrame:
    """Corners of each roof of `roofline.tables.roof_table` between two intensities.

    Columns: roof (data type and kind of ceiling), intensity_ops_per_byte, gops, corner (true at
    the ridge), with the roof's figures.  A ridge outside the range is no corner of the line.
    """
    rows: list[dict[str, Any]] = []
    for roof in roofs.to_dict("records"):
        ridge = roof["ridge_ops_per_byte"]
        inside = lowest < ridge < highest
        for place in (lowest, *([ridge] if inside else []), highest):
            rows.append(
                {
                    "roof": f"{roof['data_type']}, {roof['ceiling']}",
                    "intensity_ops_per_byte": place,
                    "gops": min(roof["peak_gops"], roof["bandwidth_gb_s"] * place),
                    "corner": place == ridge,
                    "peak_gops": roof["peak_gops"],
                    "bandwidth_gb_s": roof["bandwidth_gb_s"],
                    "ridge_ops_per_byte": ridge,
                }
            )
    return pd.DataFrame(rows)


def roofline(points: pd.DataFrame, roofs: pd.DataFrame) -> Any:
    """Measured points of one platform under its roofs, log-log.

    `points` is `roofline.measured.roofline_points` of the platform, `roofs` is
    `roofline.tables.roof_table` of its board; points without memory traffic have no place.
    """
    finite = points[points["intensity_ops_per_byte"].map(math.isfinite)]
    # One point against several ceilings is one mark: its share is of the first.
    marks = finite.sort_values("rank").drop_duplicates(
        ["library", "operator", "tensor", "batch_size", "tuner"]
    )
    ridges = roofs["ridge_ops_per_byte"]
    lowest = min(marks["intensity_ops_per_byte"].min(), ridges.min()) / 2
    highest = max(marks["intensity_ops_per_byte"].max(), ridges.max()) * 2
    lines = roof_lines(roofs, lowest, highest)
    operators = sorted(marks["operator"].unique())
    tuners = sorted(marks["tuner"].unique())
    picks = [legend_selection("operator"), legend_selection("tuner")]
    kept = chosen(picks)
    x = alt.X("intensity_ops_per_byte:Q", title="operations a byte of memory traffic").scale(
        type="log", domain=[lowest, highest], nice=False
    )
    roof = alt.Chart(lines).encode(
        x=x,
        y=alt.Y("gops:Q", title="GOP/s").scale(type="log", nice=True),
        detail="roof:N",
        tooltip=[
            alt.Tooltip("roof:N"),
            alt.Tooltip("peak_gops:Q", title="peak, GOP/s", format=",.4~g"),
            alt.Tooltip("bandwidth_gb_s:Q", title="bandwidth, GB/s", format=",.4~g"),
            alt.Tooltip("ridge_ops_per_byte:Q", title="ridge, operations a byte", format=",.3~g"),
        ],
    )
    last = roof.transform_filter(alt.datum.intensity_ops_per_byte == highest)
    dots = (
        alt.Chart(marks)
        .mark_point(filled=True, size=75)
        .encode(
            x=x,
            y=alt.Y("achieved_gops:Q"),
            color=alt.when(kept)
            .then(alt.Color("operator:N", scale=colour_scale(operators)))
            .otherwise(alt.value(GREY)),
            shape=alt.Shape("tuner:N", scale=shape_scale(tuners)),
            opacity=alt.when(kept).then(alt.value(0.9)).otherwise(alt.value(0.25)),
            tooltip=_TOOLTIP,
        )
        .add_params(*picks)
    )
    return alt.layer(
        roof.mark_line(color=INK, strokeWidth=1.4),
        roof.transform_filter("datum.corner").mark_point(color=INK, size=40, filled=True),
        last.mark_text(align="right", dy=-7, color=FAINT, fontSize=11).encode(text="roof:N"),
        dots,
    ).properties(width=WIDTH, height=HEIGHT)


def prediction_map(predictions: pd.DataFrame) -> Any:
    """Frames a second that each platform allows each network, as a heat map with its numbers.

    `predictions` is `roofline.tables.prediction`, of which the first ceiling of each data type is
    shown; a cell says by its letter what bounds it: c, compute, or m, memory.
    """
    rows = predictions[predictions["rank"] == 0]
    rows = rows.assign(
        machine=rows["platform"] + " · " + rows["data_type"],
        letter=rows["bound"].map({"compute": "c", "memory": "m"}),
    )
    # Fast machines first; in each family the network first that asks for most.
    machines = rows.groupby("machine")["frames_per_s"].median().sort_values(ascending=False).index
    columns = rows.drop_duplicates("network")
    columns = columns.assign(family=columns["network"].map(lambda name: split_variant(name)[0]))
    columns = columns.sort_values(["family", "operations"], ascending=[True, False])
    networks = columns["network"]
    middle = float(rows["frames_per_s"].map(math.log10).median()) if len(rows) else 0.0
    base = alt.Chart(rows).encode(
        x=alt.X("network:N", sort=list(networks), title=None).axis(labelAngle=-35, labelLimit=220),
        y=alt.Y("machine:N", sort=list(machines), title=None).axis(labelLimit=260),
    )
    cells = base.mark_rect(stroke="white").encode(
        color=alt.Color(
            "frames_per_s:Q",
            title="frames a second",
            scale=alt.Scale(type="log", scheme="viridis"),
            legend=alt.Legend() if rows["frames_per_s"].nunique() > 1 else None,
        ),
        tooltip=[
            alt.Tooltip("platform:N"),
            alt.Tooltip("data_type:N", title="data type"),
            alt.Tooltip("network:N"),
            alt.Tooltip("frames_per_s:Q", title="frames a second", format=",.4~g"),
            alt.Tooltip("latency_ms:Q", title="latency of a batch, ms", format=",.3~g"),
            alt.Tooltip("bound:N", title="bound by"),
            alt.Tooltip("intensity_ops_per_byte:Q", title="operations a byte", format=",.3~g"),
            alt.Tooltip("ridge_ops_per_byte:Q", title="ridge", format=",.3~g"),
            alt.Tooltip("layers_frames_per_s:Q", title="layer by layer", format=",.4~g"),
        ],
    )
    # Vega has no test for a cell's brightness; the scale's middle stands for it.
    text = base.mark_text(fontSize=11).encode(
        text="label:N",
        color=alt.condition(
            f"log(datum.frames_per_s) / LN10 > {middle:.3f}", alt.value("#111"), alt.value("white")
        ),
    )
    labelled = text.transform_calculate(
        label="format(datum.frames_per_s, datum.frames_per_s < 9.95 ? '.2~f' : ',.3~s') + ' ' "
        "+ datum.letter"
    )
    width = max(320, 82 * rows["network"].nunique())
    return alt.layer(cells, labelled).properties(width=width, height=alt.Step(24))
