"""A study of an ONNX file on ONNX Runtime: every node measured, the network run from its file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from measuring.test_model_files import branching
from workflow.study import Checkout

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow("installs an inference library, and measures with it"),
]

TENSORS = ["4-5-5-3-4-1-1+relu", "Add@14:1x4x5x5,1x4x5x5", "ArgMax@13:1x4x5x5;axis=1"]
LEFT_OUT = "Gather@13:4x2,=1:int64[7]"
"""Its index is beyond the table: nothing can run it."""
GROUP = "Sigmoid@13:1x4x25|Mul@14:#0.0,#0"
REPETITIONS = 2


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, str]:
    """The finished study, and what its run said."""
    checkout = Checkout.make(
        tmp_path_factory.mktemp("models") / "checkout",
        libraries=["onnxruntime"],
        networks=["net"],
        operators=["conv", "onnx"],
        tensors={"onnx": [LEFT_OUT, GROUP]},
        tuners=["DEFAULT"],
        repetitions=REPETITIONS,
        end_to_end=True,
        baseline={"operator": "conv", "tuner": "DEFAULT"},
    )
    networks = checkout.folder / "config" / "networks"
    branching(networks)
    checkout.write(
        "config/networks/net.yaml", definition={"family": "onnx", "file": "branching.onnx"}
    )
    return checkout, checkout.run()


def rows(checkout: Checkout, table: str) -> pd.DataFrame:
    return pd.read_parquet(checkout.results / "tables" / f"{table}.parquet")


def test_all_nodes_and_the_network_are_measured(whole: tuple[Checkout, str]) -> None:
    checkout, _ = whole
    measured = rows(checkout, "measurements")
    assert set(measured["status"]) == {"ok"}
    assert measured.groupby("tensor").size().to_dict() == dict.fromkeys(
        [*TENSORS, GROUP, "net"], REPETITIONS
    )
    species = dict(zip(measured["tensor"], measured["species"], strict=True))
    assert list(map(species.get, [*TENSORS, "net"])) == ["conv", "onnx", "onnx", "network"]
    assert species[GROUP] == "onnx"
    assert set(measured[measured["species"] == "onnx"]["operator"]) == {"onnx"}


def test_the_estimate_covers_all_of_the_network(whole: tuple[Checkout, str]) -> None:
    checkout, _ = whole
    estimate = rows(checkout, "estimate").set_index("choice").loc["best"]
    assert (estimate["covered_layers"], estimate["layers"]) == (3, 3)
    assert estimate["covered_macs_share"] == 1
    assert estimate["not_covered"] == ""
    assert estimate["measured_us"] > 0
    assert list(rows(checkout, "layer_times")["tensor"].unique()) == TENSORS


def test_a_node_that_nothing_can_run_is_named(whole: tuple[Checkout, str]) -> None:
    _, output = whole
    assert f"left out: {LEFT_OUT}: ONNX Runtime does not run it" in output


def test_the_board_has_the_models_and_the_archive_no_path(whole: tuple[Checkout, str]) -> None:
    checkout, _ = whole
    folder = checkout.folder / "results/boards/here/studies/tiny/onnxruntime/models"
    assert len(list(folder.glob("*.onnx"))) == len(list(folder.glob("*.npz"))) == 4
    plan = (checkout.results / "sweeps" / "here.onnxruntime.network.plan.json").read_text("utf-8")
    assert str(Path("networks") / "branching.onnx") not in plan


def test_a_second_run_has_nothing_to_do(whole: tuple[Checkout, str]) -> None:
    checkout, _ = whole
    assert checkout.would_run() == {}
