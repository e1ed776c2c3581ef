"""Nodes that ONNX Runtime computes as one are one layer; what cannot be told stays single."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from domain.onnx_files.onnx_models import constant, fates, node, weights, write
from nntest.domain.drawn_nodes import drawn_nodes
from nntest.domain.networks import Network
from nntest.domain.onnx_files.reading import account_onnx, read_onnx
from nntest.domain.onnx_nodes.models import node_inputs, node_model
from onnx import ModelProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

SIZES = (1, 40, 120)
ELEMENTS = 40 * 120
FLOAT = 4


def number(name: str, value: float) -> Any:
    return constant(name, value, np.float32)


def gelu(source: str, output: str) -> list[Any]:
    """As exporters write it, by the error function."""
    return [
        node("Div", f"{source} root", f"{output}.div"),
        node("Erf", f"{output}.div", f"{output}.erf"),
        node("Add", f"{output}.erf one", f"{output}.add"),
        node("Mul", f"{source} {output}.add", f"{output}.mul"),
        node("Mul", f"{output}.mul half", output),
    ]


def layer_norm(source: str, output: str) -> list[Any]:
    return [
        node("ReduceMean", source, f"{output}.mean", axes=[-1]),
        node("Sub", f"{source} {output}.mean", f"{output}.sub"),
        node("Pow", f"{output}.sub two", f"{output}.pow"),
        node("ReduceMean", f"{output}.pow", f"{output}.variance", axes=[-1]),
        node("Add", f"{output}.variance epsilon", f"{output}.add"),
        node("Sqrt", f"{output}.add", f"{output}.sqrt"),
        node("Div", f"{output}.sub {output}.sqrt", f"{output}.div"),
        node("Mul", f"{output}.div scale", f"{output}.mul"),
        node("Add", f"{output}.mul bias", output),
    ]


NUMBERS = [
    number("root", 2**0.5), number("one", 1), number("half", 0.5), number("two", 2),
    number("epsilon", 1e-5), weights("scale", 120), weights("bias", 120),
]  # fmt: skip


def read(folder: Path, nodes: list[Any], leave_out: tuple[str, ...] = (), **more: Any) -> Network:
    used = {name for made in nodes for name in made.input}
    file = write(folder / "m.onnx", nodes, [n for n in NUMBERS if n.name in used], SIZES, **more)
    return read_onnx(file, leave_out, single_nodes=True)


def names(network: Network) -> list[tuple[str, str]]:
    return [(layer.name, layer.tensor.name) for layer in network.layers]


def test_a_gelu_is_one_layer_with_its_scalars(tmp_path: Path) -> None:
    network = read(tmp_path, gelu("x", "y"))
    assert names(network) == [
        (
            "/y",
            "Div@14:1x40x120,=scalar[1.4142135]|Erf@13:#0|Add@14:#1,=scalar[1.0]"
            "|Mul@14:#0.0,#2|Mul@14:#3,=scalar[0.5]",
        )
    ]
    *inner, last = network.nodes
    assert {(item.fate, item.layer, item.bytes) for item in inner} == {("folded", "/y", 0)}
    assert (last.fate, last.layer) == ("measured", "/y")
    assert last.bytes == FLOAT * (2 * ELEMENTS + 3)
    assert not network.uncovered


def test_a_layer_normalisation_is_one_layer(tmp_path: Path) -> None:
    network = read(tmp_path, layer_norm("x", "y"))
    ((name, tensor),) = names(network)
    assert name == "/y"
    assert tensor.startswith("ReduceMean@13:1x40x120;axes=[-1]|Sub@14:#0.0,#0|Pow@15:#1,=scalar[")
    assert tensor.endswith("|Div@14:#1,#5|Mul@14:#6,=120|Add@14:#7,=120")
    assert network.layers[0].parameters == 2 * 120 + 2
    assert network.nodes[-1].bytes == FLOAT * (2 * ELEMENTS + 2 * 120 + 2)


def swish(source: str, output: str) -> list[Any]:
    return [
        node("Sigmoid", source, f"{output}.sigmoid"),
        node("Mul", f"{source} {output}.sigmoid", output),
    ]


CHAINS = {"Gelu": gelu, "LayerNormalization": layer_norm, "QuickGelu": swish}


@pytest.mark.parametrize("fused", CHAINS)
def test_a_groups_model_computes_what_its_nodes_do_and_is_fused_as_they_are(
    tmp_path: Path, fused: str
) -> None:
    (layer,) = read(tmp_path, CHAINS[fused]("x", "y")).layers
    group = layer.tensor.node
    assert group is not None
    model, (x,) = node_model(group, 42), node_inputs(group, 42).values()
    whole = ModelProto.FromString((tmp_path / "m.onnx").read_bytes())
    drawn = [tensor for tensor in model.graph.initializer if tensor.dims]
    own = [tensor for tensor in whole.graph.initializer if tensor.dims]
    for mine, theirs in zip(own, drawn, strict=True):
        mine.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(theirs), mine.name))
    (expected,) = ReferenceEvaluator(whole).run(None, {"x": x})
    (given,) = ReferenceEvaluator(model).run(None, {"in0": x})
    assert (given == expected).all()
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    assert [made.op_type for made in onnx.load(tmp_path / "optimised.onnx").graph.node] == [fused]


def test_equal_groups_are_one_tensor(tmp_path: Path) -> None:
    network = read(tmp_path, [*gelu("x", "a"), node("Tanh", "a", "b"), *gelu("b", "c")])
    assert [*network.repeats("onnx").values()] == [2, 1]
    assert [layer.name for layer in network.layers] == ["/a", "/b", "/c"]


def test_a_group_is_drawn_as_one_node(tmp_path: Path) -> None:
    network = read(tmp_path, [node("Tanh", "x", "a"), *gelu("a", "y")])
    before, group = drawn_nodes(network)
    assert (before.node.name, group.node.name, group.reads) == ("/a", "/y", (0,))
    assert group.folded == ("Div", "Erf", "Add", "Mul")


def test_layers_and_products_are_in_no_group(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x square", "a"), node("Add", "a bias", "b"), *gelu("b", "y")]
    file = write(tmp_path / "m.onnx", nodes, [*NUMBERS, weights("square", 120, 120)], SIZES)
    network = read_onnx(file, single_nodes=True)
    assert [layer.name for layer in network.layers] == ["/a", "/y"]
    assert fates(network)["/b"] == "folded"
    assert network.layers[0].tensor.name == "MatMul@13:1x40x120,=120x120"
    assert network.macs == sum(item.macs or 0 for item in network.nodes) == ELEMENTS * 120


def test_nodes_of_halves_stay_single_and_casts_between_floats_free(tmp_path: Path) -> None:
    halves = [
        numpy_helper.from_array(numpy_helper.to_array(one).astype(np.float16), one.name)
        for one in NUMBERS
    ]
    nodes = [
        node("Cast", "x", "h", to=TensorProto.FLOAT16),
        *gelu("h", "gelu"),
        node("Cast", "gelu", "y", to=TensorProto.FLOAT),
    ]
    network = read_onnx(write(tmp_path / "m.onnx", nodes, halves, SIZES), single_nodes=True)
    assert len(network.layers) == 5
    assert {layer.tensor.node.data_type for layer in network.layers if layer.tensor.node} == {
        "fp16"
    }
    assert (fates(network)["/h"], fates(network)["/y"]) == ("free", "free")


def test_two_outputs_of_a_fused_node_are_made_apart(tmp_path: Path) -> None:
    """A runtime may compute a sum and its normalisation as one, with the sum as an output."""
    nodes = [node("Add", "x other", "sum"), *layer_norm("sum", "n"), node("Add", "n sum", "y")]
    other = helper.make_tensor_value_info("other", TensorProto.FLOAT, SIZES)
    network = read(tmp_path, nodes, inputs=(other,))
    assert [layer.name for layer in network.layers] == ["/sum", "/n", "/y"]


@pytest.mark.parametrize("inner", ["y.div", "y.erf", "y.mul"])
def test_what_is_read_elsewhere_is_not_inside(tmp_path: Path, inner: str) -> None:
    nodes = [*gelu("x", "y"), node("Add", f"y {inner}", "end")]
    network = read(tmp_path, nodes)
    assert "folded" not in fates(network).values()
    assert len(network.layers) == 6


def test_a_node_that_the_user_leaves_out_is_in_no_group(tmp_path: Path) -> None:
    network = read(tmp_path, gelu("x", "y"), ("/y.erf",))
    assert fates(network)["/y.erf"] == "not covered"
    assert [layer.name for layer in network.layers] == ["/y.div", "/y.add", "/y.mul", "/y"]


def test_nodes_that_are_not_fused_stay_single(tmp_path: Path) -> None:
    network = read(tmp_path, [node("Tanh", "x", "a"), node("Sin", "a", "b")])
    assert names(network) == [("/a", "Tanh@13:1x40x120"), ("/b", "Sin@7:1x40x120")]


def test_without_the_operator_nothing_is_grouped(tmp_path: Path) -> None:
    network = account_onnx(write(tmp_path / "m.onnx", gelu("x", "y"), NUMBERS, SIZES))
    assert set(fates(network).values()) == {"not covered"}


def test_what_onnx_runtime_does_not_run_stays_single(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented("no kernel")

    monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)
    assert len(read(tmp_path, gelu("x", "y")).layers) == 5
