"""The pictures of whole networks against each other: which a study has, and their captions."""

from __future__ import annotations

from nntest.config import Study
from nntest.config.instruments import asked_for

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
    own_energy = "energy" in asked_for(config.profile) and config.end_to_end
    if config.published or (own_energy and any(file.accuracy for file in study.network_files)):
        found.append("pareto.energy")
    if config.published or (own_energy and len(config.batch_sizes) > 1):
        found.append("boxes.power_w")
    return found


def caption(plot: str) -> str:
    """What a picture shows, in words."""
    return _CAPTIONS[plot]
