"""The pictures of whole networks against each other: which a study has, and their captions."""

from __future__ import annotations

from nntest.config import Study
from nntest.config.instruments import asked_for

_CAPTIONS = {
    "scatter.latency-throughput": "Latency of a batch against frames a second",
    "pareto.frames_per_s": "Accuracy against frames a second: the Pareto front",
    "pareto.latency": "Accuracy against latency: the Pareto front",
    "pareto.energy": "Accuracy against energy per frame: the Pareto front",
    "boxes.latency_ms": "Latency by variant, batches and threads in its box",
    "boxes.frames_per_s": "Frames a second by variant, batches and threads in its box",
    "boxes.power_w": "Power by variant, batches and threads in its box",
}


def trade_off_plots(study: Study) -> list[str]:
    """The pictures of configurations that a study has something to show on."""
    config = study.config
    ways = len(config.batch_sizes) * len(study.thread_counts)
    libraries = sum(len(study.libraries_of(board)) for board, _ in study.places())
    has_boxes = bool(config.published) or ways > 1
    has_fronts = bool(config.published or study.accuracies())
    has_energy = bool(config.published) or (
        "energy" in asked_for(config.profile) and config.end_to_end
    )
    found = []
    if config.published or config.imports or ways * libraries > 1:
        found.append("scatter.latency-throughput")
    if has_fronts:
        found += ["pareto.frames_per_s", "pareto.latency"]
    if has_boxes:
        found += ["boxes.latency_ms", "boxes.frames_per_s"]
    if has_fronts and has_energy:
        found.append("pareto.energy")
    if has_boxes and has_energy:
        found.append("boxes.power_w")
    return found


def caption(plot: str) -> str:
    """What a picture shows, in words."""
    return _CAPTIONS[plot]
