"""Arm NN on the virtual board: Debian's packages, installed, checked and measured over SSH.

About ten minutes beside other jobs on two cores, most of it for Python's imports in the emulator.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from nntest.config import Library
from nntest.measuring.installed import Installed
from nntest.measuring.libraries.armnn import ArmNN
from nntest.measuring.onboard import ONBOARD
from nntest.measuring.probe import probe
from nntest.measuring.transport import Transport, connect
from onboard.frameworks.libraries import POINTS, plane, write_branching
from virtual_board.own_board import VirtualBoard
from workflow.study import HOME, Checkout

pytestmark = [
    pytest.mark.virtual_board,
    pytest.mark.network,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(
        "NNTEST_VIRTUAL_LIBRARIES" not in os.environ,
        reason="ten minutes in the emulator: set NNTEST_VIRTUAL_LIBRARIES=1",
    ),
]

REFUSED = {"groups", "mean, dilated", "largest, dilated"}
"""Points that Arm NN does not have, by design of its layers."""
REFUSED_IN_NCHW = {"softmax over planes"}
SMALL = 2e-5  # of outputs of the order of 1
POINTS_SCRIPT = "tests/onboard/frameworks/compute_points.py"


def shipped(**changes: Any) -> ArmNN:
    content = yaml.safe_load((HOME / "config/libraries/armnn.yaml").read_text("utf-8"))
    return ArmNN(Library.model_validate({"name": "armnn", **content, **changes}))


@pytest.fixture(scope="module")
def installed(machine: VirtualBoard) -> Installed:
    machine.start()
    with connect(machine.board) as transport:
        facts, _ = probe(transport, machine.board)
        return shipped().install(transport, machine.board, facts)


def test_it_is_installed_from_packages(installed: Installed, transport: Transport) -> None:
    assert installed.tag == "armnn-20.08"
    assert set(installed.details["packages"].values()) == {"ii"}
    assert {"CpuAcc", "CpuRef", "GpuAcc"} <= set(installed.details["backends"])
    names = {file["name"].split(".so")[0] for file in installed.details["library_files"]}
    assert {"libarmnn", "libarm_compute", "Arm_CpuAcc_backend"} <= names
    for file in installed.details["library_files"]:
        assert transport.read(file["path"]) is not None


@pytest.mark.parametrize("tuner", ["NONE", "DEFAULT", "nchw"])
def test_outputs_are_right(
    installed: Installed, transport: Transport, tmp_path: Path, tuner: str
) -> None:
    points = {
        **POINTS,
        "vectors": ("fullyconnected", plane(12, 2, 2, CK_OUT_SHAPE_C=7, CK_IN_SHAPE_N=3)),
        "branches": ("network", {"NNTEST_NETWORK": "points/branching.json"}),
    }
    with_tuner = {
        name: (op, {**env, "CK_LWS_TUNER_TYPE": tuner}) for name, (op, env) in points.items()
    }
    transport.put(ONBOARD, "points/scripts/onboard")
    transport.put(HOME / POINTS_SCRIPT, f"points/{POINTS_SCRIPT}")
    transport.put(write_branching(tmp_path), "points/branching.json")
    transport.write("points/points.json", json.dumps(with_tuner).encode())
    command = f"python3 points/{POINTS_SCRIPT} armnn < points/points.json"
    done = transport.run(["sh", "-c", command], timeout_s=1200).check("computing")
    answers = json.loads(done.stdout.splitlines()[-1])
    refused = {name for name, answer in answers.items() if answer.get("status")}
    assert refused == REFUSED | (REFUSED_IN_NCHW if tuner == "nchw" else set())
    wrong = {
        name: answer
        for name, answer in answers.items()
        if name not in refused and not answer["difference"] < SMALL
    }
    assert not wrong
    kernels = [node["kernel"] for node in answers["3x3, padded, relu"]["ran"]["nodes"]]
    backend = "Ref" if tuner == "NONE" else "NE"
    assert any(kernel.startswith(backend) for kernel in kernels)


def test_two_tensors_and_a_network_are_measured(
    machine: VirtualBoard, tmp_path_factory: pytest.TempPathFactory
) -> None:
    machine.start()
    checkout: Checkout = machine.checkout(tmp_path_factory.mktemp("armnn") / "checkout")
    checkout.run(
        *("--configfile", "config/virtual-libraries.yaml", "--until", "tidy"),
        *("--config", "libraries=[armnn]", "threads=[1,2]"),
    )
    folder = checkout.folder / "results/virtual-libraries"
    measured = pd.read_parquet(folder / "tables/measurements.parquet")
    assert set(measured["status"]) == {"ok"}
    assert measured["emulated"].all()
    assert set(measured["library"]) == {"armnn-20.08"}
    assert measured.groupby("operator")["tensor"].nunique().to_dict() == {"conv": 2, "network": 1}
    assert set(measured["kernel_evidence"]) == {"reported"}
    used = measured["threads_used"].dropna()  # of short runs the kernel does not say
    assert set(used) <= {1, 2} and 2 in set(used)
    lines = [
        json.loads(line)
        for path in folder.glob("sweeps/*.journal.jsonl")
        for line in path.read_text().splitlines()
    ]
    checks = [line["output_check"] for line in lines if "output_check" in line]
    assert len(checks) >= len(measured)
    assert all(check["ok"] and check["max_abs_diff"] < 1e-4 for check in checks)
