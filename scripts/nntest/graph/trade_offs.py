"""What the rules of trade_offs.smk ask about a study."""

from __future__ import annotations

from typing import Any

from nntest.analysis.roofline.boards import roofs_spec
from nntest.config import Study
from nntest.pictures.charts.names import PAGES

__all__ = [
    "PAGES",
    "caption",
    "configurations_spec",
    "pages_spec",
    "trade_off_plots",
    "trade_off_spec",
]

_CAPTIONS = {
    "scatter.latency-throughput": "Latency of a batch against frames a second",
    "pareto.frames_per_s": "Accuracy against frames a second: the Pareto front",
    "pareto.latency": "Accuracy against latency: the Pareto front",
    "pareto.energy": "Accuracy against energy per frame: the Pareto front",
    "boxes.latency_ms": "Latency by variant, every batch in its box",
    "boxes.frames_per_s": "Frames a second by variant, every batch in its box",
    "boxes.power_w": "Power by variant, every batch in its box",
}


def trade_off_plots(study: Study) -> list[str]:
    """The pictures of configurations that a study has something to show on."""
    config = study.config
    found = []
    if config.published or len(study.networks) > 1 or len(config.batch_sizes) > 1:
        found.append("scatter.latency-throughput")
    if config.published or any(file.accuracy for file in study.network_files):
        found += ["pareto.frames_per_s", "pareto.latency"]
    if config.published or len(config.batch_sizes) > 1:
        found += ["boxes.latency_ms", "boxes.frames_per_s"]
    if config.published:  # nothing of ours reads a power meter
        found += ["pareto.energy", "boxes.power_w"]
    return found


def caption(plot: str) -> str:
    """What a picture shows, in words."""
    return _CAPTIONS[plot]


def configurations_spec(study: Study) -> dict[str, Any]:
    """The networks' published accuracies."""
    return {"top1_percent": study.top1_percent()}


def trade_off_spec(study: Study) -> dict[str, Any]:
    """Options of the pictures, and the limit on the latency."""
    config = study.config
    return {
        "options": config.plots.trade_offs.model_dump(mode="json"),
        "latency_limit_ms": config.latency_limit_ms,
    }


def pages_spec(study: Study) -> dict[str, Any]:
    """What the interactive pages show besides tables."""
    return {
        "study": study.name,
        "latency_limit_ms": study.config.latency_limit_ms,
        "traffic_model": study.config.traffic_model,
        "roofs": roofs_spec(study),
        "options": {
            name: getattr(study.config.plots, name).model_dump(
                mode="json", include={"axis", "palette"}
            )
            for name in ("roofline", "trade_offs")
        },
    }
