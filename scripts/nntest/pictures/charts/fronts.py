"""Pareto graphs: accuracy against what it costs, with a limit on the latency to play with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from nntest.analysis.pareto import Sense
from nntest.analysis.trade_offs import has
from nntest.pictures.charts.scatter import TOOLTIP
from nntest.pictures.charts.theme import GREY, Look, faded, key, log_axis, round_numbers
from nntest.pictures.style import INK, number


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

    @property
    def unit(self) -> str:
        """The last word of its title."""
        return self.title.rpartition(", ")[2]


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


def pareto(
    frame: pd.DataFrame,
    cost_name: str,
    limit_ms: float | None,
    look: Look,
    hardware: Sequence[str] = (),
) -> Any:
    """Top-1 accuracy against a cost (one of `COSTS`), the front as steps, the others grey.

    On a page a list sets the largest latency [ms] that counts (it starts at `limit_ms`, or at
    none); the front is that of the configurations within it.  In a still, numbers stand at the
    corners of the front, and a key says what they are.  `hardware` is what the legend lists, if
    more than the rows have.
    """
    cost = COSTS[cost_name]
    rows = has(frame, cost.column, "top1_percent", "latency_ms")
    leaves = leaves_the_front_at(rows, cost)
    limit = NEVER if limit_ms is None else limit_ms
    rows = rows.assign(
        leaves_ms=np.minimum(leaves, NEVER),
        ends=np.isfinite(leaves),
        on_front=(rows["latency_ms"].to_numpy(float) <= limit) & (leaves > limit),
    )
    params, kept = look.picks("hardware")
    stays = "datum.on_front"
    if not look.still:
        params.append(_limit_list(rows["latency_ms"], limit_ms))
        # A front that nothing ends has NEVER there, which is no smaller than the limit NEVER.
        stays = "datum.latency_ms <= limit && (datum.leaves_ms > limit || !(datum.ends))"
    x = log_axis(alt.X(f"{cost.column}:Q", title=cost.title), rows[cost.column])
    y = alt.Y("top1_percent:Q", title="top-1 accuracy, %").scale(zero=False, nice=True)
    base = alt.Chart(rows).encode(x=x, y=y)
    # Between two points of a front only the worse of both is had: the step holds the accuracy of
    # the point that costs more until the next cheaper one.
    steps = (
        base.transform_filter(stays)
        .mark_line(
            interpolate="step-before" if cost.more_is_better else "step-after",
            color=INK,
            strokeWidth=1.6,
        )
        .encode(order=alt.Order(f"{cost.column}:Q"))
    )
    shape = look.shape("kind", sorted(frame["kind"].unique()), "kind")
    dominated = (
        base.transform_filter(f"!({stays})")
        .mark_point(filled=True, size=45, color=GREY)
        .encode(shape=shape, opacity=faded(kept, 0.9, 0.2), tooltip=TOOLTIP)
    )
    front = (
        base.transform_filter(stays)
        .mark_point(filled=True, size=200 if look.still else 130, opacity=1, stroke="white")
        .encode(
            color=look.colour(
                "hardware", hardware or sorted(rows["hardware"].unique()), "platform", "hardware",
                kept,
            ),
            shape=shape,
            tooltip=TOOLTIP,
        )
        .add_params(*params)
    )  # fmt: skip
    if not look.still:
        return alt.layer(dominated, steps, front).properties(**look.size())
    corners = _corners(rows[rows["on_front"]], cost)
    numbers = (
        alt.Chart(corners)
        .mark_text(color="white", fontSize=9, fontWeight="bold")
        .encode(x=x, y=y, text="number:N")
    )
    panel = alt.layer(dominated, steps, front, numbers).properties(**look.size(560, 360))
    return alt.hconcat(panel, key([(line, False) for line in corners["line"]]), spacing=24)


def _corners(front: pd.DataFrame, cost: Cost) -> pd.DataFrame:
    """Corners of a front, numbered from the cheapest, with a line on each; equal ones share it."""
    ordered = front.sort_values([cost.column, "top1_percent"], ascending=not cost.more_is_better)
    rows: list[dict[str, Any]] = []
    for _, group in ordered.groupby([cost.column, "top1_percent"], sort=False):
        first = group.iloc[0]
        batch = "" if pd.isna(first["batch"]) else f"batch {first['batch']}"
        words = " ".join(word for word in (first["data_type"], first["variant"], batch) if word)
        more = f" and {len(group) - 1} more" if len(group) > 1 else ""
        value = first[cost.column]
        text = f"{value:.3g}" if value < 1e3 else number(round(value))
        line = f"{words}{more}: {first['top1_percent']:.2f} %, {text} {cost.unit}"
        rows.append({
            cost.column: value, "top1_percent": first["top1_percent"],
            "number": f"{len(rows) + 1}", "line": f"{len(rows) + 1}: {line}",
        })  # fmt: skip
    return pd.DataFrame(rows, columns=[cost.column, "top1_percent", "number", "line"])


def _limit_list(latencies_ms: pd.Series, limit_ms: float | None) -> alt.Parameter:
    """The list on a page that sets the largest latency that counts."""
    found = round_numbers(latencies_ms.min(), latencies_ms.max())
    limits = sorted({*found, *([limit_ms] if limit_ms else [])})
    return alt.param(
        name="limit",
        value=NEVER if limit_ms is None else limit_ms,
        bind=alt.binding_select(
            options=[*limits, NEVER],
            labels=[*(f"{value:g} ms" for value in limits), "no limit"],
            name="largest latency counted ",
        ),
    )
