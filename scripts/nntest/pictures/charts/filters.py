"""Lists beside a chart of configurations, that leave some out or set a limit; a page has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from nntest.analysis.trade_offs import LIMITED, Limits, has
from nntest.pictures.charts.theme import Look, round_numbers
from nntest.pictures.style import INK

PICKED = {
    "platform": "platform", "library": "library", "data_type": "precision", "threads": "threads",
    "batch": "batch",
}  # fmt: skip
"""Columns whose values can be picked, and what the lists are called."""
_LIMIT_WORDS = {"latency_ms": "latency", "power_w": "power", "memory_mb": "memory"}
LIMIT_LOOK: dict[str, Any] = {
    "strokeDash": [6, 4], "color": INK, "strokeWidth": 1.3, "clip": True
}  # fmt: skip
NEVER = 1e300
"""Stands for no limit where a chart needs a number."""


@dataclass(frozen=True)
class Filter:
    """Parameters of a chart, and the test of a row that they make, in Vega's words."""

    params: Sequence[alt.Parameter]
    test: str


def picks(frame: pd.DataFrame, look: Look) -> Filter:
    """A list for each column of `PICKED` that has several values; a still shows all rows."""
    params, tests = [], ["true"]
    for column, words in PICKED.items() if not look.still else ():
        values = sorted(value for value in frame[column].dropna().unique() if value != "")
        if frame[column].nunique(dropna=False) < 2 or not values:
            continue
        plain = [value if isinstance(value, str) else int(value) for value in values]
        only = f"only_{column}"
        listed = alt.binding_select(
            options=[None, *plain], labels=["all", *map(str, plain)], name=f"{words} "
        )
        params.append(alt.param(name=only, value=None, bind=listed))
        tests.append(f"({only} === null || datum['{column}'] === {only})")
    return Filter(params, " && ".join(tests))


def limit_lists(frame: pd.DataFrame, limits: Limits, look: Look) -> Filter:
    """A list for each column of `LIMITED` of which several values are known.

    A row of which it is not known is within no limit but none.  A still has the limits themselves,
    and so has a page for what cannot be chosen.
    """
    params, tests = [], ["true"]
    for column, unit in LIMITED.items():
        wanted = limits.named().get(column)
        known = has(frame, column)[column]
        name = f"limit_{column}"
        if look.still or known.nunique() < 2:
            if wanted is not None:
                tests.append(_within(column, f"{wanted!r}"))
            continue
        found = sorted({*round_numbers(known.min(), known.max()), *([wanted] if wanted else [])})
        listed = alt.binding_select(
            options=[*found, NEVER],
            labels=[*(f"{value:g} {unit}" for value in found), "no limit"],
            name=f"{_LIMIT_WORDS[column]} of at most ",
        )
        params.append(alt.param(name=name, value=wanted or NEVER, bind=listed))
        tests.append(f"({name} >= {NEVER!r} || {_within(column, name)})")
    return Filter(params, " && ".join(tests))


def _within(column: str, limit: str) -> str:
    value = f"datum['{column}']"
    return f"(isValid({value}) && {value} <= {limit})"


def limit_line(axis: Any, limit: float | None, name: str = "") -> list[Any]:
    """A layer with a dashed line at a limit, on `axis`: an alt.X or alt.Y of the field `limit`.

    `name` is that of a page's parameter that moves it.  No layer where there is neither.
    """
    if limit is None and not name:
        return []
    chart = alt.Chart(pd.DataFrame({"limit": [NEVER if limit is None else limit]}))
    if name:
        chart = chart.transform_calculate(limit=name).transform_filter(f"datum.limit < {NEVER!r}")
    return [chart.mark_rule(**LIMIT_LOOK).encode(axis)]
