"""How far estimates are from measured networks, library by library, in lines of plain text."""

from __future__ import annotations

from typing import Any

import pandas as pd

from nntest.analysis.calibration import FEWEST_OTHERS
from nntest.analysis.end_to_end import BAND
from nntest.analysis.points import GROUP_COLUMNS, threads_text
from nntest.report.cells import interval_after, percent, signed_percent
from nntest.report.sum_error import own_errors


def agreement_lines(table: pd.DataFrame | None, own: pd.DataFrame | None) -> list[str]:
    """The console's lines; none where no network was measured as a whole.

    `table` is `end_to_end`, `own` is `sum_error`; None or empty where there is none.
    """
    lines = [f"  {sentence}" for sentence in agreement_sentences(table)]
    lines = ["estimated against measured:", *lines] if lines else []
    errors = own_errors(own)["own_error"]
    return [*lines, f"by the layers' own times: {_errors_text(errors)}"] if len(errors) else lines


def agreement_sentences(table: pd.DataFrame | None) -> list[str]:
    """One for each library and choice, and one where no library's estimates can be calibrated."""
    if table is None or table.empty:
        return []
    # A fixed choice that is the best schedule says the same again.
    table = table.drop_duplicates(["network", *GROUP_COLUMNS, "total_us", "measured_us"])
    found = [
        _of_library(rows)
        for _, rows in table.groupby([*GROUP_COLUMNS, "choice"], sort=False, dropna=False)
    ]
    if table["calibrated_us"].isna().all():
        found.append(
            f"not calibrated: a library's term is fitted on {FEWEST_OTHERS} or more other networks "
            "that it ran as a whole in the same study"
        )
    return found


def _of_library(rows: pd.DataFrame) -> str:
    """All networks of one library and choice."""
    first = rows.to_dict("records")[0]
    text = f"{first['library']} on {first['platform']}, batch {first['batch_size']}"
    text += "" if first["data_type"] == "fp32" else f", {first['data_type']}"
    text += f"{threads_text(first)} ({first['choice']}): "
    if len(rows) == 1:
        ends = (first["error_ci_low"], first["error_ci_high"])
        return f"{text}1 network, {signed_percent(first['error'])} off" + interval_after(
            *ends, signed_percent
        )
    text += _errors_text(rows["error"])
    calibrated = rows[rows["calibrated_us"].notna()]
    if calibrated.empty:
        return text
    measured, low = calibrated["measured_us"], calibrated["calibrated_ci_low_us"]
    within = int(measured.between(low, calibrated["calibrated_ci_high_us"]).sum())
    return (
        f"{text}; calibrated on the others: {_errors_text(calibrated['calibrated_error'])}, "
        f"{within} within the 95 % interval"
    )


def _errors_text(errors: pd.Series[Any]) -> str:
    """How far estimates are off, over networks; `errors` are shares."""
    absolute = errors.abs()
    plural = "s" if len(errors) > 1 else ""
    return (
        f"{len(errors)} network{plural}, mean error {percent(absolute.mean())}, largest "
        f"{percent(absolute.max())}, {int((absolute <= BAND).sum())} within ±{BAND:.0%}"
    )
