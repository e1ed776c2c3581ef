"""Pareto graphs: accuracy against what it costs, with a limit on the latency to play with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from nntest.analysis.pareto import Sense
from nntest.analysis.trade_offs import has
from nntest.pictures.charts.scatter import TOOLTIP
from nntest.pictures.charts.style import (
    GREY,
    HEIGHT,
    WIDTH,
    colour_scale,
    legend_selection,
    shape_scale,
)
from nntest.pictures.style import INK


@dataclass(frozen=True)
class Cost:
    """What stands against accuracy on the other axis."""

    column: str
    title: str
    more_is_better: bool

    @property
    def sense(self) -> Sense:
        """Which end of it is better."""
        return "max" if self.more_is_better else "min"


COSTS = {
    "frames_per_s": Cost("frames_per_s", "frames a second", True),
    "latency": Cost("latency_ms", "latency of a batch, ms", False),
    "energy": Cost("energy_mj_per_frame", "energy per frame, mJ", False),
}
NEVER = 1e300
"""Stands for 'at no limit' where a chart needs a number."""


def leaves_the_front_at(frame: pd.DataFrame, cost: Cost) -> np.ndarray:
    """The latency limit [ms] from which on each row is dominated; infinite if it never is.

    A row is on the front of those within a limit L if its own latency is at most L and no row
    within L is at least as good on both axes and better on one.  Each row that dominates it comes
    in at its own latency, so the first of them to come in ends it; equal rows share the front.
    """
    accuracy = frame["top1_percent"].to_numpy(float)
    gain = frame[cost.column].to_numpy(float) * (1 if cost.more_is_better else -1)
    latency = frame["latency_ms"].to_numpy(float)
    leaves = np.full(len(frame), np.inf)
    for row in range(len(frame)):
        as_good = (accuracy >= accuracy[row]) & (gain >= gain[row])
        better = (accuracy > accuracy[row]) | (gain > gain[row])
        dominators = latency[as_good & better]
        if len(dominators):
            leaves[row] = dominators.min()
    return leaves


def pareto(frame: pd.DataFrame, cost_name: str, limit_ms: float | None = None) -> Any:
    """Top-1 accuracy against a cost (one of `COSTS`), the front as steps, the others grey.

    A list sets the largest latency [ms] that counts (it starts at `limit_ms`, or at none); the
    front is that of the configurations within it.
    """
    cost = COSTS[cost_name]
    rows = has(frame, cost.column, "top1_percent", "latency_ms")
    leaves = leaves_the_front_at(rows, cost)
    rows = rows.assign(leaves_ms=np.minimum(leaves, NEVER), ends=np.isfinite(leaves))
    hardware = sorted(rows["hardware"].unique())
    kinds = sorted(rows["kind"].unique())
    steps_of_limit = _limits(rows["latency_ms"])
    limit = alt.param(
        name="limit",
        value=NEVER if limit_ms is None else limit_ms,
        bind=alt.binding_select(
            options=[*sorted({*steps_of_limit, *([limit_ms] if limit_ms else [])}), NEVER],
            labels=[
                *(
                    f"{value:g} ms"
                    for value in sorted({*steps_of_limit, *([limit_ms] if limit_ms else [])})
                ),
                "no limit",
            ],
            name="largest latency counted ",
        ),
    )
    pick = legend_selection("hardware")
    # A front that nothing ends has NEVER there, which is no smaller than the limit NEVER.
    stays = "datum.latency_ms <= limit && (datum.leaves_ms > limit || !(datum.ends))"
    x = alt.X(f"{cost.column}:Q", title=cost.title).scale(type="log", nice=True)
    y = alt.Y("top1_percent:Q", title="top-1 accuracy, %").scale(zero=False, nice=True)
    base = alt.Chart(rows)
    # Between two points of a front only the worse of both is had: the step holds the accuracy of
    # the point that costs more until the next cheaper one.
    steps = (
        base.transform_filter(stays)
        .mark_line(
            interpolate="step-before" if cost.more_is_better else "step-after",
            color=INK,
            strokeWidth=1.6,
        )
        .encode(x=x, y=y, order=alt.Order(f"{cost.column}:Q"))
    )
    dominated = (
        base.transform_filter(f"!({stays})")
        .mark_point(filled=True, size=45, color=GREY)
        .encode(
            x=x,
            y=y,
            shape=alt.Shape("kind:N", scale=shape_scale(kinds), title="kind"),
            opacity=alt.when(pick).then(alt.value(0.9)).otherwise(alt.value(0.2)),
            tooltip=TOOLTIP,
        )
    )
    front = (
        base.transform_filter(stays)
        .mark_point(filled=True, size=130, opacity=1, stroke="white")
        .encode(
            x=x,
            y=y,
            color=alt.when(pick)
            .then(alt.Color("hardware:N", scale=colour_scale(hardware), title="hardware"))
            .otherwise(alt.value(GREY)),
            shape=alt.Shape("kind:N", scale=shape_scale(kinds)),
            tooltip=TOOLTIP,
        )
    )
    layered = alt.layer(dominated, steps, front.add_params(pick, limit))
    return layered.properties(width=WIDTH, height=HEIGHT)


def _limits(latencies_ms: pd.Series) -> list[float]:
    """Round numbers, three a decade, over the latencies that there are."""
    if latencies_ms.empty:
        return []
    decades = range(
        int(np.floor(np.log10(latencies_ms.min()))), int(np.ceil(np.log10(latencies_ms.max()))) + 1
    )
    found = [step * 10.0**decade for decade in decades for step in (1, 2, 5)]
    return [limit for limit in found if latencies_ms.min() <= limit < latencies_ms.max()]
