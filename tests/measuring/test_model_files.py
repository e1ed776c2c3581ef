"""The files of a model that a board runs, and the plan that names them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from domain.onnx_files.onnx_models import node, write
from measuring.test_threads import planned
from nntest.analysis.network_schedule import schedule_network
from nntest.config import Study, load_study
from nntest.domain.graph_nodes import GraphNode
from nntest.domain.onnx_files.whole_model import WholeModel
from nntest.errors import UserError
from nntest.graph.boards import network_schedule_spec
from nntest.measuring.model_files import (
    NotFinite,
    model_variables,
    reference_outputs,
    send_models,
    tensors_file,
)
from nntest.measuring.transport.local import LocalTransport
from onnx import ModelProto, TensorProto, helper, numpy_helper

HOME = Path(__file__).parents[2]


def branching(
    path: Path, in_shape: tuple[Any, ...] = ("n", 4, 5, 5), data_type: Any = None
) -> Path:
    """A convolution with an activation, its sum with the input, and which channel is largest."""
    values = np.random.default_rng(1).random((4, 4, 3, 3), np.float32)
    file = write(
        path / "branching.onnx",
        [
            node("Conv", "x w", "a", pads=[1, 1, 1, 1]),
            node("Relu", "a", "b"),
            node("Add", "b x", "y"),
            node("ArgMax", "y", "largest", axis=1),
        ],
        [numpy_helper.from_array(values, "w")],
        in_shape,
    )
    model = ModelProto.FromString(file.read_bytes())
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    model.graph.output.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, None))
    file.write_bytes(model.SerializeToString())
    return file


def study(folder: Path, batches: tuple[int, ...] = (1,), **definition: Any) -> Study:
    definition = {"family": "onnx", "file": "branching.onnx", **definition}
    (folder / "net.yaml").write_text(yaml.safe_dump({"definition": definition}), encoding="utf-8")
    config = {
        "study": "s", "networks": [str(folder / "net.yaml")], "boards": ["localhost"],
        "libraries": ["onnxruntime", "ncnn"], "operators": ["conv"], "tuners": ["DEFAULT"],
        "end_to_end": True, "batch_sizes": list(batches),
    }  # fmt: skip
    return load_study(config, HOME)


# -- right outputs -------------------------------------------------------------------------


def test_the_right_outputs_are_all_outputs(tmp_path: Path) -> None:
    whole = WholeModel(branching(tmp_path), {}, "file", {})
    model = whole.build(1, 42)
    inputs = whole.draw_inputs(model, 42)
    outputs = reference_outputs("m", model.SerializeToString(), inputs)
    assert list(outputs) == ["largest", "y"]
    assert outputs["y"].shape == (1, 4, 5, 5)
    assert (outputs["largest"][:, 0] == outputs["y"].argmax(axis=1)).all()


def test_outputs_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", [node("Log", "x", "y")], [], (1, 50))
    whole = WholeModel(path, {}, "file", {})
    model = whole.build(1, 42)
    with pytest.raises(NotFinite, match="m: with inputs drawn from the seed, 'y' is not finite"):
        reference_outputs("m", model.SerializeToString(), whole.draw_inputs(model, 42))


def test_what_onnxruntime_does_not_run_is_said_in_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", [node("NoSuchThing", "x", "y")], [], (1, 5))
    content = path.read_bytes()
    with pytest.raises(
        UserError, match=r"^m: ONNX Runtime does not run it: .*NoSuchThing"
    ) as error:
        reference_outputs("m", content, {"x": np.zeros((1, 5), np.float32)})
    assert "\n" not in str(error.value)


def test_the_archive_says_which_layer_a_node_is_of(tmp_path: Path) -> None:
    model = WholeModel(branching(tmp_path), {}, "file", {}).build(1, 42)
    nodes = [
        GraphNode("/a", "Conv", "measured", "/a"),
        GraphNode("/b", "Relu", "folded", "/a"),
        GraphNode("/y", "Add", "not covered"),
        GraphNode("/largest", "ArgMax", "free"),
    ]
    arrays = {"x": np.ones((1, 4, 5, 5), np.float32)}
    content = tensors_file(model, nodes, arrays, {"y": arrays["x"]})
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        assert set(archive.files) == {"in:x", "out:y", "names", "layers"}
        assert dict(zip(archive["names"].tolist(), archive["layers"].tolist(), strict=True)) == {
            "/a": "/a", "a": "/a", "a_nchwc": "/a", "/b": "/a", "b": "/a", "b_nchwc": "/a",
            "/y": "/y", "y": "/y",
        }  # fmt: skip


# -- schedule and plan ---------------------------------------------------------------------


def test_a_library_that_takes_onnx_runs_the_file_itself(tmp_path: Path) -> None:
    branching(tmp_path)
    made = study(tmp_path)
    (point,), left_out = schedule_network(made, made.library("onnxruntime"), {})
    assert not left_out
    assert (point.subject, point.tuners()) == ("net", ["DEFAULT"])
    assert point.description == {
        "network": "net",
        "model": {"file": made.networks[0].source, "inputs": {}, "weights": "file", "ranges": {}},
    }
    points, (without,) = schedule_network(made, made.library("ncnn"), {})
    assert not points
    assert "its layers do not form a chain" in without.reason


def test_a_network_that_cannot_run_whole_is_left_out_with_the_reason(tmp_path: Path) -> None:
    branching(tmp_path, (1, 4, 5, 5))
    made = study(tmp_path, (1, 2))
    points, (left_out,) = schedule_network(made, made.library("onnxruntime"), {})
    assert [point.batch_size for point in points] == [1]
    assert "fixes its batch size" in left_out.reason


def test_a_library_of_another_data_type_does_not_run_it(tmp_path: Path) -> None:
    branching(tmp_path)
    made = study(tmp_path)
    half = made.library("onnxruntime").model_copy(update={"data_type": "fp16"})
    points, (left_out,) = schedule_network(made, half, {})
    assert not points
    assert left_out.reason == "its file computes in fp32, library onnxruntime is for fp16"


def test_what_the_user_says_of_a_file_makes_another_point(tmp_path: Path) -> None:
    branching(tmp_path)
    ids, specs, models = set(), set(), set()
    for definition in ({}, {"inputs": {"x": [1, 4, 5, 5]}}, {"weights": "drawn"}):
        made = study(tmp_path, **definition)
        one = load_study({**made.config.model_dump(), "libraries": ["onnxruntime"]}, HOME)
        whole = planned(one)[-1]
        ids.add(whole["id"])
        models.add(whole["env"]["NNTEST_MODEL"])
        specs.add(json.dumps(network_schedule_spec(one, "onnxruntime")))
        assert "NNTEST_NETWORK" not in whole["env"]
        assert whole["env"]["NNTEST_MODEL_TENSORS"] == whole["env"]["NNTEST_MODEL"][:-4] + "npz"
    assert len(ids) == len(specs) == len(models) == 3


def sent(made: Study, points: Any, folder: Path) -> tuple[list[Any], list[str]]:
    """The points that can run, and what is noted."""
    notes: list[str] = []
    with LocalTransport() as transport:
        kept = send_models(transport, made, tuple(points), str(folder), notes.append)
    return list(kept), notes


def test_the_files_are_made_and_sent_once(tmp_path: Path) -> None:
    branching(tmp_path)
    made = study(tmp_path)
    points, _ = schedule_network(made, made.library("onnxruntime"), {})
    for times in (2, 0):
        kept, notes = sent(made, points, tmp_path)
        assert kept == points
        assert len(notes) == times
    names = model_variables(str(tmp_path), made, points[0])
    model = ModelProto.FromString(Path(names["NNTEST_MODEL"]).read_bytes())
    assert [item.name for item in model.graph.node] == ["/a", "/b", "/y", "/largest"]
    with np.load(names["NNTEST_MODEL_TENSORS"]) as archive:
        assert {"in:x", "out:y", "out:largest"} < set(archive.files)


# -- single nodes --------------------------------------------------------------------------


def of_nodes(folder: Path, *names: str, **changes: Any) -> Study:
    """A study of single nodes alone."""
    branching(folder)
    made = study(folder)
    config = {"operators": ["onnx"], "libraries": ["onnxruntime"], "tensors": {"onnx": [*names]}}
    return load_study({**made.config.model_dump(), **config, **changes}, HOME)


def test_the_networks_nodes_are_points_with_a_model(tmp_path: Path) -> None:
    made = of_nodes(tmp_path, "Relu@14:1x8")
    *points, whole = planned(made)
    assert [point["tensor"] for point in points] == [
        "Add@14:1x4x5x5,1x4x5x5", "ArgMax@13:1x4x5x5;axis=1", "Relu@14:1x8"
    ]  # fmt: skip
    files = {point["env"]["NNTEST_MODEL"] for point in (*points, whole)}
    assert len(files) == 4
    for point in points:
        assert (point["operator"], point["species"]) == ("onnx", "onnx")
        assert point["env"]["NNTEST_NODE"] == point["tensor"]
        assert point["argv"][-2:] == ["onnxruntime", "onnx"]


def test_a_node_has_one_batch_size(tmp_path: Path) -> None:
    made = of_nodes(tmp_path, batch_sizes=[1, 4])
    assert {point.batch_size for point in made.points(made.libraries[0])} == {1}


def test_a_library_of_another_data_type_has_other_nodes(tmp_path: Path) -> None:
    names = ["Relu@14:1x8", "Relu@14:1x8:float16", "Not@1:4:bool"]
    made = of_nodes(tmp_path, *names)
    (single,) = made.libraries
    half = single.model_copy(update={"data_type": "fp16"})
    found = {
        library.data_type: [point.subject for point in made.points(library)][-2:]
        for library in (single, half)
    }
    assert found == {"fp32": [names[0], names[2]], "fp16": [names[1], names[2]]}


def test_what_is_not_a_node_of_onnx_is_said_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="tensor 'Softmax@13:1x4;axis=7' is not a node of ONNX"):
        of_nodes(tmp_path, "Softmax@13:1x4;axis=7")


def test_their_files_hold_the_right_outputs(tmp_path: Path) -> None:
    made = of_nodes(tmp_path)
    points = made.points(made.libraries[0])
    kept, _ = sent(made, points, tmp_path)
    assert kept == points
    names = model_variables(str(tmp_path), made, points[0])
    with np.load(names["NNTEST_MODEL_TENSORS"]) as archive:
        assert (archive["out:out0"] == archive["in:in0"] + archive["in:in1"]).all()
        assert (archive["names"].tolist(), archive["layers"].tolist()) == (
            ["onnx", "out0"],
            ["onnx"] * 2,
        )


def test_a_groups_files_name_each_of_its_nodes(tmp_path: Path) -> None:
    made = of_nodes(tmp_path, "Sigmoid@13:1x50|Mul@14:#0.0,#0")
    point = made.points(made.libraries[0])[-1]
    kept, _ = sent(made, [point], tmp_path)
    assert kept == [point]
    names = model_variables(str(tmp_path), made, point)
    with np.load(names["NNTEST_MODEL_TENSORS"]) as archive:
        x = archive["in:in0"]
        assert archive["out:out1_0"] == pytest.approx(x / (1 + np.exp(-x)), rel=1e-5)
        assert archive["names"].tolist() == ["onnx", "out0", "onnx1", "out1_0"]
        assert set(archive["layers"].tolist()) == {"onnx"}


def test_a_root_gets_numbers_that_have_one(tmp_path: Path) -> None:
    made = of_nodes(tmp_path, "Sqrt@13:1x50", "Log@13:1x50")
    *_, root, logarithm = made.points(made.libraries[0])
    kept, _ = sent(made, [root, logarithm], tmp_path)
    assert kept == [root, logarithm]
    names = model_variables(str(tmp_path), made, root)
    with np.load(names["NNTEST_MODEL_TENSORS"]) as archive:
        assert archive["in:in0"].min() >= 0.5


def test_a_node_that_onnxruntime_does_not_run_is_left_out_and_named(tmp_path: Path) -> None:
    # An index beyond the table: ONNX allows the model, and nothing can run it.
    name = "Gather@13:4x2,=1:int64[7]"
    made = of_nodes(tmp_path, name)
    points = made.points(made.libraries[0])
    kept, notes = sent(made, points, tmp_path)
    assert kept == points[:-1]
    assert [note for note in notes if note.startswith(f"left out: {name}: ONNX Runtime")]
