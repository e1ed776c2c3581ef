"""The studies in config/: they load, and measure what they say."""

from __future__ import annotations

from pathlib import Path

import pytest
from nntest.config import Study, load_study
from nntest.config.load import read_yaml
from nntest.graph.trade_offs import trade_off_plots

CONFIG = Path(__file__).parents[2] / "config"
STUDIES = sorted(path.name for path in CONFIG.glob("*.yaml"))


def shipped(name: str) -> Study:
    """A study as Snakemake merges it over config.yaml."""
    content = {**read_yaml(CONFIG / "config.yaml"), **read_yaml(CONFIG / name)}
    return load_study(content, CONFIG.parent)


@pytest.mark.parametrize("name", STUDIES)
def test_each_can_be_read(name: str) -> None:
    study = shipped(name)
    assert study.sweeps()


def test_the_default_study_has_six_configurations_to_compare() -> None:
    study = shipped("config.yaml")
    whole = [library for library in study.libraries if study.network_choices(library)]
    precisions = {library.data_type for library in whole}
    assert len(whole) * len(study.networks) >= 6
    assert precisions == {"fp32", "int8"}
    accuracy = study.accuracies()[study.networks[0].name]
    assert None not in [accuracy.published_top1(precision) for precision in precisions]
    plots = trade_off_plots(study)
    assert plots == ["scatter.latency-throughput", "pareto.frames_per_s", "pareto.latency"]


def test_cnv_asks_for_all_prunings_precisions_and_batches() -> None:
    study = shipped("cnv.yaml")
    assert {network.name for network in study.networks} == {
        f"{family}-{keep}" for family in ("cnv", "mlp") for keep in ("100", "50", "25", "12.5")
    }
    by_library: dict[str, set[str]] = {}
    for library in study.libraries:
        by_library.setdefault(str(library.adapter), set()).add(library.data_type)
    assert set(by_library) == {"onnxruntime", "openvino", "litert"}
    assert all(precisions == {"fp32", "int8"} for precisions in by_library.values())
    assert (min(study.config.batch_sizes), max(study.config.batch_sizes)) == (1, 128)
    assert len(study.network_sweeps()) == len(study.libraries)
    assert {"boxes.latency_ms", "pareto.latency"} < set(trade_off_plots(study))
