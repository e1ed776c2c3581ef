"""Published network times against sums of published layer times."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from nntest.analysis.layer_sum_check import LINE, SUM
from nntest.config.plot_options import PlotOptions
from nntest.pictures import style
from nntest.pictures.plots.agreement import Dot, agreement
from nntest.pictures.plots.sheet import styled


def layer_sum_check_plot(
    checked: pd.DataFrame, options: PlotOptions, svg: Path, png: Path, *, sources: str
) -> None:
    """Draw `analysis.layer_sum_check`: the sum over layers and the line on MACs, by system.

    `sources` names the files, as the second line of the heading.
    """
    what = "Published network times, estimated from published layer times"
    systems = list(dict.fromkeys(checked["system"]))
    dots = [
        Dot(
            row["network"],
            row["model"] if len(systems) == 1 else f"{row['system']}: {row['model']}",
            row["measured_ms"],
            row["estimated_ms"],
        )
        for model in (SUM, LINE)
        for row in checked[checked["model"] == model].to_dict("records")
    ]
    where = f"{', '.join(systems)}; {sources}"
    head = style.Heading(what, where, "each network by a fit to the other half of them")
    with styled():
        agreement(dots, head, 0.10, dots[0].series, options, svg, png)
