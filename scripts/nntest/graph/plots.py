"""The pictures of a study and its report: which there are, their captions and options."""

from __future__ import annotations

import hashlib
from typing import Any

from nntest.analysis.roofline.boards import roofs_spec
from nntest.config import Study
from nntest.config.instruments import asked_for
from nntest.domain.tables.all import ALL
from nntest.domain.tensors import OPERATOR_SPECIES
from nntest.graph.trade_offs import caption, trade_off_plots
from nntest.pictures.charts.names import PAGES

__all__ = [
    "CHARTED_TABLES",
    "KERNEL_PLOTS",
    "PAGES",
    "PLOTTED_TABLES",
    "pages_spec",
    "pictures_of",
    "plot_caption",
    "plots_of",
    "plots_spec",
    "report_spec",
    "stills_of",
    "stills_spec",
]

VIOLIN_QUANTITIES = ("time_us", "GFLOPS")
SPEEDUP_STATISTICS = ("median", "minimum")
KERNEL_PLOTS = ["kernels.violin", "kernels.stack"]
"""Pictures of profiled points; a report without profiled points leaves them out."""

PLOTTED_TABLES = (
    "speedup",
    "layer_times",
    "estimate",
    "end_to_end",
    "comparison",
    "drift",
    "thread_scaling",
    "kernels",
    "kernel_share",
    "sustained",
    "sustained_windows",
)
CHARTED_TABLES = (
    *("roofline", "prediction", "configurations"),
    *("layer_times", "summary", "network_layers"),
)


def violins_by(study: Study) -> list[str]:
    """What violins are coloured by: what there may be several of; else the operator."""
    imported = bool(study.config.imports)
    several = {
        "operator": has_choices(study),
        "platform": imported or len(study.places()) > 1,
        "library": imported or len(study.libraries) > 1 or len(study.config.warmups) > 1,
    }
    return [name for name, more in several.items() if more] or ["operator"]


def has_choices(study: Study) -> bool:
    """Whether some layers may be measured with more than one operator or tuner."""
    species = [OPERATOR_SPECIES[operator] for operator in study.config.operators]
    several = len(study.config.tuners) > 1 or len(set(species)) < len(species)
    return several or bool(study.config.imports)


def plots_of(study: Study) -> list[str]:
    """The pictures of the rule `plots`: those that a study's config asks for among them."""
    config = study.config
    profiled = set(asked_for(config.profile)) - {"energy"} or config.imports
    return [
        *(f"violin.{by}.{quantity}" for by in violins_by(study) for quantity in VIOLIN_QUANTITIES),
        *(f"speedup.{statistic}" for statistic in SPEEDUP_STATISTICS if has_choices(study)),
        "layers",
        "end_to_end",
        *(["scaling"] if len(config.threads) > 1 or config.imports else []),
        *(["comparison"] if config.compare else []),
        *(KERNEL_PLOTS if profiled else []),
        "drift",
        *(["sustained"] if config.sustained else []),
    ]


def stills_of(study: Study) -> list[str]:
    """The pictures of the rule `stills`."""
    predicted = ["prediction.frames"] if study.config.platforms else []
    return ["layer_order", "roofline.layers", *predicted, *trade_off_plots(study)]


def pictures_of(study: Study) -> list[str]:
    """All pictures of a study, in the order of its report."""
    checked = ["layer_sum_check"] if study.config.layer_sum_check else []
    return [*plots_of(study), *stills_of(study), *checked]


_ANALYSIS_CAPTIONS = {
    "layers": ("Time of each layer, stacked, by choice", "Networks"),
    "layer_order": ("Each layer in network order, by library", "Networks"),
    "end_to_end": ("Whole networks: estimated against measured", "Networks"),
    "scaling": ("Time and efficiency over threads, by library and set of cores", "Networks"),
    "drift": ("How fast the machine was while it measured", "Spread"),
    "sustained": ("Sustained runs over time", "Sustained runs"),
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


def plots_spec(study: Study) -> dict[str, Any]:
    """Options of the pictures of the rule `plots`."""
    options = study.config.plots.model_dump(mode="json")
    names = (
        "violin", "speedup", "layers", "end_to_end", "scaling", "comparison", "drift", "sustained",
    )  # fmt: skip
    return {name: options[name] for name in names}


def stills_spec(study: Study) -> dict[str, Any]:
    """Options of the pictures of the rule `stills`, and what they show besides tables."""
    config = study.config
    options = config.plots.model_dump(mode="json")
    return {
        "options": {
            name: options[name] for name in ("layers", "roofline", "prediction", "trade_offs")
        },
        "traffic_model": config.traffic_model,
        "limits": config.limits,
    }


def pages_spec(study: Study) -> dict[str, Any]:
    """What the interactive pages show besides tables."""
    return {
        "study": study.name,
        "limits": study.config.limits,
        "traffic_model": study.config.traffic_model,
        "roofs": roofs_spec(study),
        "options": {
            name: getattr(study.config.plots, name).model_dump(
                mode="json", include={"axis", "palette", "page"}
            )
            for name in ("layers", "roofline", "trade_offs")
        },
    }


def report_spec(study: Study) -> dict[str, Any]:
    """The whole config, how networks read from files were used, and what tables are called."""
    remarks = [line for network in study.networks for line in network.remarks()]
    words = hashlib.sha256(repr(ALL).encode()).hexdigest()
    return {**study.config.model_dump(mode="json"), "remarks": remarks, "words": words}
