"""The pictures of a study and its report: which there are, their captions and options."""

from __future__ import annotations

import hashlib
from typing import Any

from nntest.config import Study
from nntest.domain.tables.all import ALL
from nntest.graph.trade_offs import caption, trade_off_plots

VIOLIN_BY = ("platform", "operator", "library")
VIOLIN_QUANTITIES = ("time_us", "GFLOPS")
SPEEDUP_STATISTICS = ("median", "minimum")
PLOTS = [
    *(f"violin.{by}.{quantity}" for by in VIOLIN_BY for quantity in VIOLIN_QUANTITIES),
    *(f"speedup.{statistic}" for statistic in SPEEDUP_STATISTICS),
    "layers",
    "end_to_end",
    "roofline.layers",
]

KERNEL_PLOTS = ["kernels.violin", "kernels.stack"]
"""Pictures of profiled points; a report without profiled points leaves them out."""


def plots_of(study: Study) -> list[str]:
    """The pictures of a study; those that its config asks for among them."""
    config = study.config
    profiled = config.profile not in ("none", []) or config.imports
    asked = {"comparison": config.compare, "layer_sum_check": config.layer_sum_check}
    more = [name for name, wanted in asked.items() if wanted]
    more += ["prediction.frames"] if config.platforms else []
    return [*PLOTS, *trade_off_plots(study), *more, *(KERNEL_PLOTS if profiled else [])]


_ANALYSIS_CAPTIONS = {
    "layers": ("Time of each layer, stacked, by choice", "Networks"),
    "end_to_end": ("Whole networks: estimated against measured", "Networks"),
    "comparison": ("Every point against the baseline of the comparison", "Comparison"),
    "layer_sum_check": ("Published networks against sums of published layers", "Layer-sum check"),
}


def plot_caption(plot: str) -> tuple[str, str]:
    """(caption, category) of a plot in the report."""
    if plot.startswith(("scatter.", "pareto.", "boxes.")):
        return caption(plot), "Trade-offs"
    if plot in _ANALYSIS_CAPTIONS:
        return _ANALYSIS_CAPTIONS[plot]
    kind, what, *quantity = plot.split(".")
    if plot in KERNEL_PLOTS:
        what = {"violin": "Time of every kernel", "stack": "What the time goes to"}[what]
        return f"{what}, in profiled runs", "Kernels"
    if kind == "violin":
        unit = {"time_us": "time in µs", "GFLOPS": "GFLOPS"}[quantity[0]]
        return f"Every repetition, by {what}: {unit}", "Spread"
    if kind == "roofline":
        return "Each layer under the roofs of its board", "Roofline"
    if kind == "prediction":
        return "Frames a second that the roofs allow, and what bounds them", "Prediction"
    return f"Speedup over the baseline, by {what}", "Speedup"


def violin_spec(study: Study) -> dict[str, Any]:
    """Options of the violin plots."""
    return study.config.plots.violin.model_dump(mode="json")


def speedup_spec(study: Study) -> dict[str, Any]:
    """Options of the speedup bars."""
    return study.config.plots.speedup.model_dump(mode="json")


def analysis_plot_spec(study: Study, plot: str) -> dict[str, Any]:
    """Options of a picture that is made from tables alone."""
    options: dict[str, Any] = getattr(study.config.plots, plot).model_dump(mode="json")
    return options


def report_spec(study: Study) -> dict[str, Any]:
    """The whole config, how networks read from files were used, and what tables are called."""
    remarks = [line for network in study.networks for line in network.remarks()]
    words = hashlib.sha256(repr(ALL).encode()).hexdigest()
    return {**study.config.model_dump(mode="json"), "remarks": remarks, "words": words}
