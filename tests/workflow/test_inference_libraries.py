"""A study of libraries from the Python package index, on this machine, from wheels to ranking."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from workflow.study import SWEEP, Checkout

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow("installs three inference libraries, 100 MB, and measures with them"),
]

LIBRARIES = ["onnxruntime", "onnxruntime-1.27", "ncnn"]
TAGS = {"onnxruntime-1.32.0", "onnxruntime-1.27-1.27.0", "ncnn-1.0.20261020"}
TENSORS, TUNERS, REPETITIONS = 2, ["NONE", "DEFAULT"], 2
GONE = "ncnn==9.9.9 --hash=sha256:" + "0" * 64


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, int, str]:
    """The study with a library that cannot be had; exit status and words of its run."""
    checkout = Checkout.make(
        tmp_path_factory.mktemp("libraries") / "checkout",
        libraries=[*LIBRARIES, "gone"],
        networks=["trial"],
        operators=["conv"],
        tuners=TUNERS,
        repetitions=REPETITIONS,
        end_to_end=True,
        sweep_by="board",
    )
    (checkout.folder / "config/libraries/gone.lock").write_text(GONE + "\n", encoding="utf-8")
    checkout.write("config/libraries/gone.yaml", **ncnn(checkout, version="9.9.9", lock="gone"))
    status, output = checkout.run_anyhow()
    return checkout, status, output


@pytest.fixture(scope="module")
def whole(failed: tuple[Checkout, int, str]) -> Checkout:
    """The study without that library, run to its end.  Not to be changed."""
    checkout = failed[0]
    configured = yaml.safe_load((checkout.folder / "config/config.yaml").read_text("utf-8"))
    checkout.configure(**{**configured, "libraries": LIBRARIES})
    checkout.run()
    return checkout


@pytest.fixture
def study(whole: Checkout, tmp_path: Path) -> Checkout:
    """A copy of the finished study that a test may change."""
    return whole.copy(tmp_path / "checkout")


def ncnn(checkout: Checkout, lock: str = "ncnn", **changes: Any) -> dict[str, Any]:
    """The shipped file of ncnn with changes."""
    content = yaml.safe_load((checkout.folder / "config/libraries/ncnn.yaml").read_text("utf-8"))
    return {**content, "install": {"way": "pip", "lock": f"{lock}.lock"}, **changes}


def rows(checkout: Checkout, table: str) -> pd.DataFrame:
    return pd.read_parquet(checkout.results / "tables" / f"{table}.parquet")


def test_a_library_that_cannot_be_had_stops_no_other(failed: tuple[Checkout, int, str]) -> None:
    checkout, status, output = failed
    assert status != 0
    assert "board here, library gone: no wheel of ncnn 9.9.9 fits Python" in output
    assert "Traceback" not in output
    for library in LIBRARIES:
        lines = checkout.journal(library)
        measured = (TENSORS + 1) * len(TUNERS)  # the whole network, too
        assert len(lines) == measured * REPETITIONS, output
        assert {line["status"] for line in lines} == {"ok"}
    assert not checkout.journal("gone")


def test_libraries_are_measured_in_one_mixed_order(failed: tuple[Checkout, int, str]) -> None:
    """Drift meets all alike: whole networks first, then the layers, each library in each round."""
    checkout = failed[0]
    lines = sorted(
        (line["started_at"], library, line["point"])
        for library in LIBRARIES
        for line in checkout.journal(library)
    )
    order = [library for _, library, _ in lines[::REPETITIONS]]  # a process times so many
    networks = len(LIBRARIES) * len(TUNERS)
    assert set(order[:networks]) == set(LIBRARIES)
    assert order != sorted(order)
    changes = sum(one != other for one, other in pairwise(order))
    assert changes > 2 * len(LIBRARIES)


def test_the_first_ranking_has_every_library(whole: Checkout) -> None:
    text = (whole.results / "boards" / "here" / "first-ranking.txt").read_text("utf-8")
    assert text.startswith("preliminary: trial on ")
    assert all(text.count(f" {tag} ") == 1 for tag in TAGS)


def test_each_library_is_one_of_its_own_in_every_table(whole: Checkout) -> None:
    """Two versions of one library too."""
    measured = rows(whole, "measurements")
    assert set(measured["library"]) == TAGS
    assert (measured.groupby(["library", "species"]).size() == [8, 4] * 3).all()
    assert set(rows(whole, "summary")["library"]) == TAGS
    ranking = rows(whole, "network_ranking")
    ranked = ranking[ranking["rank"].notna()]
    assert set(ranked["library"]) == TAGS
    assert set(ranked["basis"]) == {"measured"}
    layers = rows(whole, "layer_ranking")
    assert (layers["libraries"] == len(TAGS)).all()
    assert {*layers["library"], *layers["second_library"]} <= TAGS
    environments = (whole.folder / "results/boards/here/pip").iterdir()
    assert {path.name.rsplit("-", 1)[0] for path in environments} == set(LIBRARIES)


def test_the_two_versions_are_what_was_measured(whole: Checkout) -> None:
    for library, version in (("onnxruntime", "1.32.0"), ("onnxruntime-1.27", "1.27.0")):
        for line in whole.journal(library):
            found = line["run_time_state"]["library"]
            assert (found["name"], found["version"]) == ("onnxruntime", version)


def test_the_error_of_the_sum_is_taken_apart(whole: Checkout) -> None:
    """By times that each of these libraries has of its nodes, alone and in the network."""
    taken_apart = rows(whole, "sum_error")
    assert set(taken_apart["library"]) == TAGS
    parts = taken_apart[["outside_error", "reorders_error", "nodes_error"]]
    assert parts.sum(axis=1).to_numpy() == pytest.approx(taken_apart["error"].to_numpy())
    within = taken_apart["library"].str.startswith("ncnn")
    assert (parts["reorders_error"].isna() == within).all()
    layers = rows(whole, "network_layers")
    assert len(layers) == 3 * len(taken_apart)  # one tensor is two layers
    assert (layers[["own_us", "inside_us"]] >= 0).all(axis=None)
    page = (whole.results / "report.html").read_text("utf-8")
    assert page.count("the sum over layers is") == len(taken_apart)


def test_nothing_is_measured_twice(whole: Checkout) -> None:
    assert whole.would_run() == {}


def test_other_settings_measure_their_own_points_alone(study: Checkout) -> None:
    settings = {"DEFAULT": {"winograd": False}, "NONE": ncnn(study)["settings"]["NONE"]}
    operators = {"conv": {"tuners": TUNERS}, "network": {"tuners": TUNERS}}
    study.write("config/libraries/ncnn.yaml", **ncnn(study, settings=settings, operators=operators))
    assert sum(study.to_measure(*SWEEP)) == TENSORS * REPETITIONS


def test_an_option_that_the_library_lacks_is_named(study: Checkout) -> None:
    settings = {**ncnn(study)["settings"], "DEFAULT": {"winogard": False}}
    study.write("config/libraries/ncnn.yaml", **ncnn(study, settings=settings))
    before = {library: study.journal(library) for library in LIBRARIES}
    study.run(*SWEEP)
    after = {library: study.journal(library) for library in LIBRARIES}
    further = after["ncnn"][len(before["ncnn"]) :]
    assert {library for library in LIBRARIES if after[library] != before[library]} == {"ncnn"}
    assert len(further) == TENSORS  # what fails is not tried again
    for line in further:
        assert line["status"] == "not-supported"
        assert "ncnn has no option 'winogard'; it has winograd" in json.dumps(line)


def test_a_package_index_out_of_reach_is_one_message(tmp_path: Path) -> None:
    checkout = Checkout.make(
        tmp_path / "checkout", libraries=["ncnn"], networks=["trial"], operators=["conv"]
    )
    unreachable = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": os.devnull,
        "PIP_RETRIES": "0", "PIP_NO_CACHE_DIR": "1",
    }  # fmt: skip
    status, output = checkout.run_anyhow("--until", "install", env=unreachable)
    assert status != 0
    said = [line for line in output.splitlines() if "the package index cannot be reached" in line]
    assert set(said) == {"error: board here, library ncnn: the package index cannot be reached"}
    assert "wheels that have been fetched once are kept" in output
    assert "Traceback" not in output
    assert not (checkout.folder / ".cache/wheels").exists() or not any(
        path.suffix != ".new" for path in (checkout.folder / ".cache/wheels").iterdir()
    )
