"""A whole model's outputs: how they are joined, and compared with the right ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

FRAMEWORKS = Path(__file__).parents[3] / "scripts" / "onboard" / "frameworks"
RIGHT = {
    "large": np.array([[100.0, -200.0]], np.float32),
    "empty": np.zeros((0, 3), np.float32),
    "place": np.array([3, 4], np.int64),
}


@pytest.fixture
def onnx_model(common: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module, imported as the program imports it; gone again afterwards."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(FRAMEWORKS))
    import onnx_model

    yield onnx_model
    for name in set(sys.modules) - before:
        if FRAMEWORKS in Path(getattr(sys.modules[name], "__file__", None) or "/").parents:
            del sys.modules[name]


@pytest.fixture
def model_graph(onnx_model: Any) -> Any:
    """The module that it imports."""
    return sys.modules["model_graph"]


def graph(module: Any, **changes: Any) -> Any:
    content = {"name": "net", "layer_of": {}, "data_type": "fp32", "model": b"", "inputs": RIGHT,
               "expected": RIGHT, "threshold": 0.001, **changes}  # fmt: skip
    return module.ModelGraph(**content)


def outputs(**changes: list[Any]) -> list[np.ndarray[Any, Any]]:
    return [np.array(changes.get(name, right), right.dtype) for name, right in RIGHT.items()]


def test_the_right_outputs_pass(model_graph: Any) -> None:
    made = graph(model_graph)
    found = made.check(made.join(outputs()))
    assert (found.ok, found.max_abs_diff) == (True, 0.0)


def test_before_a_run_all_outputs_are_wrong_everywhere(model_graph: Any, onnx_model: Any) -> None:
    right = {**RIGHT, "truth": np.array([True, False])}
    made = onnx_model.onnx_model(graph(model_graph, expected=right))
    assert {name: array.dtype for name, array in made.outputs.items()} == {
        name: array.dtype for name, array in right.items()
    }
    assert all((array != right[name]).all() for name, array in made.outputs.items())


def test_a_float_may_differ_by_a_share_of_its_outputs_largest(model_graph: Any) -> None:
    made = graph(model_graph)
    found = made.check(made.join(outputs(large=[[100.1, -200]])))
    assert found.ok
    assert found.max_abs_diff == pytest.approx(0.1 / 200, rel=1e-3)
    found = made.check(made.join(outputs(large=[[100.3, -200]])))
    assert not found.ok
    assert found.explanation.startswith("output 'large', as a share of its largest value: 1 of 2")


@pytest.mark.parametrize("wrong", [[np.nan, -200], [np.inf, -200]])
def test_what_is_not_finite_is_wrong(model_graph: Any, wrong: list[float]) -> None:
    made = graph(model_graph)
    assert not made.check(made.join(outputs(large=[wrong]))).ok


def test_an_integer_may_not_differ(model_graph: Any) -> None:
    made = graph(model_graph)
    found = made.check(made.join(outputs(place=[3, 5])))
    assert not found.ok
    assert found.explanation.startswith("output 'place': 1 of 2 elements")


@pytest.mark.parametrize(
    ("dims", "four"),
    [((), (1, 1, 1, 1)), ((5,), (1, 1, 1, 5)), ((1, 2, 3, 4), (1, 2, 3, 4)),
     ((1, 2, 3, 4, 5), (1, 2, 3, 20))],
)  # fmt: skip
def test_shapes_are_recorded_as_four_dimensions(
    model_graph: Any, dims: tuple[int, ...], four: tuple[int, ...]
) -> None:
    made = graph(model_graph, inputs={"x": np.zeros(dims)}, expected={"y": np.zeros(dims)})
    assert made.in_shape == made.out_shape == four


def test_layers_by_all_names_of_a_node(model_graph: Any) -> None:
    made = graph(model_graph, layer_of={"conv": "conv", "relu:out": "conv", "add": "add"})
    assert made.layers_named(["relu:out"]) == ["conv"]
    assert made.layers_named(["x", "conv", "relu:out", "add"]) == ["conv", "add"]
    assert made.layers_named(["conv/more"]) is None
    assert made.described() == [{"name": "conv"}, {"name": "add"}]


def environment(model: Path, tensors: Path) -> dict[str, str]:
    return {"NNTEST_MODEL": str(model), "NNTEST_MODEL_TENSORS": str(tensors)}


def test_both_files_are_read(model_graph: Any, tmp_path: Path) -> None:
    model, tensors = tmp_path / "m.onnx", tmp_path / "m.npz"
    model.write_bytes(b"model")
    np.savez(tensors, **{"in:gpu/x": np.ones(3), "out:y": np.zeros(2),
                         "names": np.array(["a"]), "layers": np.array(["b"])})  # fmt: skip
    settings = SimpleNamespace(dataset_filename="shape-net", data_type="fp32", threshold=0.001)
    made = model_graph.read_model_graph(environment(model, tensors), settings)
    assert (made.name, made.model, made.layer_of) == ("net", b"model", {"a": "b"})
    assert list(made.inputs) == ["gpu/x"]
    assert made.expected["y"].tolist() == [0, 0]


@pytest.mark.parametrize("missing", ["m.onnx", "m.npz", "out:y", "names"])
def test_what_is_missing_is_named(
    model_graph: Any, common: SimpleNamespace, tmp_path: Path, missing: str
) -> None:
    model, tensors = tmp_path / "m.onnx", tmp_path / "m.npz"
    if missing != "m.onnx":
        model.write_bytes(b"model")
    arrays = {"in:x": np.ones(3), "out:y": np.zeros(2), "names": np.array(["a"]),
              "layers": np.array(["b"])}  # fmt: skip
    if missing != "m.npz":
        np.savez(tensors, **{name: array for name, array in arrays.items() if name != missing})
    settings = SimpleNamespace(dataset_filename="shape-net", data_type="fp32", threshold=0.001)
    with pytest.raises(common.failures.BadValue, match="NNTEST_MODEL"):
        model_graph.read_model_graph(environment(model, tensors), settings)
