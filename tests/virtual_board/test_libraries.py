"""Inference libraries on the virtual board: their aarch64 wheels, and Arm NN from packages,
installed and measured over SSH.

About a quarter of an hour beside other jobs on two cores, most of it for pip and for Python's
imports in the emulator.
"""

from __future__ import annotations

import json
import os
import shlex

import pandas as pd
import pytest
import yaml
from nntest.measuring.transport import connect
from virtual_board.own_board import VirtualBoard
from workflow.study import HOME, Checkout

pytestmark = [
    pytest.mark.virtual_board,
    pytest.mark.network,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(
        "NNTEST_VIRTUAL_LIBRARIES" not in os.environ,
        reason="a quarter of an hour in the emulator: set NNTEST_VIRTUAL_LIBRARIES=1",
    ),
]

LIBRARIES = {"onnxruntime", "litert", "openvino", "ncnn", "armnn"}
STUDY = ("--configfile", "config/virtual-libraries.yaml")


@pytest.fixture(scope="module")
def checkout(machine: VirtualBoard, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A check-out whose `virtual-rk3399` is the tests' own board."""
    machine.start()
    checkout = machine.checkout(tmp_path_factory.mktemp("libraries") / "checkout")
    # Wheels that were fetched once are kept.
    (HOME / ".cache").mkdir(exist_ok=True)
    (checkout.folder / ".cache").symlink_to(HOME / ".cache")
    return checkout


@pytest.fixture(scope="module")
def measured(checkout: Checkout) -> pd.DataFrame:
    """The shipped study's measurements, a row for each repetition."""
    checkout.run(*STUDY, "--until", "tidy")
    return pd.read_parquet(
        checkout.folder / "results/virtual-libraries/tables/measurements.parquet"
    )


def test_five_libraries_measure_two_tensors_and_a_network(
    checkout: Checkout, measured: pd.DataFrame
) -> None:
    assert set(measured["status"]) == {"ok"}
    assert measured["emulated"].all()
    assert set(measured["library"].str.rsplit("-", n=1).str[0]) == LIBRARIES
    for _, rows in measured.groupby("library"):
        assert rows.groupby("operator")["tensor"].nunique().to_dict() == {"conv": 2, "network": 1}
    journals = [*checkout.folder.glob("results/virtual-libraries/sweeps/*.journal.jsonl")]
    lines = [json.loads(line) for path in journals for line in path.read_text().splitlines()]
    checks = [line["output_check"] for line in lines if "output_check" in line]
    assert len(checks) >= len(measured)
    # Halves, which OpenVINO would compute with if it were not asked, are off by 0.02.
    assert all(check["ok"] and check["max_abs_diff"] < 1e-4 for check in checks)


def test_a_library_that_dies_and_one_without_a_wheel_stop_no_other(
    checkout: Checkout, machine: VirtualBoard, measured: pd.DataFrame
) -> None:
    libraries = checkout.folder / "config" / "libraries"
    old = yaml.safe_load((libraries / "onnxruntime.yaml").read_text("utf-8"))
    old |= {"version": "1.10.0", "install": {"way": "pip", "lock": "old.lock"}}
    checkout.write("config/libraries/old.yaml", **old)
    (libraries / "old.lock").write_text(f"onnxruntime==1.10.0 --hash=sha256:{'0' * 64}\n")
    with connect(machine.board) as transport:
        # With an x86 processor's cpuinfo ONNX Runtime ends in a segmentation fault.
        transport.run(["umount", "/proc/cpuinfo"], timeout_s=60).check("unmounting")
        try:
            status, said = checkout.run_anyhow(
                *STUDY, "--until", "sweep", "--config", "study=broken",
                *shlex.split("'libraries=[onnxruntime,old,ncnn]' end_to_end=false repetitions=1"),
            )  # fmt: skip
        finally:
            mount = ["mount", "--bind", "/run/cpuinfo", "/proc/cpuinfo"]
            transport.run(mount, timeout_s=60).check("mounting")
    assert status != 0
    lines = {line.strip() for line in said.splitlines()}  # Snakemake shows a failed job's log again
    errors = [line for line in lines if line.startswith("error: ")]
    died, old_one = sorted(errors, key=lambda line: "no wheel" in line)
    assert "library onnxruntime: onnxruntime dies of SIGSEGV when it is imported: " in died
    assert "Segmentation fault" in died
    assert "library old: no wheel of onnxruntime 1.10.0 fits Python 3.11" in old_one
    assert "on aarch64, glibc 2.36" in old_one
    assert "Traceback" not in said
    assert (checkout.folder / "results/broken/sweeps/virtual-rk3399.ncnn.zip").exists()
