"""Every inference library on small tensors of every operator, against the reference."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from domain.onnx_files.test_model_zoo import file_of
from measuring.test_model_files import branching
from nntest.analysis.network_schedule import schedule_network
from nntest.config import load_study
from nntest.config.library import TAKE_ONNX
from nntest.domain.graph_nodes import GraphNode
from nntest.domain.onnx_files.whole_model import WholeModel
from nntest.measuring.model_files import reference_outputs, tensors_file
from onboard.frameworks.libraries import (
    ONBOARD,
    POINTS,
    REQUIREMENTS,
    conv,
    lines,
    make_environment,
    plane,
    run_program,
    write_branching,
    write_network,
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
INTEGERS = {
    "onnxruntime": "QLinearConv", "openvino": "_I8", "litert": "XNNPACK", "ncnn": "int8",
}  # fmt: skip
"""Libraries that have int8, and what a convolution's kernel on integers is called on x86."""
REFUSED_IN_INT8 = {name: {*refused, "pointwise, hard-sigmoid"} for name, refused in REFUSED.items()}
REFUSED_IN_INT8["ncnn"].add("groups")
WRONG_IN_INT8 = {("openvino", "mean, padded")}
"""OpenVINO 2026.4.1 takes padding for integers that are 0, not for numbers that are."""


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


@pytest.mark.parametrize("streams", [1, 4])
def test_requests_run_in_parallel_streams(
    library: tuple[str, Path], tmp_path: Path, streams: int
) -> None:
    """Each stream has its own output, which is checked, and they run at the same time."""
    name, python = library
    operator, env = POINTS["3x3, padded, relu"]
    tuner = "NONE" if name == "tvm" else "DEFAULT"
    asked = {"NNTEST_STREAMS": streams, "NNTEST_REQUESTS_S": 0.2, "NNTEST_REQUESTS": 400}
    point = {**env, "CK_LWS_TUNER_TYPE": tuner, "NNTEST_THREADS": 1, **asked}
    done = run_program(python, tmp_path, name, operator, **point)
    assert done.returncode == 0, done.stderr
    (line,) = lines(tmp_path)
    assert line["output_check"]["ok"]
    served = line["run_time_state"]["requests"]
    assert len(served) == streams
    assert sum(len(one["latency_ns"]) for one in served) >= 400
    assert all(one["latency_ns"] for one in served)
    memory = line["run_time_state"]["memory"]
    assert memory["after"]["peak_bytes"] > memory["before"]["resident_bytes"]


def in_int8(name: str, tuner: str = "DEFAULT") -> dict[str, Any]:
    return {
        point: (operator, {**env, "CK_LWS_TUNER_TYPE": tuner, "NNTEST_DATA_TYPE": "int8"})
        for point, (operator, env) in POINTS.items()
        if point not in REFUSED_IN_INT8.get(name, ())
    }


@pytest.mark.parametrize("tuner", ["DEFAULT", "NONE"])
def test_integers_are_right_to_a_step(library: tuple[str, Path], tuner: str) -> None:
    name, _ = library
    answers = compute(library, in_int8(name, tuner))
    if name not in INTEGERS:
        assert {answer.get("status") for answer in answers.values()} == {"not-supported"}
        return
    for point, answer in answers.items():
        right = answer["difference"] <= answer["allowed"]
        assert right != ((name, point) in WRONG_IN_INT8), (point, answer)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="kernels by their names on x86")
def test_convolutions_are_computed_on_integers(library: tuple[str, Path]) -> None:
    name, _ = library
    if name not in INTEGERS:
        pytest.skip("it has no int8")
    answers = compute(library, in_int8(name))
    for point in ("pointwise", "3x3, padded, relu", "5x3, strides 1 and 2", "depthwise"):
        kernels = [node["kernel"] for node in answers[point]["ran"]["nodes"]]
        assert any(INTEGERS[name] in kernel for kernel in kernels), (point, kernels)
        assert "f32" not in " ".join(kernels), (point, kernels)


@pytest.mark.parametrize("activation", ["relu6", "hard-swish"])
def test_a_network_in_int8(library: tuple[str, Path], tmp_path: Path, activation: str) -> None:
    name, python = library
    if name not in INTEGERS:
        pytest.skip("it has no int8")
    done = run_program(
        python, tmp_path / "work", name, "network", NNTEST_DATA_TYPE="int8",
        NNTEST_NETWORK=write_network(tmp_path, activation), CK_LWS_TUNER_TYPE="DEFAULT",
        NNTEST_REPETITIONS=2, NNTEST_THREADS=1,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    measured = lines(tmp_path / "work")
    assert all(line["output_check"]["ok"] for line in measured)
    assert {line["run_time_state"]["data_bits"] for line in measured} == {8}


def test_nodes_of_one_layer_are_its_own_or_move_data(library: tuple[str, Path]) -> None:
    name, _ = library
    if name == "litert":
        pytest.skip("its interpreter does not time what it runs")
    points = {
        point: (operator, {**env, "CK_LWS_TUNER_TYPE": "NONE" if name == "tvm" else "DEFAULT"})
        for point, (operator, env) in POINTS.items()
        if point not in REFUSED.get(name, ())
    }
    if name in INTEGERS:
        points |= {f"{point} in int8": what for point, what in in_int8(name).items()}
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


def test_a_search_is_kept_and_used_again(library: tuple[str, Path], tmp_path: Path) -> None:
    name, python = library
    if name != "tvm":
        pytest.skip("it searches for nothing")
    states = []
    for work in ("first", "second"):
        done = run_program(
            python, tmp_path / work, name, "conv", **plane(8, 7, 7, **conv("1,1", 8)),
            NNTEST_SETTINGS='{"trials": 2}', NNTEST_THREADS=1,
            NNTEST_TUNER_TABLE=tmp_path / "table.json",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        states.append(lines(tmp_path / work)[0]["run_time_state"])
    first, second = (state["tuner"] for state in states)
    assert first["tuning_s"] > 0 and not first["from_table"]
    assert (second["tuning_s"], second["from_table"]) == (0, True)
    kernels = [state["implementation"]["nodes"][0]["kernel"] for state in states]
    assert kernels[0] == kernels[1]
    assert kernels[0].startswith("MetaSchedule ")


@pytest.mark.parametrize("tuner", ["NONE", "DEFAULT"])
def test_a_network_with_branches(library: tuple[str, Path], tmp_path: Path, tuner: str) -> None:
    name, _ = library
    if name == "tvm" and tuner == "DEFAULT":
        pytest.skip("searches: minutes")
    ran = run_whole(library, tmp_path, write_branching(tmp_path), CK_LWS_TUNER_TYPE=tuner)
    if ran["timed_by"] and name != "tvm":  # TVM tells apart the functions of a chain alone
        computed = {layer for node in ran["nodes"] for layer in node["layers"] or ()}
        assert {"stem", "left", "depthwise", "gate", "pool", "dense", "softmax"} <= computed


def test_a_residual_family(library: tuple[str, Path], tmp_path: Path) -> None:
    """MobileNet-v2, as a study has it described."""
    if library[0] == "tvm":
        pytest.skip("compiles each of its layers anew: a minute")
    network = "mobilenet-v2-0.35-96"
    config = {
        "study": "s", "networks": [network], "boards": ["localhost"], "libraries": [library[0]],
        "tuners": ["DEFAULT"], "operators": ["conv", "depthwiseconv"], "end_to_end": True,
    }  # fmt: skip
    study = load_study(config, Path(__file__).parents[3])
    (point,), left_out = schedule_network(study, study.libraries[0], {})
    assert not left_out
    described = tmp_path / "described.json"
    described.write_text(json.dumps(point.description))
    run_whole(library, tmp_path, described, CK_LWS_TUNER_TYPE="DEFAULT")


def run_whole(
    library: tuple[str, Path], folder: Path, network: Path, **variables: Any
) -> dict[str, Any]:
    """Run a network; its outputs must be right.  What ran is returned."""
    name, python = library
    work = folder / "work"
    done = run_program(
        python, work, name, "network", NNTEST_NETWORK=network, NNTEST_THREADS=1, **variables
    )
    assert done.returncode == 0, done.stderr
    (line,) = lines(work)
    assert line["output_check"]["ok"]
    ran: dict[str, Any] = line["run_time_state"]["implementation"]
    return ran


def test_branches_are_not_run_in_int8(library: tuple[str, Path], tmp_path: Path) -> None:
    name, python = library
    if name not in INTEGERS:
        pytest.skip("it has no int8")
    done = run_program(
        python, tmp_path / "work", name, "network", NNTEST_NETWORK=write_branching(tmp_path),
        NNTEST_DATA_TYPE="int8", CK_LWS_TUNER_TYPE="DEFAULT",
    )  # fmt: skip
    assert done.returncode == 3
    assert "int8 of a network with branches" in done.stderr


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
    from fork_client import ForkedProcess, ForkServers
    from measure import Measurement

    name, python = library
    operator, env = POINTS["depthwise"]
    point = {
        "id": "a",
        "argv": [str(python), str(ONBOARD / "frameworks" / "program.py"), name, operator],
        "env": {**{k: str(v) for k, v in env.items()}, "CK_LWS_TUNER_TYPE": "NONE"},
        "timeout_s": 120,
    }
    point["server"] = [*point["argv"][:3], "--serve"]
    servers, started = ForkServers(), []

    class Watched:
        """The servers, and what they start."""

        def start(self, *given: Any) -> Any:
            started.append(servers.start(*given))
            return started[-1]

    folder, state = str(tmp_path / "run"), DeviceState({})
    try:
        lines = Measurement(point, [0, 1], 0, folder, state, lambda: False, Watched()).run()
        journal = list(lines)
    finally:
        servers.close()
    assert [line["status"] for line in journal] == ["ok", "ok"], journal
    # A library that has threads as soon as it is imported could not be forked.
    assert [type(process) for process in started] == [ForkedProcess]
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
