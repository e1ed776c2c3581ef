"""Box plots with every configuration in them, so that a batch sweep does not pass for spread."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from nntest.analysis.trade_offs import Limits, has, variant_order
from nntest.pictures.charts.filters import LIMIT_LOOK, picks
from nntest.pictures.charts.scatter import TOOLTIP
from nntest.pictures.charts.theme import Look, log_axis
from nntest.pictures.style import FAINT

COLUMNS = 3
"""Of panels."""
QUANTITIES = {
    "latency_ms": "latency of a batch, ms",
    "frames_per_s": "frames a second",
    "power_w": "power, W",
    "memory_mb": "memory, MB",
}


def facet_label(frame: pd.DataFrame) -> pd.Series:
    """Network, platform, library and data type, over which variants are compared.

    The network is left out where there is only one.
    """
    names = ["network", "platform", "library", "data_type"][frame["network"].nunique() < 2 :]
    parts = zip(*(frame[name] for name in names), strict=True)
    labels = [" · ".join(text for text in row if text) for row in parts]
    return pd.Series(labels, index=frame.index, dtype="str")


def boxed(frame: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """The rows with that quantity, without those that would be a panel of a single point."""
    rows = has(frame, quantity).assign(panel=facet_label)
    return rows[rows.groupby("panel")["panel"].transform("size") > 1]


def box_plot(frame: pd.DataFrame, quantity: str, limits: Limits, look: Look) -> Any:
    """`quantity` (of `QUANTITIES`) by variant; panels by network, platform, library and data type.

    The box spans the quartiles and its whiskers all values: what differs inside one is the batch,
    which colours the points and sets them side by side, and the threads.  On a page lists pick
    configurations.  A limit on the quantity is a line.
    """
    rows = boxed(frame, quantity)
    order = sorted(rows["variant"].unique(), key=variant_order, reverse=True)
    # A number as text sorts as text: the order is given.
    batches = [str(batch) for batch in sorted(int(n) for n in rows["batch"].dropna().unique())]
    rows = rows.assign(
        batch_name=rows["batch"].map(lambda batch: "not given" if pd.isna(batch) else f"{batch}")
    )
    batches += ["not given"] if rows["batch"].isna().any() else []
    x = (
        alt.X("variant:N", sort=order, title=None)
        .axis(labelAngle=0)
        .scale(paddingInner=0.2, paddingOuter=0.1)
    )
    y = log_axis(alt.Y(f"{quantity}:Q", title=QUANTITIES[quantity]), rows[quantity])
    size = look.size(240, 210)
    # What a variant has with that padding; the points stand in its box, be they many or few.
    band = 0.8 * size["width"] / len(order)
    wide = min(0.75 * band, 70)
    picked, limit = picks(rows, look), limits.named().get(quantity)
    base = alt.Chart(rows)
    boxes = base.mark_boxplot(
        extent="min-max", size=wide, color="#e6e9ee",
        median={"color": FAINT, "strokeWidth": 2}, rule={"color": FAINT},
        box={"stroke": FAINT, "strokeWidth": 0.8},
    ).encode(x=x, y=y)  # fmt: skip
    points = base.mark_point(filled=True, size=42, opacity=0.95, stroke="white").encode(
        x=x,
        y=y,
        xOffset=alt.XOffset("batch_name:N", sort=batches).scale(
            range=[(band - wide) / 2, (band + wide) / 2]
        ),
        color=look.listed(
            alt.Color(
                "batch_name:O",
                sort=batches,
                title="batch, threads or streams",
                scale=alt.Scale(scheme="viridis", reverse=True),
            ),
            batches,
        ),
        tooltip=TOOLTIP,
    )
    layers = [boxes, points]
    if limit is not None:
        panels = base.transform_aggregate(rows="count()", groupby=["panel"])
        layers.insert(0, panels.mark_rule(**LIMIT_LOOK).encode(y=alt.datum(limit)))
    return (
        alt.layer(*layers)
        .transform_filter(picked.test)
        .properties(**size)
        .facet(facet=alt.Facet("panel:N", title=None), columns=COLUMNS)
        .add_params(*picked.params)
    )
