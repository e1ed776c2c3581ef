"""What a study found in a few lines of plain text, and what to be careful about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from onboard.spread import FEWEST_PROCESSES

from nntest.analysis.comparison import (
    FAILED,
    SLOWER,
    TOO_FEW,
    units_needed,
)
from nntest.analysis.comparison_text import change_text, overall, point_text
from nntest.analysis.estimate import BEST
from nntest.analysis.points import threads_text
from nntest.report.agreement import agreement_lines
from nntest.report.cells import duration, interval_after, percent, signed_percent
from nntest.report.energy import energy_lines
from nntest.report.predictions import prediction_lines
from nntest.report.ranking import PLACE, best_estimates
from nntest.report.steadiness import steadiness, steadiness_lines
from nntest.report.streams import throughput_lines
from nntest.report.sustained import sustained_lines

_GROUP = [*PLACE, "library"]
MOST_ESTIMATES = 24
"""Networks on a platform and library that are shown one by one."""
_SCHEDULES_IN_FULL = 2
_LISTED_TENSORS = 30
_LISTED_REGRESSIONS = 5


def headline(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Lines with how steady the machine was, the fastest library, its estimate and schedule.

    Then what failed.  `tables` by name: 'estimate' and 'schedule'; 'device_state', 'summary',
    'network_ranking', 'layer_ranking', 'study_figure', 'end_to_end', 'sum_error', 'comparison' and
    'failed', 'throughput', 'energy', 'sustained' and 'predicted_networks' where there are any.
    """
    best = best_estimates(tables)
    lines = steadiness_lines(steadiness(tables))
    for number, (row, ranking) in enumerate(best[:MOST_ESTIMATES]):
        title = f"{row['network']} on {row['platform']}"
        batch = f"batch {row['batch_size']}"
        batch += "" if row["data_type"] == "fp32" else f", {row['data_type']}"
        batch += threads_text(row)
        if ranking:
            lines += [f"{title}, {batch}", *(f"  {line}" for line in ranking)]
        lines.append(f"{title} with {row['library']}, {batch}")
        lines += [f"  {line}" for line in _library_lines(tables, row, number)]
    if len(best) > MOST_ESTIMATES:
        lines.append(f"and {len(best) - MOST_ESTIMATES} more estimates (the report lists them)")
    if not best:
        lines.append("no estimate: no layer of the study's networks was measured")
    lines += agreement_lines(tables.get("end_to_end"), tables.get("sum_error"))
    lines += throughput_lines(tables.get("throughput"))
    lines += energy_lines(tables.get("energy"))
    lines += sustained_lines(tables.get("sustained"))
    lines += prediction_lines(tables.get("predicted_networks"))
    lines += _comparison_lines(tables.get("comparison"))
    uneven = uneven_text(tables.get("summary"))
    if uneven:
        lines.append(uneven)
    failed = tables.get("failed")
    if failed is not None and len(failed):
        by_status = failed.groupby("status")["repetitions"].sum()
        text = ", ".join(f"{count} {status}" for status, count in by_status.items())
        lines.append(f"did not succeed: {text} (repetitions; the report says why)")
    return lines


def uneven_text(summary: pd.DataFrame | None) -> str:
    """How many repetitions points have, where not all have the same number; else empty."""
    if summary is None or summary["n"].nunique() <= 1:
        return ""
    counts = summary["n"].value_counts().sort_index()
    fewest, most = int(counts.index[0]), int(counts.index[-1])
    text = f"repetitions differ between points: n is {fewest} to {most}, {most} for "
    text += f"{int(counts.iloc[-1])} of {len(summary)}; every repetition in the archives is used"
    failed = int(((summary["n"] < most) & (summary["failed"] > 0)).sum())
    rest = int((summary["n"] < most).sum()) - failed
    reasons = [
        *([f"{failed} with fewer had some that failed"] if failed else []),
        *([f"{rest} with fewer were sure sooner or out of time (`precision`), or come from a run "
           "or an import that asked for fewer, or was ended"] if rest else []),
    ]  # fmt: skip
    return f"{text} ({'; '.join(reasons)})"


def _library_lines(
    tables: Mapping[str, pd.DataFrame], row: Mapping[Any, Any], number: int
) -> list[str]:
    """What is known of a network on one library; `row` is its best estimate's."""
    where = {name: row[name] for name in _GROUP}
    fixed = _of(tables["estimate"], where)
    fixed = fixed[(fixed["choice"] != BEST) & fixed["complete"].fillna(False).astype(bool)]
    lines = [*_estimate_lines(row), *_study_lines(tables.get("study_figure"), where)]
    if len(fixed):
        one = fixed.iloc[0]
        longer = f" ({one['total_us'] / row['total_us']:.2f} times as long)"
        if one["total_us"] <= row["total_us"]:
            longer = ", nothing mixed is better"
        lines.append(f"best single choice: {one['choice']}, {duration(one['total_us'])}{longer}")
    return [*lines, *_schedule_lines(_of(tables["schedule"], where), number)]


def _of(frame: pd.DataFrame, where: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of a table for one network, platform, library, batch size and threads."""
    for name, value in where.items():
        frame = frame[frame[name].isna() if pd.isna(value) else frame[name] == value]
    return frame


def interval_text(row: Mapping[Any, Any]) -> str:
    """An estimate's interval in words, or why there is none."""
    if pd.isna(row["ci_low_us"]):
        return "no interval: a single process timed some layer"
    return f"95 % interval {duration(row['ci_low_us'])} to {duration(row['ci_high_us'])}"


def coverage_text(row: Mapping[Any, Any]) -> str:
    """What an estimate covers, in words."""
    if row["covered_layers"] == row["layers"]:
        return f"all {row['layers']} layers"
    text = f"the {row['covered_layers']} of {row['layers']} layers that were measured"
    if not pd.isna(row["covered_macs_share"]):
        text += f", {percent(row['covered_macs_share'])} of the multiply-accumulates"
    return text


def clean_text(row: Mapping[Any, Any]) -> str:
    """How many of the runs behind an estimate were clean, and what all of them would say.

    Nothing where none is known to be clean, or all are.
    """
    if not 0 < row["clean"] < row["n"]:
        return ""
    return f"; {row['clean']} of {row['n']} runs clean, by all {duration(row['median_all_us'])}"


def _estimate_lines(row: Mapping[Any, Any]) -> list[str]:
    lines = [
        f"estimate: {duration(row['total_us'])} ({interval_text(row)})",
        f"  for {coverage_text(row)}{clean_text(row)}",
    ]
    other = f"  by minimum {duration(row['total_min_us'])}"
    if row["covered_layers"] < row["layers"] and not pd.isna(row["extrapolated_total_us"]):
        other += (
            f"; extrapolated to all layers {duration(row['extrapolated_total_us'])} (not measured)"
        )
    measured = measured_text(row)
    return [*lines, other, *([measured] if measured else [])]


def measured_text(row: Mapping[Any, Any]) -> str:
    """The whole network's own time beside its estimate, in words; empty without one."""
    if pd.isna(row["measured_us"]):
        return ""
    text = f"measured end to end: {duration(row['measured_us'])}"
    text += interval_after(row["measured_ci_low_us"], row["measured_ci_high_us"])
    if not pd.isna(row["error"]):
        text += f"; the estimate is {signed_percent(row['error'])} off"
    return text


def study_text(row: Mapping[Any, Any]) -> str:
    """The study's own figure in words."""
    text = f"as the 2018 study counted: {duration(row['study_us'])}"
    text += interval_after(row["ci_low_us"], row["ci_high_us"])
    count = f"{row['conv_layers']}"
    if row["conv_layers"] < row["of_conv_layers"]:
        count += f" of {row['of_conv_layers']}"
    return f"{text}, {count} convolutions alone, at the best of conv and directconv"


def _study_lines(figures: pd.DataFrame | None, where: Mapping[str, Any]) -> list[str]:
    if figures is None:
        return []
    return [study_text(row) for row in _of(figures, where).to_dict("records")]


def _comparison_lines(table: pd.DataFrame | None) -> list[str]:
    """What got faster or slower than the baseline, by name where there are few."""
    if table is None or table.empty:
        return []
    lines = []
    for (baseline, other), rows in table.groupby(["baseline", "other"], sort=False):
        counts = rows["verdict"].value_counts()
        text = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        lines.append(f"{other} against {baseline}: {text}")
        lines.append(f"  {overall(rows)}")
        worst = rows[rows["verdict"].isin([SLOWER, FAILED])].to_dict("records")
        lines += [
            f"  {row['verdict']}: {point_text(row)}, {change_text(row)}"
            for row in worst[:_LISTED_REGRESSIONS]
        ]
        if len(worst) > _LISTED_REGRESSIONS:
            lines.append(f"  and {len(worst) - _LISTED_REGRESSIONS} more (the report lists them)")
    return lines


def _schedule_lines(rows: pd.DataFrame, number: int) -> list[str]:
    if number >= _SCHEDULES_IN_FULL:
        counts = (rows["operator"] + " " + rows["tuner"]).value_counts().sort_index()
        text = ", ".join(f"{choice} for {count}" for choice, count in counts.items())
        return [f"best schedule by tensor: {text} (the report lists them)"]
    widths = [int(rows[name].str.len().max()) for name in ("tensor", "operator", "tuner")]
    lines = ["best schedule (tensor, repeats, choice, time of one run, share of the sum):"]
    shown = rows.sort_values("share", ascending=False, kind="stable").head(_LISTED_TENSORS)
    for row in shown.sort_index().to_dict("records"):
        # A tie with the runner-up is worth knowing before anyone hard-codes the choice.
        tie = f"  (or {row['runner_up']}: no difference)" if _tied(row) else ""
        lines.append(
            f"  {row['tensor']:<{widths[0]}} x{row['repeats']:<2} "
            f"{row['operator']:<{widths[1]}} {row['tuner']:<{widths[2]}} "
            f"{duration(row['time_us']):>9}  {percent(row['share']):>6}{tie}"
        )
    if len(rows) > len(shown):
        rest = percent(1 - shown["share"].sum())
        lines.append(f"  and {len(rows) - len(shown):,} more with {rest} (the report lists them)")
    return lines


def _tied(row: Mapping[Any, Any]) -> bool:
    return not pd.isna(row["distinguishable"]) and not row["distinguishable"]


def cautions(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """What a reader must know before trusting the figures; one sentence each."""
    found = []
    summary = tables.get("summary")
    if summary is not None and len(summary):
        uneven = uneven_text(summary)
        if uneven:
            found.append(f"{uneven[0].upper()}{uneven[1:]}.")
        processes = summary["processes"].fillna(summary["counted"])
        few = int((processes < FEWEST_PROCESSES).sum())
        if few:
            found.append(
                f"{few} of {len(summary)} points were timed by a single process, which says "
                "nothing about others: they have no interval and no verdict. More `repetitions` "
                "take more processes."
            )
        if int(summary["throttled"].sum()):
            found.append(
                f"{int(summary['throttled'].sum())} repetitions were measured while the device "
                "was throttled; they are in the figures."
            )
    checked = tables.get("tuner_check")
    if checked is not None and (checked["note"].fillna("") != "").any():
        found.append(
            "Some points without a tuner may have run without a warm-up, which flatters the tuner."
        )
    found += _comparison_cautions(tables.get("comparison"))
    state = tables.get("device_state")
    if state is not None:
        unread = sorted({text for text in state["not_read"].dropna() if text})
        if unread:
            found.append(
                f"The state of the device is not fully known; not read: {'; '.join(unread)}."
            )
        for note in sorted({text for text in state["not_set"].dropna() if text}):
            found.append(f"The device was not in the state that was asked for: {note}.")
    return found


def _comparison_cautions(table: pd.DataFrame | None) -> list[str]:
    if table is None or table.empty:
        return []
    found = []
    few = int((table["verdict"] == TOO_FEW).sum())
    if few:
        found.append(
            f"{few} of {len(table)} points have too few processes on one side to be compared."
        )
    tested = table[table["p_value"].notna()]
    if len(tested):
        most = int(tested.groupby(["baseline", "other"]).size().max())
        units = int(tested[["baseline_n", "other_n"]].min().min())
        if units < units_needed(most):
            found.append(
                f"The comparison has {units} processes a side: a point that differs alone among "
                f"{most} cannot be detected with fewer than {units_needed(most)}."
            )
    return found
