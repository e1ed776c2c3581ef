"""What a study found in a few lines of plain text, and what to be careful about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from nntest.estimate import BEST
from nntest.report.cells import duration, percent
from nntest.stats import FEWEST_REPETITIONS

_GROUP = ["network", "platform", "library", "batch_size", "data_type"]
_SCHEDULES_IN_FULL = 2
_FEW_PROCESSES = 5


def headline(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Lines that tell the estimate with its interval, the best schedule, and what failed.

    `tables` by name: 'estimate' and 'schedule'; 'failed' where there is one.
    """
    estimates = tables["estimate"]
    best = estimates[estimates["choice"] == BEST]
    lines: list[str] = []
    for number, row in enumerate(best.to_dict("records")):
        where = {name: row[name] for name in _GROUP}
        kind = "" if where["data_type"] == "fp32" else f", {where['data_type']}"
        lines.append(
            f"{where['network']} on {where['platform']} with {where['library']}, "
            f"batch {where['batch_size']}{kind}"
        )
        lines += [f"  {line}" for line in _estimate_lines(row)]
        fixed = _of(estimates, where)
        fixed = fixed[(fixed["choice"] != BEST) & fixed["complete"].fillna(False).astype(bool)]
        if len(fixed):
            one = fixed.iloc[0]
            longer = f" ({one['total_us'] / row['total_us']:.2f} times as long)"
            if one["total_us"] == row["total_us"]:
                longer = ", nothing mixed is better"
            lines.append(
                f"  best single choice: {one['choice']}, {duration(one['total_us'])}{longer}"
            )
        lines += [f"  {line}" for line in _schedule_lines(_of(tables["schedule"], where), number)]
    if best.empty:
        lines.append("no estimate: no layer of the study's networks was measured")
    failed = tables.get("failed")
    if failed is not None and len(failed):
        by_status = failed.groupby("status")["repetitions"].sum()
        told = ", ".join(f"{count} {status}" for status, count in by_status.items())
        lines.append(f"did not succeed: {told} (repetitions; the report says why)")
    return lines


def _of(frame: pd.DataFrame, where: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of a table for one network, platform, library and batch size."""
    for name, value in where.items():
        frame = frame[frame[name] == value]
    return frame


def interval_text(row: Mapping[Any, Any]) -> str:
    """An estimate's interval in words, or why there is none."""
    if pd.isna(row["ci_low_us"]):
        return f"no interval: fewer than {FEWEST_REPETITIONS} repetitions of some layer"
    return f"95 % interval {duration(row['ci_low_us'])} to {duration(row['ci_high_us'])}"


def coverage_text(row: Mapping[Any, Any]) -> str:
    """What an estimate covers, in words."""
    if row["covered_layers"] == row["layers"]:
        return f"all {row['layers']} layers"
    text = f"the {row['covered_layers']} of {row['layers']} layers that were measured"
    if not pd.isna(row["covered_macs_share"]):
        text += f", {percent(row['covered_macs_share'])} of the multiply-accumulates"
    return text


def _estimate_lines(row: Mapping[Any, Any]) -> list[str]:
    lines = [
        f"estimate: {duration(row['total_us'])} ({interval_text(row)})",
        f"  for {coverage_text(row)}",
    ]
    other = f"  by minimum {duration(row['total_min_us'])}"
    if row["covered_layers"] < row["layers"] and not pd.isna(row["extrapolated_total_us"]):
        other += (
            f"; extrapolated to all layers {duration(row['extrapolated_total_us'])} (not measured)"
        )
    return [*lines, other]


def _schedule_lines(rows: pd.DataFrame, number: int) -> list[str]:
    if number >= _SCHEDULES_IN_FULL:
        counts = (rows["operator"] + " " + rows["tuner"]).value_counts().sort_index()
        told = ", ".join(f"{choice} for {count}" for choice, count in counts.items())
        return [f"best schedule by tensor: {told} (the report lists them)"]
    widths = [int(rows[name].str.len().max()) for name in ("tensor", "operator", "tuner")]
    lines = ["best schedule (tensor, repeats, choice, time of one run, share of the sum):"]
    for row in rows.to_dict("records"):
        # A tie with the runner-up is worth knowing before anyone hard-codes the choice.
        tie = f"  (or {row['runner_up']}: no difference)" if _tied(row) else ""
        lines.append(
            f"  {row['tensor']:<{widths[0]}} x{row['repeats']:<2} "
            f"{row['operator']:<{widths[1]}} {row['tuner']:<{widths[2]}} "
            f"{duration(row['time_us']):>9}  {percent(row['share']):>6}{tie}"
        )
    return lines


def _tied(row: Mapping[Any, Any]) -> bool:
    return not pd.isna(row["distinguishable"]) and not row["distinguishable"]


def cautions(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """What a reader must know before trusting the figures; one sentence each."""
    found = []
    summary = tables.get("summary")
    if summary is not None and len(summary):
        few = int((summary["n"] < FEWEST_REPETITIONS).sum())
        if few:
            found.append(
                f"{few} of {len(summary)} points have fewer than {FEWEST_REPETITIONS} repetitions: "
                "they have no interval and no verdict."
            )
        shared = summary[(summary["processes"] < summary["n"]).fillna(False).astype(bool)]
        narrow = int((shared["processes"] < _FEW_PROCESSES).sum())
        if narrow:
            found.append(
                f"{narrow} of {len(summary)} points took their repetitions from fewer than "
                f"{_FEW_PROCESSES} processes: their intervals are too narrow if processes differ "
                "from each other."
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
