"""Arm Compute Library on the virtual board: installed, its programs compiled, and run.

The real library on an emulated device: what it computes is right or wrong as on a board; its
times mean nothing.
"""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from nntest.config import Library
from nntest.domain.tensors import NETWORK, OPERATOR_SPECIES, Tensor
from nntest.measuring.installed import Installed
from nntest.measuring.libraries.armcl import MARKER, ArmCL
from nntest.measuring.probe import probe
from nntest.measuring.transport import Transport, connect
from virtual_board.own_board import VirtualBoard

pytestmark = pytest.mark.virtual_board

HOME = Path(__file__).parents[2]
TENSORS = ("16-8-8-1-12-1-0", "3-11-9-3-5-2-1")
SEED = 7
BY_OPERATOR = {
    "conv": ("16-8-8-3-12-1-1", "3-11-9-3-5-2-0_1_0_1"),
    "directconv": ("16-8-8-3-12-1-1", "3-11-9-3-5-2-1"),
    "winogradconv": ("16-8-8-3-12-1-1", "3-11-9-3-5-1-1"),
    "depthwiseconv": ("5-9-7-1-1", "8-10-10-2-0_1_0_1"),
    "fullyconnected": ("24-1-1-11-1-1", "10-6-6-20-1-1"),
    "avgpool": ("16-7-7-7-1", "6-9-8-3-2"),
    "maxpool": ("16-7-7-7-1", "6-9-8-3-2"),
    "softmax": ("1001-1-1", "17-3-2"),
}
NETWORK_LAYERS = {
    **{"conv": "3-12-12-3-16-1-1", "depthwiseconv": "16-12-12-2-1", "avgpool": "16-6-6-6-1"},
    **{"fullyconnected": "16-1-1-17-1-1", "softmax": "17-1-1"},
}
WEIGHTS_IN_INT8 = {
    **dict.fromkeys(("conv", "depthwiseconv"), "QSYMM8_PER_CHANNEL"),
    **dict.fromkeys(("directconv", "fullyconnected"), "QASYMM8"),
}


def shipped(name: str, machine: VirtualBoard, *operators: str) -> ArmCL:
    """A shipped library with some of its operators, by default all of BY_OPERATOR that it has.

    They are compiled here: the board has no compiler.
    """
    content = yaml.safe_load((HOME / "config" / "libraries" / f"{name}.yaml").read_text("utf-8"))
    content["build"] = {"where": "here", "sysroot": f"{machine.folder}/root"}
    has = content["operators"]
    content["operators"] = {name: has[name] for name in operators or BY_OPERATOR if name in has}
    return ArmCL(Library.model_validate({"name": name, **content}))


@pytest.fixture(scope="module")
def kind(machine: VirtualBoard) -> ArmCL:
    return shipped("armcl-opencl", machine, "conv", "directconv")


@pytest.fixture(scope="module")
def installed(machine: VirtualBoard, kind: ArmCL) -> Installed:
    machine.start()
    with connect(machine.board) as transport:
        facts, _ = probe(transport, machine.board)
        return kind.install(transport, machine.board, facts)


def network_of(tensors: dict[str, str]) -> dict[str, Any]:
    """The file of a network with these layers, by their operators."""
    layers = [
        {"name": name, "operator": name, "tuner": "NONE", "env": tensor_variables(name, tensor)}
        for name, tensor in tensors.items()
    ]
    return {"network": "small", "layers": layers}


def tensor_variables(operator: str, tensor: str) -> dict[str, str]:
    """What a program is asked for by."""
    species = "conv" if operator == NETWORK else OPERATOR_SPECIES[operator]
    return Tensor.parse(species, tensor).env()


class Runner:
    """Runs operator programs on the board as the on-board runner does: variables in, files out."""

    def __init__(self, transport: Transport, machine: VirtualBoard, kind: ArmCL) -> None:
        self.transport = transport
        self.board = machine.board
        self.kind = kind
        self.home = transport.run(["pwd"], timeout_s=60).check("home").stdout.strip()

    def run(self, operator: str, tensor: str, tuner: str, **variables: Any) -> tuple[int, str]:
        """Exit status of one process, and its folder on the board."""
        folder = f"{self.home}/runs/{operator}-{tensor}-{tuner}"
        programs = f"{self.home}/nntest-flow/programs/any"
        environment = {
            **self.board.environment,
            **self.kind.environment(f"{self.home}/runs/tuner-table.json"),
            **tensor_variables(operator, tensor),
            **{"CK_LWS_TUNER_TYPE": tuner, "CK_SEED": str(SEED), "CK_OUT_RAW_DATA": "output.raw"},
            **{"NNTEST_REPETITIONS": "3", "NNTEST_FIRST_REPETITION": "2"},
            **{key: str(value) for key, value in variables.items()},
        }
        done = self.transport.run(
            [
                *("sh", "-c", 'rm -rf "$1" && mkdir -p "$1" && cd "$1" && exec "$2"', "sh"),
                *(folder, *self.kind.argv(self.board, programs, operator)),
            ],
            timeout_s=240,
            environment=environment,
        )
        return done.status, folder

    def read(self, path: str) -> Any:
        """A JSON file, or the lines of one."""
        content = self.transport.read(path)
        assert content is not None, path
        if path.endswith(".jsonl"):
            return [json.loads(line) for line in content.splitlines()]
        return json.loads(content)


@pytest.fixture
def runner(
    transport: Transport, machine: VirtualBoard, kind: ArmCL, installed: Installed
) -> Runner:
    return Runner(transport, machine, kind)


def expected(tensor: Tensor) -> np.ndarray[Any, Any]:
    """The convolution that the programs are asked for, by NumPy from the seed on."""
    engine = np.random.MT19937()
    engine._legacy_seeding(SEED)

    def uniform(*shape: int) -> np.ndarray[Any, Any]:
        drawn = engine.random_raw(int(np.prod(shape))).reshape(shape)
        return np.asarray((drawn >> 8) / 2**23 - 1)

    size, (out_channels, _, _) = tensor.kernel, tensor.out_shape
    channels = tensor.in_shape[0]
    data = uniform(1, *tensor.in_shape)
    weights = uniform(out_channels, channels, size, size) / np.sqrt(channels * size**2)
    bias = uniform(out_channels)
    top, bottom, left, right = tensor.pads or (0, 0, 0, 0)
    padded = np.pad(data, ((0, 0), (0, 0), (top, bottom), (left, right)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(2, 3))
    windows = windows[:, :, :: tensor.stride, :: tensor.stride]
    return np.asarray(np.einsum("nchwij,kcij->nkhw", windows, weights) + bias[:, None, None])


def test_installed_says_what_there_is(installed: Installed) -> None:
    assert installed.version == "20.08"
    assert installed.tag == "arm-compute-library-opencl-20.08"
    assert installed.device["name"] == "Mali-T860 (emulated, PoCL)"
    assert installed.device["driver_version"]
    assert "'opencl': '1'" in installed.details["build"]
    assert installed.details["packages"]["libarm-compute-dev"]["status"] == "ii"


def test_nothing_is_installed_or_compiled_twice(
    transport: Transport, machine: VirtualBoard, kind: ArmCL, installed: Installed
) -> None:
    facts, _ = probe(transport, machine.board)
    programs = installed.details["programs"]
    ask = ["stat", "-c", "%Y %i", f"{programs}/conv"]
    before = transport.run(ask, timeout_s=30).stdout
    assert kind.install(transport, machine.board, facts) == installed
    assert transport.run(ask, timeout_s=30).stdout == before


def test_half_compiled_programs_are_compiled_again(
    transport: Transport, machine: VirtualBoard, kind: ArmCL, installed: Installed
) -> None:
    facts, _ = probe(transport, machine.board)
    programs = installed.details["programs"]
    transport.run(["rm", f"{programs}/{MARKER}"], timeout_s=30).check("removing the marker")
    transport.write(f"{programs}/conv", b"half a program")
    assert kind.install(transport, machine.board, facts) == installed
    assert (transport.read(f"{programs}/conv") or b"").startswith(b"\x7fELF")


@pytest.mark.parametrize(
    ("operator", "tuner", "tensor"),
    [
        ("conv", "NONE", TENSORS[0]),
        ("conv", "DEFAULT", TENSORS[1]),
        ("directconv", "NONE", TENSORS[1]),
        ("directconv", "DEFAULT", TENSORS[0]),
    ],
)
def test_an_operator_computes_what_numpy_does(
    runner: Runner, operator: str, tuner: str, tensor: str
) -> None:
    began = time.time()
    status, folder = runner.run(operator, tensor, tuner)
    assert status == 0
    repetitions = runner.read(f"{folder}/tmp-nntest-repetitions.jsonl")
    timer = runner.read(f"{folder}/tmp-ck-timer.json")
    assert [line["repetition"] for line in repetitions] == [2, 3, 4]
    for line in repetitions:
        assert line["output_check"]["ok"]
        assert line["output_check"]["max_abs_diff"] < 1e-5
        assert line["output_check"]["threshold"] == 0.001
        assert 0 < line["execution_time_kernel_1"] < line["execution_time_kernel_0"] < 300
        assert np.datetime64(line["started_at"].removesuffix("+00:00")) >= np.datetime64(
            int(began), "s"
        )
    assert timer["execution_time_kernel_1"] == repetitions[0]["execution_time_kernel_1"]
    state = timer["run_time_state"]
    assert state["operator"] == operator
    assert state["device"]["name"] == "Mali-T860 (emulated, PoCL)"
    assert state["library"]["build"].startswith("arm_compute_version=v20.08")
    assert state["tuner"]["type"] == tuner
    wanted = expected(Tensor.parse("conv", tensor))
    shape = tuple(state[f"out_shape_{axis}"] for axis in "NCHW")
    raw = runner.transport.read(f"{folder}/output.raw")
    assert raw is not None
    output = np.frombuffer(raw, "<f4").reshape(shape)
    np.testing.assert_allclose(output, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "prefix", "operators"),
    [
        ("armcl-neon", "NE", ()),
        ("armcl-opencl", "CL", ()),
        ("armcl-neon-int8", "NE", ()),
        ("armcl-opencl-int8", "CL", ("depthwiseconv", "fullyconnected", "softmax")),
    ],
)
def test_every_operator_is_right(
    machine: VirtualBoard, name: str, prefix: str, operators: tuple[str, ...]
) -> None:
    """Two tensors each, several processes at a time; the last of them a batch of two.

    With OpenCL that one alone: the emulator compiles for half a minute of CPU in each process, and
    for two minutes what a convolution needs in int8.
    """
    kind = shipped(name, machine, *operators)
    machine.start()
    with connect(machine.board) as transport:
        facts, _ = probe(transport, machine.board)
        assert kind.install(transport, machine.board, facts).tag.startswith(
            f"arm-compute-library-{name.removeprefix('armcl-')}-20.08"
        )

    def measure(operator: str) -> None:
        with connect(machine.board) as transport:
            runner = Runner(transport, machine, kind)
            tensors = list(enumerate(BY_OPERATOR[operator], start=1))
            for batch, tensor in tensors[-1:] if prefix == "CL" else tensors:
                # Softmax needs work-groups as large as a Mali's.
                status, folder = runner.run(
                    operator, tensor, "NONE", CK_IN_SHAPE_N=batch, VIRTUAL_MALI_MAX_GROUP=256
                )
                assert status == 0, (operator, tensor)
                for line in runner.read(f"{folder}/tmp-nntest-repetitions.jsonl"):
                    check, state = line["output_check"], line["run_time_state"]
                    assert check["ok"]
                    if kind.library.data_type == "int8":
                        assert state["integers"] == {
                            "activations": "QASYMM8",
                            "weights": WEIGHTS_IN_INT8.get(operator),
                        }
                    else:
                        assert check["max_abs_diff"] < 2e-5
                    assert state["layer"].startswith(prefix)
                    assert state["out_shape_N"] == batch

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in [pool.submit(measure, operator) for operator in kind.library.operators]:
            done.result()


def test_int8_is_near_what_numpy_computes_in_floats(machine: VirtualBoard) -> None:
    """As near as 7 bits of weights and 8 of activations are, alone and in a network.

    What the library has no integers for, it says.
    """
    kind = shipped("armcl-neon", machine, "conv", "winogradconv", "network")
    machine.start()
    with connect(machine.board) as transport:
        kind.install(transport, machine.board, probe(transport, machine.board)[0])
        runner = Runner(transport, machine, kind)
        path = f"{runner.home}/small.json"
        transport.write(path, json.dumps(network_of(NETWORK_LAYERS)).encode())

        def measure(operator: str, tensor: str) -> tuple[np.ndarray[Any, Any], float]:
            """The output, and the largest difference from the reference that passes."""
            variables = {"NNTEST_DATA_TYPE": "int8", "NNTEST_NETWORK": path}
            status, folder = runner.run(operator, tensor, "NONE", **variables)
            assert status == 0
            raw = transport.read(f"{folder}/output.raw")
            assert raw is not None
            check = runner.read(f"{folder}/tmp-nntest-repetitions.jsonl")[0]["output_check"]
            return np.frombuffer(raw, "<f4"), check["threshold"]

        for tensor in TENSORS:
            output, step = measure("conv", tensor)
            off = np.abs(output - expected(Tensor.parse("conv", tensor)).reshape(-1)).max()
            assert 0.1 * step < off < 3 * step
        output, _ = measure("network", TENSORS[0])
        assert output.sum() == pytest.approx(1, abs=17 / 256)
        assert output.std() > 1 / 256
        status, folder = runner.run("winogradconv", TENSORS[1], "NONE", NNTEST_DATA_TYPE="int8")
        said = runner.read(f"{folder}/tmp-nntest-status.json")
        assert (status, said["status"]) == (3, "not-supported")
        assert said["reason"].startswith("NEWinogradConvolutionLayer: ")


def test_tuned_sizes_are_kept_for_the_next_process(runner: Runner) -> None:
    for _ in range(2):
        status, folder = runner.run("directconv", TENSORS[0], "DEFAULT")
        assert status == 0
    tuner = runner.read(f"{folder}/tmp-ck-timer.json")["run_time_state"]["tuner"]
    assert tuner["from_table"] is True
    assert tuner["tuning_s"] == 0
    assert tuner["mode"] == "rapid"
    assert next(iter(tuner["local_sizes"])).startswith("direct_convolution")
    path = f"{runner.home}/runs/tuner-table.json"
    table = runner.transport.read(path) or b""
    assert next(iter(tuner["local_sizes"])).encode() in table
    status, folder = runner.run("directconv", TENSORS[0], "CUSTOM", NNTEST_TUNER_TABLE_IN=path)
    assert status == 0
    custom = runner.read(f"{folder}/tmp-ck-timer.json")["run_time_state"]["tuner"]
    assert custom["local_sizes"] == tuner["local_sizes"]
    assert (custom["mode"], custom["missing"], custom["tuning_s"]) == ("rapid", [], 0)


def test_what_another_mode_found_is_not_used(runner: Runner) -> None:
    status, folder = runner.run("directconv", TENSORS[0], "DEFAULT")
    assert status == 0
    tuner = runner.read(f"{folder}/tmp-ck-timer.json")["run_time_state"]["tuner"]
    assert tuner["mode"] == "rapid"
    status, folder = runner.run("directconv", TENSORS[0], "DEFAULT", NNTEST_TUNER_MODE="normal")
    assert status == 0
    tuner = runner.read(f"{folder}/tmp-ck-timer.json")["run_time_state"]["tuner"]
    assert tuner["mode"] == "normal"
    assert tuner["from_table"] is False
    assert tuner["tuning_s"] > 0


def test_padding_by_side_and_a_batch(runner: Runner) -> None:
    status, folder = runner.run("conv", "3-11-9-3-5-2-0_1_0_1", "NONE", CK_IN_SHAPE_N=2)
    assert status == 0
    state = runner.read(f"{folder}/tmp-ck-timer.json")["run_time_state"]
    assert [state[f"out_shape_{axis}"] for axis in "NCHW"] == [2, 5, 5, 4]


def test_kernels_are_taken_down_by_phase(runner: Runner) -> None:
    status, folder = runner.run("conv", TENSORS[0], "NONE", NNTEST_PROFILE="kernels")
    assert status == 0
    lines = runner.read(f"{folder}/tmp-nntest-repetitions.jsonl")
    names = [
        [kernel["name"] for kernel in line["kernels"] if kernel["phase"] == "run"] for line in lines
    ]
    assert names[0] == names[1] == names[2]
    assert any(name.startswith("gemm_mm") for name in names[0])
    assert {kernel["phase"] for kernel in lines[0]["kernels"]} == {"warmup", "run"}
    assert {kernel["phase"] for line in lines[1:] for kernel in line["kernels"]} == {"run"}
    # The weights are reshaped once, in the warm-up.
    assert len(lines[0]["kernels"]) > 2 * len(names[0])
    for line in lines:
        ran = [kernel for kernel in line["kernels"] if kernel["phase"] == "run"]
        taken = sum(kernel["end_ns"] - kernel["start_ns"] for kernel in ran) / 1e9
        assert 0 < taken < line["execution_time_kernel_1"]


@pytest.mark.parametrize(
    ("operator", "variables", "status", "kind_of", "reported"),
    [
        (
            "conv",
            {"CK_ABS_DIFF_THRESHOLD": "1e-12"},
            4,
            "wrong-output",
            "differ from the reference",
        ),
        ("directconv", {"CK_CONV_KERNEL": 7}, 3, "not-supported", "Kernel sizes other than"),
        ("conv", {"LD_LIBRARY_PATH": "/nowhere"}, 3, "not-supported", "Non uniform workgroup"),
        ("conv", {"CK_LWS_TUNER_TYPE": "CUSTOM"}, 2, "not-supported", "TABLE_IN is not set"),
        ("conv", {"CK_LWS_TUNER_TYPE": "BIFROST"}, 3, "not-supported", "for Bifrost GPUs"),
        ("conv", {"NNTEST_DATA_TYPE": "fp16"}, 3, "not-supported", "cl_khr_fp16"),
        (
            "conv",
            {"CK_IN_SHAPE_H": 40000, "CK_IN_SHAPE_W": 40000},
            *(6, "out-of-memory", "the device allocates at most"),
        ),
        (
            "conv",
            {"CK_LWS_TUNER_TYPE": "DEFAULT", "NNTEST_TUNER_TABLE": "/nowhere/table"},
            *(2, "not-supported", "a folder that cannot be written"),
        ),
        ("conv", {"CK_IN_SHAPE_C": "many"}, 2, "not-supported", "is not an integer"),
    ],
)
def test_what_cannot_be_measured_is_reported(
    runner: Runner,
    operator: str,
    variables: dict[str, Any],
    status: int,
    kind_of: str,
    reported: str,
) -> None:
    ended, folder = runner.run(operator, TENSORS[0], "NONE", **variables)
    assert ended == status
    said = runner.read(f"{folder}/tmp-nntest-status.json")
    assert said["status"] == kind_of
    assert reported in said["reason"]
    assert runner.transport.read(f"{folder}/tmp-ck-timer.json") is None
