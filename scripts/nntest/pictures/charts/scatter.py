"""Latency against throughput: what a larger batch buys, and what it costs."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from nntest.analysis.trade_offs import group_label, has, variant_order
from nntest.pictures.charts.style import (
    GREY,
    HEIGHT,
    WIDTH,
    chosen,
    colour_scale,
    legend_selection,
    shape_scale,
)

TOOLTIP = [
    alt.Tooltip("network:N"),
    alt.Tooltip("variant:N"),
    alt.Tooltip("hardware:N"),
    alt.Tooltip("data_type:N", title="data type"),
    alt.Tooltip("mode:N"),
    alt.Tooltip("batch:Q", title="batch, threads or streams"),
    alt.Tooltip("latency_ms:Q", title="latency of a batch, ms", format=",.4~g"),
    alt.Tooltip("frames_per_s:Q", title="frames a second", format=",.4~g"),
    alt.Tooltip("top1_percent:Q", title="top-1, %", format=".2f"),
    alt.Tooltip("power_w:Q", title="power, W", format=".3~g"),
    alt.Tooltip("kind:N"),
    alt.Tooltip("source:N"),
]
"""What a point tells of itself, in every chart of configurations."""


def latency_throughput(frame: pd.DataFrame) -> Any:
    """Latency of a batch [ms] against frames a second, log-log, by hardware and variant.

    Points of one hardware, data type and variant hang together in the order of their batches.  A
    click on a legend entry greys the others; shift adds one.
    """
    rows = has(frame, "latency_ms", "frames_per_s").assign(group=group_label)
    hardware = sorted(rows["hardware"].unique())
    variants = sorted(rows["variant"].unique(), key=variant_order, reverse=True)
    picks = [legend_selection("hardware"), legend_selection("variant")]
    kept = chosen(picks)
    base = alt.Chart(rows).encode(
        x=alt.X("latency_ms:Q", title="latency of a batch, ms").scale(type="log", nice=True),
        y=alt.Y("frames_per_s:Q", title="frames a second").scale(type="log", nice=True),
    )
    lines = base.mark_line(strokeWidth=1, opacity=0.35).encode(
        detail="group:N",
        order="batch:Q",
        color=alt.when(kept)
        .then(alt.Color("hardware:N", scale=colour_scale(hardware)))
        .otherwise(alt.value(GREY)),
    )
    points = base.mark_point(filled=True, size=70).encode(
        color=alt.when(kept)
        .then(alt.Color("hardware:N", scale=colour_scale(hardware), title="hardware"))
        .otherwise(alt.value(GREY)),
        shape=alt.Shape("variant:N", scale=shape_scale(variants), title="variant"),
        opacity=alt.when(kept).then(alt.value(0.9)).otherwise(alt.value(0.25)),
        tooltip=TOOLTIP,
    )
    layered = alt.layer(lines, points.add_params(*picks))
    return layered.properties(width=WIDTH, height=HEIGHT)
