"""Pareto graphs: accuracy against what it costs, within limits that a reader sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from nntest.analysis.pareto import Axis, Sense, pareto_front
from nntest.analysis.trade_offs import Limits, has
from nntest.pictures.charts.filters import NEVER, limit_line, limit_lists, picks
from nntest.pictures.charts.scatter import TOOLTIP
from nntest.pictures.charts.theme import GREY, Look, faded, key, log_axis
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


def pareto(
    frame: pd.DataFrame,
    cost_name: str,
    limits: Limits,
    look: Look,
    hardware: Sequence[str] = (),
) -> Any:
    """Top-1 accuracy against a cost (one of `COSTS`), the front as steps, the others grey.

    On a page lists set the limits that count (they start at `limits`) and pick configurations; the
    front is that of what is left.  A limit on what the axis shows is a line.  Accuracies that were
    measured have their interval.  In a still, numbers stand at the corners of the front, and a key
    says what they are.  `hardware` is what the legend lists, if more than the rows have.
    """
    cost = COSTS[cost_name]
    rows = has(frame, cost.column, "top1_percent", "latency_ms")
    front_now = on_front(rows, cost, limits)
    picked, limited = picks(rows, look), limit_lists(rows, limits, look)
    params, kept = look.picks("hardware")

    def cost_axis(column: str) -> Any:
        return log_axis(alt.X(f"{column}:Q", title=cost.title), rows[cost.column])

    def accuracy_axis(column: str) -> alt.Y:
        return alt.Y(f"{column}:Q", title="top-1 accuracy, %").scale(zero=False, nice=True)

    x, y = cost_axis(cost.column), accuracy_axis("top1_percent")
    base = alt.Chart(rows).encode(x=x, y=y)
    intervals = []
    if rows["top1_low_percent"].notna().any():  # Vega warns of a scale of nothing
        intervals = [
            base.transform_filter("isValid(datum.top1_low_percent)")
            .mark_rule(color=GREY, strokeWidth=1.2)
            .encode(y=accuracy_axis("top1_low_percent"), y2="top1_high_percent:Q")
        ]
    # Between two points of a front only the worse of both is had: the step holds the accuracy of
    # the point that costs more until the next cheaper one.
    steps = (
        base.transform_filter(_ON_FRONT)
        .mark_line(
            interpolate="step-before" if cost.more_is_better else "step-after",
            color=INK,
            strokeWidth=1.6,
        )
        .encode(order=alt.Order(f"{cost.column}:Q"))
    )
    shape = look.shape("kind", sorted(frame["kind"].unique()), "kind")
    dominated = (
        base.transform_filter(f"!{_ON_FRONT}")
        .mark_point(filled=True, size=45, color=GREY)
        .encode(shape=shape, opacity=faded(kept, 0.9, 0.2), tooltip=TOOLTIP)
    )
    front = (
        base.transform_filter(_ON_FRONT)
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
    movable = f"limit_{cost.column}"
    named = movable if movable in [param.name for param in limited.params] else ""
    line = limit_line(cost_axis("limit"), limits.named().get(cost.column), named)
    found = _with_front(
        alt.layer(*intervals, dominated, steps, front), cost, picked.test, limited.test
    )
    drawn = alt.layer(*line, found)
    if not look.still:
        return drawn.add_params(*picked.params, *limited.params).properties(**look.size())
    corners = _corners(rows[front_now], cost)
    numbers = (
        alt.Chart(corners)
        .mark_text(color="white", fontSize=9, fontWeight="bold")
        .encode(x=x, y=y, text="number:N")
    )
    panel = alt.layer(drawn, numbers).properties(**look.size(560, 360))
    if corners.empty:
        return panel
    return alt.hconcat(panel, key([(line, False) for line in corners["line"]]), spacing=24)


_ON_FRONT = "datum.on_front"


def on_front(frame: pd.DataFrame, cost: Cost, limits: Limits) -> pd.Series[bool]:
    """Which rows are on the front of those within the limits."""
    axes = [Axis("top1_percent", "max"), Axis(cost.column, cost.sense)]
    within = limits.within(frame)
    found = pareto_front(frame[within], axes).on_front
    return found.reindex(frame.index, fill_value=False)


def _with_front(chart: Any, cost: Cost, shown: str, counted: str) -> Any:
    """The chart with `on_front` in each row that is `shown`: the front of those that are `counted`.

    The same as `on_front`, by Vega, since a reader may pick other rows.  A row is on the front if,
    of all that are as good as it on one axis, none is better on the other, both ways.
    """
    gain = f"datum['{cost.column}']" if cost.more_is_better else f"-datum['{cost.column}']"
    best = {"frame": [None, 0], "ignorePeers": False}
    return (
        chart.transform_filter(shown)
        .transform_calculate(
            counts=counted,
            front_gain=f"({counted}) ? {gain} : {-NEVER!r}",
            front_top1=f"({counted}) ? datum.top1_percent : {-NEVER!r}",
        )
        .transform_window(
            best_top1="max(front_top1)", sort=[alt.SortField("front_gain", "descending")], **best
        )
        .transform_window(
            best_gain="max(front_gain)", sort=[alt.SortField("front_top1", "descending")], **best
        )
        .transform_calculate(
            on_front="datum.counts && datum.front_top1 >= datum.best_top1"
            " && datum.front_gain >= datum.best_gain"
        )
    )


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
