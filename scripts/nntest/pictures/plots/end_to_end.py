"""Estimated against measured time of every network that was measured as a whole."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from nntest.analysis.end_to_end import BAND
from nntest.analysis.points import named_by_threads
from nntest.config.plot_options import PlotOptions
from nntest.pictures import style
from nntest.pictures.plots.agreement import Dot, agreement
from nntest.pictures.plots.paging import page_of
from nntest.pictures.plots.sheet import nothing_measured, styled

_GROUP = ["platform", "library", "batch_size", "data_type"]
_MOST_SERIES = 24
"""On one page."""


def end_to_end_plot(
    table: pd.DataFrame, frame: pd.DataFrame, options: PlotOptions, svg: Path, png: Path
) -> None:
    """Draw `end_to_end.end_to_end`: a series for each platform, library and choice.

    Where there is a calibrated estimate, it is a series of its own beside the plain sum.
    """
    whole = frame[frame["species"] == "network"]
    head = style.heading("Whole networks: estimated against measured", whole)
    with styled():
        if table.empty:
            reason = (
                "no network was measured as a whole, so there is nothing to compare estimates with"
                if whole.empty
                else "of no network that was measured as a whole are all layers measured"
            )
            nothing_measured(head, reason, options, svg, png)
            return
        table = named_by_threads(table)
        varying = [name for name in _GROUP if table[name].nunique() > 1]
        dots = []
        for row in table.to_dict("records"):
            measured, error = row["measured_us"], row["error"]
            ends = (row["error_ci_low"], row["error_ci_high"])
            dots.append(
                Dot(
                    row["network"],
                    " · ".join(str(row[name]) for name in [*varying, "choice"]),
                    measured / 1e3,
                    measured * (1 + error) / 1e3,
                    (row["measured_ci_low_us"] / 1e3, row["measured_ci_high_us"] / 1e3),
                    (row["ci_low_us"] / 1e3, row["ci_high_us"] / 1e3),
                    ends,
                )
            )
        for row in table[table["calibrated_us"].notna()].to_dict("records"):
            label = " · ".join(str(row[name]) for name in [*varying, "choice"])
            dots.append(
                Dot(
                    row["network"],
                    f"{label}, calibrated on the others",
                    row["measured_us"] / 1e3,
                    row["calibrated_us"] / 1e3,
                    estimated_ends=(
                        row["calibrated_ci_low_us"] / 1e3,
                        row["calibrated_ci_high_us"] / 1e3,
                    ),
                    error_ends=(
                        row["calibrated_error_ci_low"],
                        row["calibrated_error_ci_high"],
                    ),
                )
            )
        series = list(dict.fromkeys(dot.series for dot in dots))
        (part,), page = page_of(
            options.page, [("series", series, _MOST_SERIES)], "plots.end_to_end.page"
        )
        shown = [dot for dot in dots if dot.series in part.shown]
        agreement(shown, head.beside(page), BAND, part.shown[0], options, svg, png)
