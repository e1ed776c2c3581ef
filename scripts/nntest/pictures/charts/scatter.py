"""Latency against throughput: what a larger batch buys, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from nntest.analysis.trade_offs import Limits, group_label, has, variant_order
from nntest.pictures.charts.filters import limit_line, picks
from nntest.pictures.charts.theme import Look, faded, log_axis

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
    alt.Tooltip("top1_published_percent:Q", title="published, %", format=".2f"),
    alt.Tooltip("power_w:Q", title="power, W", format=".3~g"),
    alt.Tooltip("kind:N"),
    alt.Tooltip("source:N"),
]
"""What a point says of itself, in every chart of configurations."""


def latency_throughput(
    frame: pd.DataFrame,
    limits: Limits,
    look: Look,
    hardware: Sequence[str] = (),
    variants: Sequence[str] = (),
) -> Any:
    """Latency of a batch [ms] against frames a second, log-log, of one network.

    Colour tells the hardware, the shape the variant.  Points of one hardware, data type and
    variant hang together in the order of their batches.  A click on a legend entry greys the
    others; shift adds one.  On a page lists pick configurations.  A limit on the latency is a line.
    `hardware` and `variants` are what the legends list, if more than the rows have.
    """
    rows = has(frame, "latency_ms", "frames_per_s").assign(group=group_label)
    params, kept = look.picks("hardware", "variant")
    picked = picks(rows, look)

    def latency(column: str) -> Any:
        return log_axis(alt.X(f"{column}:Q", title="latency of a batch, ms"), rows["latency_ms"])

    base = alt.Chart(rows).encode(
        x=latency("latency_ms"),
        y=log_axis(alt.Y("frames_per_s:Q", title="frames a second"), rows["frames_per_s"]),
        color=look.colour(
            "hardware", hardware or sorted(rows["hardware"].unique()), "platform", "hardware", kept
        ),
    )
    lines = base.mark_line(strokeWidth=1, opacity=0.6).encode(detail="group:N", order="batch:Q")
    points = base.mark_point(filled=True, size=70).encode(
        shape=look.shape(
            "variant",
            variants or sorted(rows["variant"].unique(), key=variant_order, reverse=True),
            "variant",
        ),
        opacity=faded(kept, 0.9, 0.25),
        tooltip=TOOLTIP,
    )
    found = alt.layer(lines, points.add_params(*params)).transform_filter(picked.test)
    drawn = alt.layer(*limit_line(latency("limit"), limits.latency_ms), found)
    return drawn.add_params(*picked.params).properties(**look.size())
