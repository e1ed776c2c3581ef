"""Which sweeps are measured in one mixed order, and which of them can be by now."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from nntest.analysis.network_schedule import schedule_network
from nntest.config import Study, load_study
from nntest.domain.network_points import save_chosen
from nntest.measuring.beside import found_beside
from nntest.measuring.installed import Installed
from nntest.measuring.libraries import KINDS

HOME = Path(__file__).parents[2]


def study(**changes: Any) -> Study:
    config = {
        "study": "s", "networks": ["trial"], "boards": ["localhost", "virtual-rk3399"],
        "libraries": ["onnxruntime", "ncnn", "opencl-reference"], "operators": ["conv"],
        "tuners": ["DEFAULT"], "end_to_end": True, "sweep_by": "board", **changes,
    }  # fmt: skip
    return load_study(config, HOME)


@pytest.mark.parametrize(
    ("changes", "sweep", "others"),
    [
        ({}, "localhost.onnxruntime", ["localhost.ncnn", "localhost.opencl-reference"]),
        ({}, "localhost.opencl-reference", ["localhost.onnxruntime", "localhost.ncnn"]),
        ({}, "localhost.onnxruntime.network", ["localhost.ncnn.network"]),
        ({}, "localhost.opencl-reference.network", []),  # waits for its own layers
        ({"sweep_by": "library"}, "localhost.onnxruntime", []),
    ],
)
def test_which_belong_together(changes: dict[str, Any], sweep: str, others: list[str]) -> None:
    made = study(**changes)
    assert [one.name for one in made.beside(made.sweep(sweep))] == others


def leave_installed(made: Study, name: str, results: Path, **changes: Any) -> None:
    kind = KINDS[made.library(name).kind](made.library(name))
    checksum = getattr(kind, "_checksum", lambda: "ab" * 32)()
    installed = Installed(name, made.library(name).version, "tag", checksum, {})
    path = results / "boards" / "localhost" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**asdict(installed), **changes}), encoding="utf-8")


def test_what_is_not_installed_yet_is_not_waited_for(tmp_path: Path) -> None:
    made = study()
    own = made.sweep("localhost.opencl-reference")
    assert not list(found_beside(made, own, tmp_path))
    leave_installed(made, "ncnn", tmp_path)
    leave_installed(made, "onnxruntime", tmp_path, checksum="another")
    (found,) = found_beside(made, own, tmp_path)
    assert found.sweep.name == "localhost.ncnn"
    assert len(found.sweep.points) == 2
    (tmp_path / "boards" / "localhost" / "ncnn.json").write_text("torn", encoding="utf-8")
    assert not list(found_beside(made, own, tmp_path))


def test_whole_networks_need_their_layers_list_as_well(tmp_path: Path) -> None:
    made = study()
    own = made.sweep("localhost.onnxruntime.network")
    leave_installed(made, "ncnn", tmp_path)
    assert not list(found_beside(made, own, tmp_path))
    points, _ = schedule_network(made, made.library("ncnn"), {})
    (tmp_path / "sweeps").mkdir()
    save_chosen(
        tmp_path / "sweeps" / "localhost.ncnn.network.json", points, [],
        board="localhost", library="ncnn",
    )  # fmt: skip
    (found,) = found_beside(made, own, tmp_path)
    assert [point.subject for point in found.sweep.points] == ["trial"]
