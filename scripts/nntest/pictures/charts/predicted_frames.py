"""Frames a second that the roofs of platforms allow networks, as a heat map with its numbers."""

from __future__ import annotations

import math
import re
from typing import Any

import altair as alt
import pandas as pd

from nntest.domain.data_types import order_of
from nntest.pictures.charts.theme import Look
from nntest.pictures.style import INK

_KEYS = ["network", "platform_file", "data_type", "ceiling"]


def shown_predictions(predictions: pd.DataFrame, traffic_model: str) -> pd.DataFrame:
    """The rows of `roofline.tables.prediction` that the map shows: at the smallest batch size."""
    rows = predictions[predictions["traffic_model"] == traffic_model]
    smallest: pd.DataFrame = rows[rows["batch_size"] == rows["batch_size"].min()]
    return smallest


def predicted_frames(rows: pd.DataFrame, measured: pd.DataFrame, look: Look) -> Any:
    """A map of `shown_predictions` (at least one).

    A row for each platform, data type and ceiling, the platform with the fastest prediction first;
    a column for each network, families together and the most operations first.  A cell has the
    frames a second, what bounds them, and, where `measured` has columns `network`, `platform_file`,
    `data_type`, `ceiling` and `measured_over_predicted`, the measured share of the prediction.
    """
    rows = rows.merge(measured[[*_KEYS, "measured_over_predicted"]], on=_KEYS, how="left")
    several = rows.groupby(["platform_file", "data_type"])["ceiling"].transform("nunique") > 1
    names = rows["platform"] + " · " + rows["data_type"]
    low, high = (math.log(end) for end in (rows["frames_per_s"].min(), rows["frames_per_s"].max()))
    height = rows["frames_per_s"].map(lambda rate: (math.log(rate) - low) / max(high - low, 1e-9))
    rows = rows.assign(
        machine=names.where(~several, names + " (" + rows["ceiling"] + ")"),
        figure=rows["frames_per_s"].map(rate_text),
        below=rows["measured_over_predicted"].map(share_text),
        # Vega has no test for a cell's brightness; viridis is bright from here.
        bright=height > 0.6,
    )
    rows["below"] = rows["bound"] + rows["below"].map(
        lambda text: f"\nmeasured {text}" * bool(text)
    )
    tall = 50 if rows["measured_over_predicted"].notna().any() else 38
    machines, networks = machine_order(rows), network_order(rows)
    base = alt.Chart(rows).encode(
        x=alt.X("network:N", sort=networks, title=None).axis(
            labelAngle=-25, labelLimit=220, orient="top"
        ),
        y=alt.Y("machine:N", sort=machines, title=None).axis(labelLimit=400),
    )
    cells = base.mark_rect(stroke="white").encode(
        color=alt.Color(
            "frames_per_s:Q",
            title="frames a second",
            scale=alt.Scale(type="log", scheme="viridis"),
            # Each cell has its number.
            legend=None,
        ),
        tooltip=[
            alt.Tooltip("platform:N"),
            alt.Tooltip("data_type:N", title="data type"),
            alt.Tooltip("ceiling:N"),
            alt.Tooltip("network:N"),
            alt.Tooltip("frames_per_s:Q", title="frames a second", format=",.4~g"),
            alt.Tooltip("latency_ms:Q", title="latency of a batch, ms", format=",.3~g"),
            alt.Tooltip("bound:N", title="bound by"),
            alt.Tooltip("intensity_ops_per_byte:Q", title="operations a byte", format=",.3~g"),
            alt.Tooltip("ridge_ops_per_byte:Q", title="ridge", format=",.3~g"),
            alt.Tooltip("layers_frames_per_s:Q", title="layer by layer", format=",.4~g"),
            alt.Tooltip("measured_over_predicted:Q", title="measured, best", format=".1%"),
        ],
    )
    ink = alt.when(alt.datum.bright).then(alt.value(INK)).otherwise(alt.value("white"))
    texts = [
        base.mark_text(fontSize=12.5, fontWeight="bold", baseline="top", dy=5 - tall / 2).encode(
            text="figure:N", color=ink
        ),
        base.mark_text(
            fontSize=10, baseline="top", dy=20 - tall / 2, lineBreak="\n", lineHeight=12
        ).encode(text="below:N", color=ink),
    ]
    return alt.layer(cells, *texts).properties(
        **look.size(max(320, 100 * len(networks)), tall * len(machines))
    )


def network_order(rows: pd.DataFrame) -> list[str]:
    """Networks by family in the order of the table, the one with the most operations first."""
    families: dict[str, list[tuple[int, str]]] = {}
    for network, operations in rows[["network", "operations"]].drop_duplicates().to_numpy():
        family = re.split(r"[-\s\d]", network)[0]
        families.setdefault(family, []).append((-int(operations), network))
    return [name for members in families.values() for _, name in sorted(members)]


def machine_order(rows: pd.DataFrame) -> list[str]:
    """Column `machine` of the rows: the fastest platform first, in it data types and ceilings."""
    fastest = rows.groupby("platform_file")["frames_per_s"].max()
    keys = rows[["platform_file", "data_type", "rank", "machine"]].drop_duplicates()
    found = sorted(
        keys.itertuples(index=False),
        key=lambda key: (-fastest[key[0]], key[0], order_of(key[1]), key[2]),
    )
    return [str(key[3]) for key in found]


def rate_text(value: float) -> str:
    """Frames a second with three digits, e.g. '12.5 k'."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit * 0.9995:
            return f"{_three(value / limit)} {unit}"
    return _three(value)


def share_text(ratio: float) -> str:
    """Measured over predicted: '79 %' below 1, '2.1×' above; nothing for NaN."""
    if pd.isna(ratio):
        return ""
    return f"{100 * ratio:.2g} %" if ratio < 0.995 else f"{ratio:.2g}×"


def _three(value: float) -> str:
    return f"{value:.0f}" if value >= 99.95 else f"{value:.3g}"
