"""A file as the model that a library runs whole: sizes, weights, names, inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from domain.onnx_files.onnx_models import constant, node, weights, write
from nntest.domain.drawn_values import draw
from nntest.domain.onnx_files.whole_model import WholeModel
from nntest.errors import UserError
from onnx import TensorProto, helper, numpy_helper

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


def whole(path: Path, weights: Any = "file", ranges: Any = None, **inputs: list[int]) -> WholeModel:
    return WholeModel(path, inputs, weights, ranges or {})


def residual(path: Path, in_shape: tuple[Any, ...] = ("batch", 4, "h", "w")) -> Path:
    """A convolution without a name, and the sum of it and its input."""
    first = node("Conv", "x w", "a")
    first.name = ""
    return write(path / "m.onnx", [first, node("Add", "x a", "y")], [weights("w", 4, 4, 1, 1)],
                 in_shape)  # fmt: skip


def shape_of(model: onnx.ModelProto) -> list[int]:
    return [item.dim_value for item in model.graph.input[0].type.tensor_type.shape.dim]


def test_all_sizes_are_fixed_and_all_nodes_named(tmp_path: Path) -> None:
    model = whole(residual(tmp_path), x=[1, 4, 6, 8]).build(1, 42)
    assert shape_of(model) == [1, 4, 6, 8]
    assert [item.name for item in model.graph.node] == ["a", "/y"]
    assert not model.graph.output[0].type.tensor_type.HasField("shape")


@pytest.mark.parametrize(("first", "batch"), [(1, 1), (1, 3), (2, 3)])
def test_an_open_first_dimension_is_the_batch(tmp_path: Path, first: int, batch: int) -> None:
    made = whole(residual(tmp_path), x=[first, 4, 6, 8])
    assert shape_of(made.build(batch, 42)) == [first * batch, 4, 6, 8]
    assert shape_of(whole(residual(tmp_path, ("n", 4, 2, 2))).build(batch, 42))[0] == batch


def test_a_file_with_a_batch_of_its_own_runs_with_no_other(tmp_path: Path) -> None:
    made = whole(residual(tmp_path, (2, 4, 6, 8)))
    made.check(1)
    with pytest.raises(UserError, match="fixes its batch size, so it does not run with 3"):
        made.check(3)


def test_what_no_node_reads_is_left_out(tmp_path: Path) -> None:
    unread = helper.make_tensor_value_info("unread", TensorProto.FLOAT, (1,))
    path = write(
        tmp_path / "m.onnx", [node("Relu", "x", "y")], [weights("w", 3)], (1, 3), inputs=(unread,)
    )
    model = whole(path).build(1, 42)
    assert [value.name for value in model.graph.input] == ["x"]
    assert not model.graph.initializer


# -- weights -------------------------------------------------------------------------------


def without_values(path: Path) -> Path:
    """Its weights have a shape alone."""
    model = onnx.load(residual(path, (1, 4, 6, 8)))
    model.graph.initializer[0].ClearField("raw_data")
    onnx.save(model, path / "m.onnx")
    return path / "m.onnx"


def test_weights_are_the_files_own(tmp_path: Path) -> None:
    (kept,) = whole(residual(tmp_path, (1, 4, 6, 8))).build(1, 42).graph.initializer
    assert not numpy_helper.to_array(kept).any()


def test_missing_weights_are_an_error_or_drawn(tmp_path: Path) -> None:
    path = without_values(tmp_path)
    for use in (lambda made: made.check(1), lambda made: made.build(1, 42)):
        with pytest.raises(
            UserError, match=r"no values for 1 of its weights, e\.g\. 'w'"
        ) as caught:
            use(whole(path))
        assert "weights: drawn" in (caught.value.hint or "")
    whole(path, "drawn").check(1)
    one, same, other = (
        numpy_helper.to_array(whole(path, "drawn").build(1, seed).graph.initializer[0])
        for seed in (1, 1, 2)
    )
    assert one.shape == (4, 4, 1, 1)
    assert (one == same).all()
    assert (one != other).all()


def test_drawn_weights_take_the_place_of_stand_ins() -> None:
    """The graphs inside the onnx package make theirs by ConstantOfShape, all alike."""
    path = LIGHT / "light_squeezenet.onnx"
    model = whole(path, "drawn").build(1, 42)
    graph = model.graph
    assert "ConstantOfShape" not in {item.op_type for item in graph.node}
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    assert all(len(np.unique(array)) > 1 for array in arrays.values() if array.size > 1)
    assert [value.name for value in graph.input] == ["data_0"]
    assert model.ir_version == 4


def test_what_is_no_weight_is_never_drawn(tmp_path: Path) -> None:
    """A state of zeros, limits, sizes."""
    shape = constant("shape", [2, 70])
    zeros = helper.make_tensor("zero", TensorProto.INT64, [1], [0])
    path = write(
        tmp_path / "m.onnx",
        [
            node("ConstantOfShape", "shape", "state", value=zeros),
            node("Clip", "x low high", "clipped"),
            node("Cast", "state", "floats", to=TensorProto.FLOAT),
            node("Add", "clipped floats", "y"),
        ],
        [shape, constant("low", 0, np.float32), constant("high", 6, np.float32)],
        (2, 70),
    )
    graph = whole(path, "drawn").build(1, 42).graph
    values = {tensor.name: numpy_helper.to_array(tensor).tolist() for tensor in graph.initializer}
    assert values == {"shape": [2, 70], "low": 0, "high": 6}


# -- inputs --------------------------------------------------------------------------------


def embedding(path: Path) -> Path:
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, (1, 50))
    return write(
        path / "m.onnx",
        [node("Gather", "table ids", "rows"), node("Add", "rows x", "y")],
        [weights("table", 10, 4)], (1, 50, 4), inputs=(ids,),
    )  # fmt: skip


def test_inputs_are_drawn_from_the_seed(tmp_path: Path) -> None:
    made = whole(embedding(tmp_path))
    model = made.build(1, 42)
    inputs = made.draw_inputs(model, 42)
    assert list(inputs) == ["x", "ids"]
    assert inputs["x"].dtype == np.float32
    assert np.abs(inputs["x"]).max() <= 1
    assert set(inputs["ids"].ravel()) == {0, 1}
    again, other = made.draw_inputs(model, 42), made.draw_inputs(model, 43)
    assert all((inputs[name] == again[name]).all() for name in inputs)
    assert (inputs["x"] != other["x"]).any()


def test_a_range_of_integers_is_the_users(tmp_path: Path) -> None:
    made = whole(embedding(tmp_path), ranges={"ids": (3, 5)})
    assert set(made.draw_inputs(made.build(1, 42), 42)["ids"].ravel()) == {3, 4, 5}


@pytest.mark.parametrize("name", ["x", "table", "nothing"])
def test_a_range_of_anything_else_is_an_error(tmp_path: Path, name: str) -> None:
    made = whole(embedding(tmp_path), ranges={name: (0, 9)})
    with pytest.raises(UserError, match=f"`ranges` names '{name}'.*") as caught:
        made.check(1)
    assert "x, ids" in (caught.value.hint or "")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bool", "int8", "uint8"])
def test_every_type_is_drawn_in_its_range(dtype: str) -> None:
    values = draw(np.random.default_rng(1), [400], np.dtype(dtype), (2, 3))
    assert values.dtype == dtype
    if dtype == "bool":
        assert set(values) == {False, True}
    elif "int" in dtype:
        assert set(values) == {2, 3}
    else:
        assert -1 <= values.min() < -0.9 < 0.9 < values.max() <= 1


# -- files that cannot be used -------------------------------------------------------------


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        whole(tmp_path / "none.onnx").check(1)
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(UserError, match="not a valid ONNX file"):
        whole(tmp_path / "text.onnx").check(1)


def test_external_data_must_be_there(tmp_path: Path) -> None:
    model = onnx.load(residual(tmp_path, (1, 4, 6, 8)))
    path = tmp_path / "external.onnx"
    onnx.save(model, path, save_as_external_data=True, location="data", size_threshold=0)
    assert whole(path).build(1, 42).graph.initializer[0].raw_data
    (tmp_path / "data").unlink()
    with pytest.raises(UserError, match="its external data cannot be read"):
        whole(path).check(1)
