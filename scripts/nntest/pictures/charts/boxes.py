"""Box plots with every configuration in them, so that a batch sweep does not pass for spread."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from nntest.analysis.trade_offs import has, variant_order
from nntest.pictures.charts.scatter import TOOLTIP
from nntest.pictures.style import FAINT

QUANTITIES = {
    "latency_ms": "latency of a batch, ms",
    "frames_per_s": "frames a second",
    "power_w": "power, W",
}


def facet_label(frame: pd.DataFrame) -> pd.Series:
    """Network, hardware and data type, over which variants are compared.

    The network is left out where there is only one.
    """
    label = frame["hardware"] + " · " + frame["data_type"]
    return label if frame["network"].nunique() < 2 else frame["network"] + " · " + label


def box_plot(frame: pd.DataFrame, quantity: str) -> Any:
    """`quantity` (of `QUANTITIES`) by variant; panels by network, hardware and data type.

    The box spans the quartiles and its whiskers all values: what differs inside one is the batch,
    which colours the points and sets them side by side.
    """
    rows = has(frame, quantity).assign(panel=facet_label)
    order = sorted(rows["variant"].unique(), key=variant_order, reverse=True)
    # A number as text sorts as text: the order is given.
    batches = sorted(int(batch) for batch in rows["batch"].dropna().unique())
    rows = rows.assign(batch_name=rows["batch"].map(lambda batch: f"{batch}"))
    x = alt.X("variant:N", sort=order, title=None).axis(labelAngle=0)
    y = alt.Y(f"{quantity}:Q", title=QUANTITIES[quantity]).scale(type="log")
    base = alt.Chart(rows)
    boxes = base.mark_boxplot(
        extent="min-max", size=34, color="#e6e9ee",
        median={"color": FAINT, "strokeWidth": 2}, rule={"color": FAINT},
        box={"stroke": FAINT, "strokeWidth": 0.8},
    ).encode(x=x, y=y)  # fmt: skip
    points = base.mark_point(filled=True, size=42, opacity=0.95, stroke="white").encode(
        x=x,
        y=y,
        xOffset=alt.XOffset("batch_name:N", sort=[str(batch) for batch in batches]),
        color=alt.Color(
            "batch:Q",
            title="batch, threads or streams",
            scale=alt.Scale(type="log", scheme="viridis", reverse=True),
        ),
        tooltip=TOOLTIP,
    )
    return (
        alt.layer(boxes, points)
        .properties(width=240, height=210)
        .facet(facet=alt.Facet("panel:N", title=None), columns=3)
    )
