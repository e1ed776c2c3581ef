"""Every inference library on small tensors of every operator, against the reference."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from domain.onnx_files.test_model_zoo import file_of
from measuring.test_model_files import branching
from nntest.config.library import TAKE_ONNX
from nntest.domain.graph_nodes import GraphNode
from nntest.domain.onnx_files.whole_model import WholeModel
from nntest.measuring.model_files import reference_outputs, tensors_file
from onboard.frameworks.libraries import (
    ONBOARD,
    POINTS,
    REQUIREMENTS,
    lines,
    make_environment,
    plane,
    run_program,
)

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow("installs five inference libraries, 300 MB"),
    pytest.mark.timeout(1800),
]

REFUSED = {
    "onnxruntime": {"mean, dilated"},
    "openvino": {"mean, dilated"},
    "litert": {"mean, dilated", "largest, dilated"},
    "ncnn": {"batch", "vectors", "mean, dilated", "largest, dilated"},
}
"""Points that a library does not have, by design."""
SMALL = 2e-5  # of fp32 outputs of the order of 1


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the libraries' environments are: NNTEST_TEST_VENVS keeps them for the next time."""
    kept = os.environ.get("NNTEST_TEST_VENVS")
    return Path(kept) if kept else tmp_path_factory.mktemp("environments")


@pytest.fixture(scope="session", params=REQUIREMENTS)
def library(request: pytest.FixtureRequest, folder: Path) -> tuple[str, Path]:
    """Name and Python of each library."""
    try:
        return request.param, make_environment(folder, request.param)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        pytest.skip(f"pip cannot install {request.param}: {said[-1] if said else error}")


def compute(library: tuple[str, Path], points: dict[str, Any]) -> dict[str, Any]:
    name, python = library
    script = Path(__file__).parent / "compute_points.py"
    done = subprocess.run(
        [str(python), str(script), name],
        input=json.dumps(points),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_outputs_are_right(library: tuple[str, Path]) -> None:
    name, _ = library
    points = {point: (operator, env) for point, (operator, env) in POINTS.items()}
    operator, env = POINTS["3x3, padded, relu"]
    points["batch"] = (operator, {**env, "CK_IN_SHAPE_N": 3})
    points["vectors"] = ("fullyconnected", plane(12, 2, 2, CK_OUT_SHAPE_C=7, CK_IN_SHAPE_N=3))
    for tuner in ("NONE", "DEFAULT"):
        if name == "tvm" and tuner == "DEFAULT":
            continue  # searches: minutes
        with_tuner = {p: (o, {**e, "CK_LWS_TUNER_TYPE": tuner}) for p, (o, e) in points.items()}
        answers = compute(library, with_tuner)
        wrong = {
            point: answer
            for point, answer in answers.items()
            if point not in REFUSED.get(name, ()) and not answer.get("difference", 1) < SMALL
        }
        assert not wrong, tuner
        for point in REFUSED.get(name, ()):
            assert answers[point]["status"] == "not-supported", point


def test_nodes_of_one_layer_are_its_own_or_move_data(library: tuple[str, Path]) -> None:
    name, _ = library
    if name == "litert":
        pytest.skip("its interpreter does not time what it runs")
    points = {
        point: (operator, {**env, "CK_LWS_TUNER_TYPE": "NONE" if name == "tvm" else "DEFAULT"})
        for point, (operator, env) in POINTS.items()
        if point not in REFUSED.get(name, ())
    }
    for point, answer in compute(library, points).items():
        ran = answer["ran"]
        assert ran["timed_by"]
        computed = [node["layers"] for node in ran["nodes"] if node["layers"] != []]
        assert computed and all(layers == [points[point][0]] for layers in computed), (point, ran)
        assert all(node["seconds"] >= 0 for node in ran["nodes"]), (point, ran)


def test_settings_are_what_they_say(library: tuple[str, Path]) -> None:
    name, _ = library
    operator, env = POINTS["3x3, padded, relu"]
    env = {**env, "CK_IN_SHAPE_C": 16, "CK_OUT_SHAPE_C": 16}
    settings = {
        "onnxruntime": {"DEFAULT": "(NCHWc)", "nchw": "FusedConv", "NONE": "Relu"},
        "litert": {"DEFAULT": "XNNPACK", "builtin": "builtin", "reference": "reference"},
        "openvino": {"DEFAULT": "Convolution", "unpinned": "Convolution"},
        "ncnn": {"DEFAULT": "winograd+sgemm+packing", "no-packing": "winograd+sgemm"},
        "tvm": {"NONE": "untuned"},
    }[name]
    answers = compute(
        library, {tuner: (operator, {**env, "CK_LWS_TUNER_TYPE": tuner}) for tuner in settings}
    )
    for tuner, word in settings.items():
        assert word in json.dumps(answers[tuner]["ran"]), tuner


def write_network(folder: Path, activation: str = "relu6") -> Path:
    """A network in the manner of MobileNet, as the runner's plan describes it."""
    depthwise = plane(16, 16, 16, CK_DEPTHWISE_STRIDE=2, NNTEST_CONV_PADS="0,1,0,1")
    layers = [
        ("first", "conv", plane(3, 32, 32, CK_CONV_KERNEL=3, CK_CONV_STRIDE=2, CK_OUT_SHAPE_C=16)),
        ("depthwise", "depthwiseconv", depthwise),
        ("pointwise", "conv", plane(16, 8, 8, CK_CONV_KERNEL=1, CK_OUT_SHAPE_C=24)),
        ("largest", "maxpool", plane(24, 8, 8, CK_POOL_KERNEL=2, CK_POOL_STRIDE=2)),
        ("dense", "fullyconnected", plane(24, 4, 4, CK_OUT_SHAPE_C=32)),
        ("last", "fullyconnected", plane(32, 1, 1, CK_OUT_SHAPE_C=10)),
        ("softmax", "softmax", plane(10, 1, 1)),
    ]
    layers[0][2]["NNTEST_CONV_PADS"] = "0,1,0,1"
    described = []
    for name, operator, env in layers:
        weighted = operator in ("conv", "depthwiseconv")
        env = {**env, **({"NNTEST_ACTIVATION": activation} if weighted else {})}
        entry = {"name": name, "operator": operator, "tuner": "NONE", "tensor": name, "env": env}
        described.append(entry)
    path = folder / "network.json"
    path.write_text(json.dumps({"network": "small", "layers": described}))
    return path


def test_measures_a_network_by_the_contract(library: tuple[str, Path], tmp_path: Path) -> None:
    name, python = library
    done = run_program(
        python, tmp_path / "work", name, "network",
        NNTEST_NETWORK=write_network(tmp_path), CK_LWS_TUNER_TYPE="NONE", NNTEST_REPETITIONS=2,
        NNTEST_FIRST_REPETITION=4, NNTEST_THREADS=1, CK_SEED=9,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    measured = lines(tmp_path / "work")
    assert [line["repetition"] for line in measured] == [4, 5]
    state = measured[0]["run_time_state"]
    assert all(line["output_check"]["ok"] for line in measured)
    assert state["threads"]["asked"] == 1
    assert state["threads"]["used"] in (None, 1)
    assert state["network"]["name"] == "small" and len(state["network"]["layers"]) == 7
    ran = state["implementation"]
    assert ran["evidence"] in ("reported", "inferred")
    computed = [layer for node in ran["nodes"] for layer in node.get("layers") or ()]
    layers = [layer["name"] for layer in state["network"]["layers"]]
    assert list(dict.fromkeys(computed)) == (layers if ran["timed_by"] else [])
    assert state["library"]["name"] == name and state["library"]["version"][0].isdigit()
    timer = json.loads((tmp_path / "work" / "tmp-ck-timer.json").read_text())
    assert timer["execution_time_kernel_1"] == measured[0]["execution_time_kernel_1"] > 0
    left = {path.name for path in (tmp_path / "work").iterdir()}
    assert left == {"tmp-ck-timer.json", "tmp-nntest-repetitions.jsonl"}


def test_a_wrong_output_is_never_a_time(library: tuple[str, Path], tmp_path: Path) -> None:
    name, python = library
    operator, env = POINTS["3x3, padded, relu"]
    done = run_program(
        python, tmp_path / "work", name, operator,
        **env, CK_LWS_TUNER_TYPE="NONE", CK_ABS_DIFF_THRESHOLD=1e-12,
    )  # fmt: skip
    assert done.returncode == 4, done.stderr
    status = json.loads((tmp_path / "work" / "tmp-nntest-status.json").read_text())
    assert status["status"] == "wrong-output"
    assert not (tmp_path / "work" / "tmp-ck-timer.json").exists()


def test_the_runner_measures_it(library: tuple[str, Path], tmp_path: Path) -> None:
    sys.path.append(str(ONBOARD))
    from device_state import DeviceState
    from measure import Measurement

    name, python = library
    operator, env = POINTS["depthwise"]
    point = {
        "id": "a",
        "argv": [str(python), str(ONBOARD / "frameworks" / "program.py"), name, operator],
        "env": {**{k: str(v) for k, v in env.items()}, "CK_LWS_TUNER_TYPE": "NONE"},
        "timeout_s": 120,
    }
    state = DeviceState({})
    journal = list(Measurement(point, [0, 1], 0, str(tmp_path), state, lambda: False).run())
    assert [line["status"] for line in journal] == ["ok", "ok"], journal
    assert all(line["time_s"] > 0 for line in journal)


# -- whole models of the user's ------------------------------------------------------------


NODES = [
    GraphNode("/a", "Conv", "measured", "/a"),
    GraphNode("/b", "Relu", "folded", "/a"),
    GraphNode("/y", "Add", "measured", "/y"),
    GraphNode("/largest", "ArgMax", "measured", "/largest"),
]


def write_files(folder: Path, whole: WholeModel, wrong: bool = False) -> dict[str, str]:
    """The model with its right outputs, or others; the variables that name them."""
    model = whole.build(1, 42)
    inputs = whole.draw_inputs(model, 42)
    content = model.SerializeToString()
    outputs = reference_outputs("m", content, inputs)
    changed = {name: array + wrong for name, array in outputs.items()}
    (folder / "m.onnx").write_bytes(content)
    (folder / "m.npz").write_bytes(tensors_file(model, NODES, inputs, changed))
    return {
        "NNTEST_MODEL": str(folder / "m.onnx"),
        "NNTEST_MODEL_TENSORS": str(folder / "m.npz"),
        "CK_DATASET_FILENAME": "shape-net",
        "CK_LWS_TUNER_TYPE": "DEFAULT",
        "NNTEST_REPETITIONS": "2",
    }


def residual(folder: Path) -> WholeModel:
    """With two outputs, one of them of integers."""
    return WholeModel(branching(folder, (1, 4, 5, 5)), {}, "file", {})


@pytest.mark.parametrize("operator", ["network", "onnx"])
def test_a_model_of_the_users(library: tuple[str, Path], tmp_path: Path, operator: str) -> None:
    name, python = library
    variables = write_files(tmp_path, residual(tmp_path))
    done = run_program(python, tmp_path / "work", name, operator, **variables)
    if name not in TAKE_ONNX:
        assert done.returncode == 3
        assert f"{name} runs no ONNX model, and NNTEST_MODEL is set" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    for line in lines(tmp_path / "work"):
        assert line["output_check"]["ok"]
        state = line["run_time_state"]
        assert state["in_shape_C"] == 4
        computing = [node["layers"] for node in state["implementation"]["nodes"] if node["layers"]]
        layers = {layer for layers in computing for layer in layers}
        assert {"/a", "/largest"} <= layers <= {"/a", "/y", "/largest"}
        assert ("network" in state) == (operator == "network")


def test_a_models_wrong_output_is_found(library: tuple[str, Path], tmp_path: Path) -> None:
    name, python = library
    if name not in TAKE_ONNX:
        pytest.skip("runs no ONNX model")
    variables = write_files(tmp_path, residual(tmp_path), wrong=True)
    done = run_program(python, tmp_path / "work", name, "network", **variables)
    assert done.returncode == 4
    assert "output 'largest': 25 of 25 elements" in done.stderr


@pytest.mark.parametrize("network", ["squeezenet", "shufflenet", "densenet121"])
def test_graphs_of_the_model_zoo(library: tuple[str, Path], tmp_path: Path, network: str) -> None:
    name, python = library
    if name not in TAKE_ONNX:
        pytest.skip("runs no ONNX model")
    variables = write_files(tmp_path, WholeModel(file_of(network), {}, "drawn", {}))
    done = run_program(python, tmp_path / "work", name, "network", **variables)
    assert done.returncode == 0, done.stderr
    assert all(line["output_check"]["ok"] for line in lines(tmp_path / "work"))
