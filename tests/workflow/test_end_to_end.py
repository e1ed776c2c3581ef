"""Whole networks: chosen for layer by layer from the sweep of the layers, then measured."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from nntest.archives.ck import check, read_points
from nntest.archives.measurements import load
from nntest.domain.tensors import Tensor
from workflow.study import Checkout, own_study

pytestmark = own_study
CHAIN = [
    {"name": "first", "species": "conv", "tensor": "3-32-32-3-8-2-0_1_0_1"},
    {"name": "second", "species": "conv", "tensor": "8-16-16-1-8-1-0"},
    {"name": "third", "species": "conv", "tensor": "8-16-16-1-8-1-0"},
]
REPETITIONS = 3


def measured_whole(checkout: Checkout) -> list[dict[str, Any]]:
    frame = load(checkout.results / "tables" / "measurements.parquet")
    rows: list[dict[str, Any]] = frame[frame["species"] == "network"].to_dict("records")
    return rows


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A study of two networks, one of which is not a chain, run to its end.  Not to be changed."""
    checkout = Checkout.make(
        tmp_path_factory.mktemp("whole") / "checkout",
        end_to_end=True,
        end_to_end_choices=["SCHEDULE", "NONE"],
        networks=["chain", "tiny"],
        repetitions=REPETITIONS,
    )
    write_chain(checkout, CHAIN)
    checkout.run()
    return checkout


@pytest.fixture
def study(whole: Checkout, tmp_path: Path) -> Checkout:
    return whole.copy(tmp_path / "checkout")


def write_chain(checkout: Checkout, layers: list[dict[str, str]], **more: Any) -> None:
    definition = {"family": "layers", "layers": layers}
    checkout.write("config/networks/chain.yaml", definition=definition, **more)


def test_a_network_is_measured_with_the_librarys_protocol(whole: Checkout) -> None:
    rows = measured_whole(whole)
    assert [(row["tensor"], row["tuner"], row["repetition_id"]) for row in rows] == [
        ("chain", choice, repetition)
        for choice in ("NONE", "SCHEDULE")
        for repetition in range(REPETITIONS)
    ]
    for row in rows:
        assert (row["operator"], row["program"]) == ("network", "network-opencl-reference")
        assert row["status"] == "ok"
        assert row["time_us"] > 0
        assert row["protocol"] == "in-process"
        assert row["board"] == "here"
    layers = load(whole.results / "tables" / "measurements.parquet")
    assert set(layers["library"]) == {rows[0]["library"]}


def test_each_layer_runs_what_was_fastest_on_its_tensor(whole: Checkout) -> None:
    """Computed again here from the board's journal, which `schedule_network` does not read."""
    plan = json.loads(
        (whole.results / "sweeps" / "here.opencl-reference.plan.json").read_text("utf-8")
    )
    points = {point["id"]: point for point in plan["points"]}
    times: dict[str, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in whole.journal():
        if line["point"] in points:
            point = points[line["point"]]
            times[point["tensor"]][point["operator"], point["tuner"]].append(line["time_s"])
    chosen = json.loads(
        (whole.results / "sweeps" / "here.opencl-reference.network.json").read_text("utf-8")
    )
    descriptions = {item["choice"]: item["description"] for item in chosen["points"]}
    assert set(descriptions) == {"SCHEDULE", "NONE"}
    for choice, description in descriptions.items():
        assert description["network"] == "chain"
        assert [layer["name"] for layer in description["layers"]] == ["first", "second", "third"]
        for layer in description["layers"]:
            # Measured with the study's symmetric pad, run with its own.
            measured = layer["tensor"].replace("0_1_0_1", "0")
            medians = {
                pair: median(values)
                for pair, values in times[measured].items()
                if choice == "SCHEDULE" or pair[1] == choice
            }
            assert (layer["operator"], layer["tuner"]) == min(medians, key=medians.__getitem__)
            env = Tensor.parse("conv", layer["tensor"]).env()
            assert layer["env"] == {**env, "CK_IN_SHAPE_N": "1"}
    assert descriptions["SCHEDULE"]["layers"][0]["env"]["NNTEST_CONV_PADS"] == "0,1,0,1"


def test_a_network_that_is_no_chain_is_left_out_and_named(whole: Checkout) -> None:
    page = (whole.results / "report.html").read_text("utf-8")
    assert (
        "tiny, batch 1, SCHEDULE: not measured end to end on here with opencl-reference: its "
        "layers do not form a chain: third takes 8x16x16, but second gives 16x16x16."
    ) in page


def test_tables_of_operators_leave_the_networks_out(whole: Checkout) -> None:
    import pandas as pd

    tables = whole.results / "tables"
    for name in ("speedup", "tuner_check", "schedule"):
        frame = pd.read_parquet(tables / f"{name}.parquet")
        assert len(frame)
        assert "network" not in set(frame.get("species", ())) | set(frame.get("operator", ()))
    summary = pd.read_parquet(tables / "summary.parquet")
    assert list(summary[summary["species"] == "network"]["tensor"]) == ["chain", "chain"]


def test_the_archive_tells_what_each_layer_ran_with(whole: Checkout) -> None:
    archive = whole.results / "sweeps" / "here.opencl-reference.network.zip"
    assert list(check(archive)) == []
    (point, *_) = [point for point in read_points(whole.results / "tiny.zip")
                   if point.columns["tuner"] == "SCHEDULE"]  # fmt: skip
    network = point.content["nntest_flow"]["network"]
    assert [layer["name"] for layer in network["layers"]] == ["first", "second", "third"]


def test_a_finished_study_has_nothing_to_be_done(whole: Checkout) -> None:
    assert whole.would_run() == {}


def test_what_is_only_a_name_measures_no_network_again(study: Checkout) -> None:
    write_chain(study, [{**layer, "name": f"new {layer['name']}"} for layer in CHAIN])
    assert {"sweep", "schedule_network", "sweep_network"} & set(study.would_run()) == {
        "schedule_network", "sweep_network"
    }  # fmt: skip
    before = study.journal()
    study.run("--until", "sweep_network")
    assert study.journal() == before


def test_a_plot_title_or_a_description_goes_to_no_board(study: Checkout) -> None:
    study.configure(
        end_to_end=True, end_to_end_choices=["SCHEDULE", "NONE"], networks=["chain", "tiny"],
        repetitions=REPETITIONS, plots={"violin": {"title": "Another title"}},
    )  # fmt: skip
    write_chain(study, CHAIN, description="a new word for it")
    with (study.folder / "scripts/nntest/analysis/stats.py").open("a") as code:
        code.write("\nEDITED = 1\n")
    assert not {"sweep", "schedule_network", "sweep_network"} & set(study.would_run())


def test_a_changed_choice_measures_the_network_again(study: Checkout) -> None:
    before = study.journal()
    chosen = study.results / "sweeps" / "here.opencl-reference.network.json"
    content = json.loads(chosen.read_text("utf-8"))
    for item in content["points"]:
        for layer in item["description"]["layers"]:
            layer["operator"] = {"conv": "directconv", "directconv": "conv"}[layer["operator"]]
    chosen.write_text(json.dumps(content), encoding="utf-8")
    assert study.to_measure() == [2 * REPETITIONS]
    study.run("--until", "sweep_network")
    after = study.journal()
    assert after[: len(before)] == before
    assert len(after) == len(before) + 2 * REPETITIONS
    assert {line["status"] for line in after} == {"ok"}


def test_a_network_that_fails_leaves_the_layers_results(study: Checkout) -> None:
    """Its tolerance cannot be met; the layers' measurements are used all the same."""
    library = "config/libraries/opencl-reference.yaml"
    study.edit(library, "network: {}", "network: {tolerance: 1e-30}")
    assert study.to_measure() == [0, 2 * REPETITIONS]
    study.run("--until", "tidy")
    assert {row["status"] for row in measured_whole(study)} == {"wrong-output"}
    frame = load(study.results / "tables" / "measurements.parquet")
    assert set(frame[frame["species"] == "conv"]["status"]) == {"ok"}
