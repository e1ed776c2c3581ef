"""The libraries ranked by whole networks, in lines of plain text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from nntest.analysis.estimate import BEST
from nntest.analysis.library_ranking import ALIKE, ESTIMATED, OTHER_LAYERS
from nntest.analysis.points import threads_text
from nntest.domain.tables.column import names
from nntest.domain.tables.libraries import RANKED_WITHIN
from nntest.report.cells import duration, interval_after, signed_percent
from nntest.report.sum_error import own_errors

PLACE = list(names(RANKED_WITHIN))
OwnErrors = dict[tuple[Any, ...], float]
"""How far the sum of the layers' own times is off, by place, library and measured time."""


def best_estimates(tables: Mapping[str, pd.DataFrame]) -> list[tuple[Mapping[Any, Any], list[str]]]:
    """The best schedule's row of `estimate` for each network, and the lines that rank libraries.

    Where libraries are ranked, the fastest one's row alone stands for them: the tables have all.
    """
    rankings: dict[tuple[Any, ...], pd.DataFrame] = {}
    own = _own_errors(tables.get("sum_error"))
    for place, rows in tables.get("network_ranking", pd.DataFrame(columns=PLACE)).groupby(
        PLACE, dropna=False
    ):
        assert isinstance(place, tuple)
        rankings[_plain(place)] = rows
    estimates = tables["estimate"]
    found: dict[tuple[Any, ...], list[tuple[Mapping[Any, Any], list[str]]]] = {}
    for row in estimates[estimates["choice"] == BEST].to_dict("records"):
        place = _plain(row[name] for name in PLACE)
        ranked, here = rankings.get(place), found.setdefault(place, [])
        if ranked is None:
            here.append((row, []))
        elif row["library"] == ranked["library"].iloc[0]:
            here.append((row, ranking_lines(ranked, own)))
    return [one for here in found.values() for one in here]


def _plain(values: Iterable[Any]) -> tuple[Any, ...]:
    """Values that compare: None for what is null."""
    return tuple(None if pd.isna(value) else value for value in values)


def _own_errors(table: pd.DataFrame | None) -> OwnErrors:
    found: OwnErrors = {}
    for row in own_errors(table).to_dict("records"):
        found[*_plain(row[name] for name in PLACE), row["library"], row["measured_us"]] = row[
            "own_error"
        ]
    return found


def ranking_lines(rows: pd.DataFrame, own: OwnErrors) -> list[str]:
    """A line for each library of one network, the fastest first, and one for the bound.

    `rows` of the table `network_ranking` for one network, platform, batch size and data type.
    """
    ranked = rows[rows["rank"].notna()].to_dict("records")
    widths = [max(len(str(row[name])) for row in ranked) for name in ("library", "choice")]
    lines = ["libraries, the fastest first:"]
    for row in ranked:
        lines.append(
            f"  {row['rank']:>2}. {row['library']:<{widths[0]}}  {row['choice']:<{widths[1]}}  "
            f"{duration(row['time_us']):>9}{interval_after(row['ci_low_us'], row['ci_high_us'])}"
            f"{_against_the_fastest(row)}{_sum(row, own)}"
        )
    for row in rows[rows["rank"].isna()].to_dict("records"):
        lines.append(
            f"  {duration(row['time_us'])} is the sum over layers with the fastest library for "
            "each: a bound of such sums, not deployable"
        )
    return lines


def first_ranking(table: pd.DataFrame) -> list[str]:
    """The libraries ranked before anything else is measured, network by network.

    `table`: `network_ranking` of the whole networks alone; without rows, no line.
    """
    lines = []
    for place, rows in table.groupby(PLACE, dropna=False, sort=False):
        named = dict(zip(PLACE, place, strict=True))
        title = f"preliminary: {named['network']} on {named['platform']}, "
        title += f"batch {named['batch_size']}{threads_text(named)}; "
        first, *ranked = ranking_lines(rows, {})
        lines += [f"{title}{first}", *ranked]
    return lines


def _against_the_fastest(row: Mapping[Any, Any]) -> str:
    if row["rank"] == 1:
        return ""
    if row["verdict"] in (ALIKE, OTHER_LAYERS):
        return f", {row['verdict']}"
    text = f", {row['over_fastest']:.2f} times as long"
    if not pd.isna(row["over_fastest_ci_low"]):
        text += f" ({row['over_fastest_ci_low']:.2f} to {row['over_fastest_ci_high']:.2f})"
    return text


def _sum(row: Mapping[Any, Any], own: OwnErrors) -> str:
    """What the layers alone say, beside a measured time or in its place."""
    if row["basis"] == ESTIMATED:
        return f", estimated from {row['covered_layers']} of {row['layers']} layers"
    if pd.isna(row["error"]):
        return ""
    text = f", sum of layers {signed_percent(row['error'])}"
    place = _plain(row[name] for name in PLACE)
    error = own.get((*place, row["library"], row["time_us"]))
    return text if error is None else f"{text} (their own times {signed_percent(error)})"
