"""What is constant in ONNX files, and files that are more than a list of float operators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from domain.onnx_files.onnx_models import constant, fates, node, reported, weights, write
from nntest.domain.onnx_files.reading import account_onnx, read_onnx
from nntest.errors import UserError
from onnx import TensorProto, helper

CONV = [node("Conv", "x w", "conv")]
W = weights("w", 4, 3, 3, 3)
EXPECTED = [("/conv", "conv", "3-32-32-3-4-1-0")]


def branch(name: str, nodes: list[Any], output: str, constants: list[Any] | None = None) -> Any:
    outputs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)]
    return helper.make_graph(nodes, name, [], outputs, constants or [])


def if_node(condition: str, output: str, then: Any, other: Any) -> Any:
    return node("If", condition, output, then_branch=then, else_branch=other)


# -- branches ------------------------------------------------------------------------------


def test_an_if_with_a_constant_condition_is_its_branch(tmp_path: Path) -> None:
    """Two of them, one in the other, whose values have the same names."""
    inner = if_node(
        "yes", "y",
        branch("a", [node("Conv", "x v", "y")], "y", [weights("v", 4, 3, 1, 1)]),
        branch("b", [node("LSTM", "x", "y")], "y"),
    )  # fmt: skip
    nodes = [
        node("Shape", "x", "shape"),
        node("Gather", "shape two", "height", axis=0),
        node("Less", "height hundred", "small"),
        node("Not", "small", "large"),
        if_node("small", "first", branch("c", [inner], "y"), branch("d", [], "x")),
        if_node(
            "large", "second",
            branch("e", [], "x"),
            branch("f", [node("Conv", "first v", "y")], "y", [weights("v", 6, 4, 3, 3)]),
        ),
        node("Conv", "second u", "last"),
    ]  # fmt: skip
    constants = [
        constant("two", 2), constant("hundred", 100), constant("yes", True, bool),
        weights("u", 8, 6, 1, 1),
    ]  # fmt: skip
    network = read_onnx(write(tmp_path / "net.onnx", nodes, constants))
    assert [tensor for _, _, tensor in reported(network)] == [
        "3-32-32-1-4-1-0", "4-32-32-3-6-1-0", "6-30-30-1-8-1-0"
    ]  # fmt: skip
    assert network.uncovered == []


def test_a_branch_that_hands_on_a_value_from_outside(tmp_path: Path) -> None:
    nodes = [if_node("no", "y", branch("a", [], "x"), branch("b", [], "x")), *CONV]
    nodes[1] = node("Conv", "y w", "conv")
    network = read_onnx(write(tmp_path / "net.onnx", nodes, [W, constant("no", False, bool)]))
    assert reported(network) == EXPECTED


def test_an_if_that_depends_on_the_data_is_refused_by_name(tmp_path: Path) -> None:
    branches = branch("a", [node("Relu", "conv", "y")], "y"), branch("b", [], "conv")
    flag = helper.make_tensor_value_info("flag", TensorProto.BOOL, [])
    nodes = [*CONV, if_node("flag", "chosen", *branches)]
    path = write(tmp_path / "net.onnx", nodes, [W], inputs=(flag,))
    with pytest.raises(UserError, match=r"depends on the data: /chosen \(If\)"):
        read_onnx(path)
    assert read_onnx(path, ["/chosen"]).uncovered == ["/chosen (If)"]


# -- functions, external data --------------------------------------------------------------


def test_functions_are_what_they_are_made_of(tmp_path: Path) -> None:
    opsets = [helper.make_opsetid("", 17)]
    body = [helper.make_node("Conv", ["a", "b"], ["c"]), helper.make_node("Relu", ["c"], ["d"])]
    function = helper.make_function("mine", "Block", ["a", "b"], ["d"], body, opsets)
    nodes = [node("Block", "x w", "y", domain="mine"), node("Block", "y v", "z", domain="mine")]
    path = write(
        tmp_path / "net.onnx", nodes, [W, weights("v", 5, 4, 1, 1)],
        domains=("mine",), functions=(function,),
    )  # fmt: skip
    network = read_onnx(path)
    assert [layer.as_run.name for layer in network.layers] == [
        "3-32-32-3-4-1-0+relu", "4-30-30-1-5-1-0+relu"
    ]  # fmt: skip
    assert [item.kind for item in network.nodes] == ["Conv", "Relu"] * 2


def test_sizes_and_weights_in_files_beside_it(tmp_path: Path) -> None:
    nodes = [*CONV, node("Reshape", "conv sizes", "flat"), node("Gemm", "flat v", "fc")]
    constants = [W, constant("sizes", [1, -1]), weights("v", 3600, 5)]
    path = write(tmp_path / "net.onnx", nodes, constants)
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="net.data", size_threshold=0)
    assert [name for name, _, _ in reported(read_onnx(path))] == ["/conv", "/fc"]
    (tmp_path / "net.data").unlink()
    other = tmp_path / "other.onnx"  # what was read is kept, by path and content
    path.rename(other)
    with pytest.raises(UserError, match=r"'sizes' is in the file 'net.data' beside it"):
        read_onnx(other)


def test_weights_that_are_missing_do_not_matter(tmp_path: Path) -> None:
    path = write(tmp_path / "net.onnx", CONV, [W])
    onnx.save(
        onnx.load(path), path, save_as_external_data=True, location="net.data", size_threshold=0
    )
    (tmp_path / "net.data").unlink()
    assert reported(read_onnx(path)) == EXPECTED


# -- constants -----------------------------------------------------------------------------


def test_large_constants_are_not_computed_but_have_their_sizes(tmp_path: Path) -> None:
    nodes = [
        node("ConstantOfShape", "sizes", "made"),
        node("Transpose", "made", "turned", perm=[1, 0, 2, 3]),
        node("Conv", "x turned", "conv"),
    ]
    path = write(tmp_path / "net.onnx", nodes, [constant("sizes", [3, 1000, 3, 3])])
    network = read_onnx(path)
    assert reported(network) == [("/conv", "conv", "3-32-32-3-1000-1-0")]
    assert fates(network) == {"/made": "constant", "/turned": "constant", "/conv": "measured"}


def test_integers_that_depend_on_the_data_are_not_covered(tmp_path: Path) -> None:
    network = read_onnx(write(tmp_path / "net.onnx", [*CONV, node("ArgMax", "conv", "best")], [W]))
    assert network.uncovered == ["/best (ArgMax)"]


def test_where_sizes_get_lost_is_said_once(tmp_path: Path) -> None:
    nodes = [
        *CONV,
        node("Mystery", "conv", "lost", domain="mine"),
        node("Conv", "lost v", "second"),
        node("Relu", "second", "relu"),
        node("Conv", "relu v", "third"),
    ]
    path = write(tmp_path / "net.onnx", nodes, [W, weights("v", 4, 4, 1, 1)], domains=("mine",))
    with pytest.raises(UserError) as caught:
        read_onnx(path)
    assert (
        "\n  the sizes of its inputs are not known, from '/lost' (Mystery) on: "
        "/second (Conv), /third (Conv)\n"
    ) in str(caught.value)


def test_a_node_without_its_inputs_is_refused(tmp_path: Path) -> None:
    nodes = [*CONV, node("Conv", "x", "half"), node("MaxPool", "x", "pool")]
    with pytest.raises(UserError, match=r"lacks an input or an attribute.*: /half.*, /pool"):
        read_onnx(write(tmp_path / "net.onnx", nodes, [W]))


# -- data types, operator sets -------------------------------------------------------------


def test_qdq_is_read_through_and_named(tmp_path: Path) -> None:
    nodes = [
        node("QuantizeLinear", "x s z", "xq"),
        node("DequantizeLinear", "xq s z", "xf"),
        node("DequantizeLinear", "wq s z", "wf"),
        node("Conv", "xf wf", "conv"),
        node("Relu", "conv", "relu"),
        node("QuantizeLinear", "relu s z", "rq"),
        node("DequantizeLinear", "rq s z", "rf"),
        node("Flatten", "rf", "flat"),
        node("Gemm", "flat v", "fc"),
    ]
    constants = [
        constant("s", 0.1, np.float32), constant("z", 0, np.uint8),
        constant("wq", np.zeros((4, 3, 3, 3)), np.uint8), weights("v", 3600, 5),
    ]  # fmt: skip
    network = read_onnx(write(tmp_path / "net.onnx", nodes, constants))
    assert [layer.as_run.name for layer in network.layers] == [
        "3-32-32-3-4-1-0+relu", "4-30-30-5-1-1"
    ]  # fmt: skip
    assert network.labels("free", "not covered") == [
        "/xq (QuantizeLinear)", "/xf (DequantizeLinear)", "/rq (QuantizeLinear)",
        "/rf (DequantizeLinear)", "/flat (Flatten)",
    ]  # fmt: skip
    assert network.data_type == "int8"
    assert network.remarks()[-1] == (
        "net: its file computes in int8; its layers are measured in the data types of the "
        "libraries."
    )


def test_qonnx_is_read_through_with_its_bits(tmp_path: Path) -> None:
    nodes = [
        node("Quant", "w s z bits", "wq", domain="qonnx.custom_op.general"),
        node("Quant", "x s z bits", "xq", domain="qonnx.custom_op.general"),
        node("Conv", "xq wq", "conv"),
        node("BipolarQuant", "conv s", "bq", domain="qonnx.custom_op.general"),
        node("Conv", "bq v", "second"),
    ]
    constants = [
        W, weights("v", 2, 4, 1, 1), constant("s", 0.1, np.float32),
        constant("z", 0, np.float32), constant("bits", 4, np.float32),
    ]  # fmt: skip
    path = write(tmp_path / "net.onnx", nodes, constants, domains=("qonnx.custom_op.general",))
    network = read_onnx(path)
    assert reported(network) == [*EXPECTED, ("/second", "conv", "4-30-30-1-2-1-0")]
    assert fates(network)["/wq"] == "constant"
    assert (network.data_type, network.uncovered) == ("int4", [])


def test_operators_on_integers_are_named_with_their_work(tmp_path: Path) -> None:
    nodes = [
        node("DynamicQuantizeLinear", "x", "xq xs xz"),
        node("ConvInteger", "xq wq", "conv"),
    ]
    path = write(tmp_path / "net.onnx", nodes, [constant("wq", np.zeros((4, 3, 3, 3)), np.uint8)])
    network = account_onnx(path)
    assert network.data_type == "int8"
    assert [n.macs for n in network.nodes] == [0, 4 * 30 * 30 * 3 * 9]
    assert network.nodes[1].essential


def test_half_precision_with_casts_around_it(tmp_path: Path) -> None:
    nodes = [
        node("Cast", "x", "half", to=TensorProto.FLOAT16),
        node("Conv", "half wh", "conv"),
        node("Relu", "conv", "relu"),
        node("Cast", "relu", "full", to=TensorProto.FLOAT),
    ]
    constants = [constant("wh", np.zeros((4, 3, 3, 3)), np.float16)]
    network = read_onnx(write(tmp_path / "net.onnx", nodes, constants))
    assert [layer.as_run.name for layer in network.layers] == ["3-32-32-3-4-1-0+relu"]
    assert network.labels("free") == ["/half (Cast)", "/full (Cast)"]
    assert network.data_type == "fp16"
    assert network.nodes[1].bytes == 2 * (3 * 32 * 32 + 4 * 27 + 4 * 30 * 30)


@pytest.mark.parametrize("opset", range(7, onnx.defs.onnx_opset_version() + 1))
def test_all_operator_sets_from_7_on(opset: int, tmp_path: Path) -> None:
    """Unsqueeze, Clip and Squeeze got inputs in the place of attributes."""
    axes: dict[str, Any] = {} if opset >= 13 else {"axes": [0]}
    more = " zero" if opset >= 13 else ""
    clip = node("Clip", "conv low high", "clip") if opset >= 11 else (
        node("Clip", "conv", "clip", min=0.0, max=6.0)
    )  # fmt: skip
    nodes = [
        *CONV,
        clip,
        node("Shape", "clip", "shape"),
        node("Gather", "shape index", "batch"),
        node("Unsqueeze", f"batch{more}", "batches", **axes),
        node("Concat", "batches rest", "sizes", axis=0),
        node("Reshape", "clip sizes", "flat"),
        node("Gemm", "flat v c", "fc"),
    ]
    constants = [
        W, constant("index", 0), constant("zero", [0]), constant("rest", [-1]),
        weights("v", 3600, 5), weights("c", 5),
        constant("low", 0, np.float32), constant("high", 6, np.float32),
    ]  # fmt: skip
    network = read_onnx(write(tmp_path / "net.onnx", nodes, constants, opset=opset))
    assert [layer.as_run.name for layer in network.layers] == [
        "3-32-32-3-4-1-0+relu6", "4-30-30-5-1-1"
    ]  # fmt: skip
    assert network.uncovered == []
