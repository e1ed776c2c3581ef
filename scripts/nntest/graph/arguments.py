"""What the tables of a study may take from it, by the name of the argument."""

from __future__ import annotations

from typing import Any

from nntest.analysis.roofline.boards import board_roofs
from nntest.config import Study


def table_arguments(study: Study) -> dict[str, Any]:
    """Everything that a table may need of a study, by the name of the argument."""
    return {
        "seed": study.config.seed,
        "baseline_operator": study.config.baseline.operator,
        "baseline_tuner": study.config.baseline.tuner,
        "networks": study.networks,
        "predict": study.predict,
        "padding": study.config.padding,
        "compare": study.config.compare,
        "roofs": board_roofs(study),
        "traffic_model": study.config.traffic_model,
        "accuracies": study.accuracies(),
    }
