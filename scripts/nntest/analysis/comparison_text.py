"""A comparison in words, and its regressions as an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from nntest.analysis.comparison import FAILED
from nntest.analysis.points import threads_text
from nntest.errors import UserError


def overall(found: pd.DataFrame) -> str:
    """How all points of a table `comparison` moved together, in words.

    Where nothing else changed, a common shift is as likely the machine's as the code's.
    """
    ratios = found["ratio"].dropna()
    if ratios.empty:
        return "no point was measured on both sides"
    middle = float(np.exp(np.median(np.log(ratios))))
    return (
        f"median ratio over {len(ratios)} points: {middle:.3f} "
        f"(half of them from {ratios.quantile(0.25):.3f} to {ratios.quantile(0.75):.3f})"
    )


def regressions(found: pd.DataFrame) -> list[str]:
    """A line for each point of a table `comparison` that is a regression."""
    lines = []
    for row in found[found["regression"].fillna(False).astype(bool)].to_dict("records"):
        lines.append(f"{point_text(row)}: {change_text(row)}")
    return lines


def point_text(row: Mapping[Any, Any]) -> str:
    """Which point a row is about."""
    text = f"{row['operator']} {row['tuner']} {row['tensor']} on {row['platform']}"
    text += f", batch {row['batch_size']}" if row["batch_size"] != 1 else ""
    return text + threads_text(row)


def change_text(row: Mapping[Any, Any]) -> str:
    """Its change, in words."""
    if row["verdict"] == FAILED:
        return f"failed ({row['note']}), and did not in the baseline"
    text = f"{row['ratio']:.2f} times as long"
    if not pd.isna(row["ci_low"]):
        text += f" (95 % interval {row['ci_low']:.2f} to {row['ci_high']:.2f})"
    return text


def refuse_regressions(found: pd.DataFrame, limit: float, hint: str) -> None:
    """`UserError` that names the regressions of a table `comparison`, if it has any."""
    lines = regressions(found)
    if lines:
        most = 10
        more = [f"and {len(lines) - most} more"] if len(lines) > most else []
        raise UserError(
            f"{len(lines)} of {len(found)} points are more than {limit:g} % slower than "
            f"{found['baseline'].iloc[0]}, or fail:\n    " + "\n    ".join([*lines[:most], *more]),
            hint,
        )
