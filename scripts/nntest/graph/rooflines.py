"""What the rules of rooflines.smk ask about a study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nntest.analysis.roofline.boards import roofs_spec
from nntest.config import Study
from nntest.graph.tables import PUBLISHED_TABLES, ROOFLINE_TABLES, networks_spec

__all__ = [
    "PUBLISHED_TABLES",
    "ROOFLINE_TABLES",
    "prediction_plot_spec",
    "prediction_spec",
    "published_files",
    "roofline_plot_spec",
]


def prediction_spec(study: Study) -> dict[str, Any]:
    """What predictions and comparisons with published tables depend on."""
    config = study.config
    return {
        "boards": roofs_spec(study),
        "platforms": [platform.model_dump(mode="json") for platform in study.platforms],
        "known": [platform.model_dump(mode="json") for platform in study.all_platforms]
        if config.published
        else [],
        "networks": networks_spec(study),
        "batch_sizes": config.batch_sizes,
        "published": [published.model_dump(mode="json") for published in config.published],
    }


def published_files(study: Study) -> list[str]:
    """Every file that the published tables of the config are read from."""
    found = []
    for published in study.config.published:
        found.append(published.file)
        if published.tables is not None:
            found += [str(path) for path in sorted(Path(published.tables).glob("*.csv"))]
    return list(dict.fromkeys(found))


def roofline_plot_spec(study: Study) -> dict[str, Any]:
    """Options of the roofline; its points bring their ceilings."""
    options: dict[str, Any] = study.config.plots.roofline.model_dump(mode="json")
    return options


def prediction_plot_spec(study: Study) -> dict[str, Any]:
    """Options of the heat map of predictions, and the traffic model that it shows."""
    options = study.config.plots.prediction.model_dump(mode="json")
    return {"options": options, "traffic_model": study.config.traffic_model}
