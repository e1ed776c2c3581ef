"""What becomes of operators that converters write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from domain.tflite_files.tflite_models import (
    IMAGE,
    PADS,
    Model,
    fates,
    fused,
    image_model,
    padded,
    tensors,
)
from nntest.domain.networks import Network
from nntest.domain.tflite_files.reading import account_tflite, read_tflite
from nntest.errors import UserError


def account(model: Model, folder: Path, leave_out: tuple[str, ...] = ()) -> Network:
    return account_tflite(model.write(folder), leave_out)


def reason(network: Network, name: str) -> str:
    return next(node.reason for node in network.nodes if node.name == name)


# -- layers --------------------------------------------------------------------------------


def test_padding_activation_and_work_of_layers(tmp_path: Path) -> None:
    model = image_model()
    model.weights("b", 6)
    model.window("CONV_2D", "x w b", "conv", (1, 4, 4, 6), stride=2, same=True, activation="RELU6")
    model.weights("d", 1, 5, 5, 6)
    model.window(
        "DEPTHWISE_CONV_2D", "conv d b", "depthwise", (1, 4, 4, 6), same=True, activation="RELU"
    )
    model.window(
        "MAX_POOL_2D", "depthwise", "largest", (1, 2, 2, 6), stride=2, filterHeight=2, filterWidth=2
    )
    model.window("AVERAGE_POOL_2D", "largest", "mean", (1, 1, 1, 6), filterHeight=2, filterWidth=2)
    model.constant("sizes", np.array([1, 6], np.int32))
    model.add("RESHAPE", "mean sizes", "row", (1, 6))
    model.weights("v", 5, 6)
    model.add("FULLY_CONNECTED", "row v -", "dense", (1, 5), "FullyConnectedOptions")
    model.add("SOFTMAX", "dense", "classes", (1, 5), "SoftmaxOptions", beta=1.0)
    network = account(model, tmp_path)
    assert tensors(network) == {
        "conv": "conv 4-8-8-3-6-2-0_1_0_1+relu6",
        "depthwise": "depthwiseconv 6-4-4-1-2+kernel5+relu",
        "largest": "maxpool 6-4-4-2-2",
        "mean": "avgpool 6-2-2-2-1",
        "dense": "fullyconnected 6-1-1-5-1-1",
        "classes": "softmax 5-1-1",
    }
    assert [layer.parameters for layer in network.layers] == [222, 156, 0, 0, 30, 0]
    assert fates(network)["row"] == "free"
    work = {node.name: (node.macs, node.bytes) for node in network.nodes}
    assert work["conv"] == (16 * 6 * 36, 4 * (256 + 216 + 6 + 96))
    assert work["depthwise"] == (16 * 6 * 25, 4 * (96 + 150 + 6 + 96))
    assert work["dense"] == (30, 4 * (6 + 30 + 5))
    assert network.why_no_graph() == ""


def test_rows_of_an_image_are_the_image_that_they_were(tmp_path: Path) -> None:
    model = image_model()
    model.constant("sizes", np.array([1, 256], np.int32))
    model.add("RESHAPE", "x sizes", "row", (1, 256))
    model.weights("v", 5, 256)
    model.add("FULLY_CONNECTED", "row v -", "dense", (1, 5), "FullyConnectedOptions")
    assert tensors(account(model, tmp_path)) == {"dense": "fullyconnected 4-8-8-5-1-1"}


def test_a_depth_multiplier(tmp_path: Path) -> None:
    model = Model((1, 8, 8, 1))
    model.weights("w", 1, 3, 3, 4)
    model.window("DEPTHWISE_CONV_2D", "x w", "spread", (1, 8, 8, 4), same=True)
    model.weights("twice", 1, 3, 3, 8)
    model.window("DEPTHWISE_CONV_2D", "spread twice", "wide", (1, 8, 8, 8), same=True)
    network = account(model, tmp_path)
    assert tensors(network) == {"spread": "conv 1-8-8-3-4-1-1"}, (
        "of one channel it is a convolution"
    )
    assert reason(network, "wide") == "a depth multiplier of 2, not 1"
    assert network.nodes[1].macs == 64 * 8 * 9


@pytest.mark.parametrize(
    ("axes", "becomes"), [([1, 2], "avgpool 4-8-8-8-1"), ([-2, -3], "avgpool 4-8-8-8-1"), ([3], "")]
)
def test_a_mean_over_an_image(axes: list[int], becomes: str, tmp_path: Path) -> None:
    model = image_model()
    model.constant("axes", np.array(axes, np.int32))
    shape = (1, 4) if becomes else (1, 8, 8)
    model.add("MEAN", "x axes", "mean", shape, "ReducerOptions", keepDims=False)
    network = account(model, tmp_path)
    assert list(tensors(network).values()) == ([becomes] if becomes else [])


# -- what is folded ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reader", "kind", "tensor"),
    [
        ("conv", "PAD", "conv 4-8-8-3-6-1-1_2_0_1"),
        ("depthwise", "PAD", "depthwiseconv 4-8-8-1-1_2_0_1"),
        ("largest", "PADV2", "maxpool 4-8-8-3-1+pads1_2_0_1"),
    ],
)
def test_padding_before_a_layer_is_the_layers(
    reader: str, kind: str, tensor: str, tmp_path: Path
) -> None:
    network = account(padded(PADS, reader, kind=kind), tmp_path)
    assert tensors(network) == {reader: tensor}
    assert network.nodes[0].fate == "folded" and network.nodes[0].layer == reader
    assert network.why_no_graph() == ""


CHANNELS = np.array([[0, 0], [0, 0], [0, 0], [0, 2]], np.int32)
WIDE = np.array([[0, 0], [3, 3], [3, 3], [0, 0]], np.int32)


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (padded(PADS, "conv", "depthwise"), "two read it"),
        (padded(PADS, "mean"), "a mean counts padding"),
        (padded(PADS, "conv", same=True), "padded twice"),
        (padded(CHANNELS, "largest"), "channels"),
        (padded(WIDE, "largest"), "windows in padding alone"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_padding_that_stands_on_its_own(model: Model, why: str, tmp_path: Path) -> None:
    network = account(model, tmp_path)
    assert fates(network)["padded"] == "not covered"
    assert all("pads" not in tensor for tensor in tensors(network).values())
    assert all(fate == "measured" for fate in list(fates(network).values())[1:])


@pytest.mark.parametrize(
    ("kind", "activation"),
    [
        *(("RELU", "relu"), ("RELU6", "relu6"), ("HARD_SWISH", "hard-swish")),
        *(("LOGISTIC", "sigmoid"), ("LEAKY_RELU", "none"), ("RELU_N1_TO_1", "none")),
    ],
)
def test_an_activation_behind_a_layer_is_the_layers(
    kind: str, activation: str, tmp_path: Path
) -> None:
    model = image_model()
    model.window("CONV_2D", "x one", "conv", IMAGE)
    model.add(kind, "conv", "end", IMAGE)
    network = account(model, tmp_path)
    assert network.layers[0].activation == activation
    assert network.nodes[1].fate == "folded"


def test_an_activation_is_not_folded_where_others_read_the_layer_or_it_has_one(
    tmp_path: Path,
) -> None:
    model = image_model()
    model.window("CONV_2D", "x one", "conv", IMAGE)
    model.add("LOGISTIC", "conv", "gate", IMAGE)
    model.add("MUL", "conv gate", "swish", IMAGE)
    model.window("CONV_2D", "swish one", "second", IMAGE, activation="RELU")
    model.add("HARD_SWISH", "second", "twice", IMAGE)
    network = account(model, tmp_path)
    assert fates(network) == {
        "conv": "measured", "gate": "not covered", "swish": "not covered",
        "second": "measured", "twice": "not covered",
    }  # fmt: skip
    kinds = [(step.kind, step.activation) for step in network.steps]
    assert kinds == [
        ("conv", "none"), ("activation", "sigmoid"), ("mul", "none"), ("conv", "relu"),
        ("activation", "hard-swish"),
    ]  # fmt: skip


def test_a_constant_for_each_channel_is_a_bias_or_a_scale(tmp_path: Path) -> None:
    model = image_model()
    model.window("CONV_2D", "x one", "conv", IMAGE)
    model.weights("b", 4)
    model.weights("plane", 1, 8, 8, 1)
    how = {"fusedActivationFunction": fused("RELU6")}
    model.add("ADD", "conv b", "biased", IMAGE, "AddOptions", **how)
    model.add("MUL", "biased plane", "weighed", IMAGE, "MulOptions")
    network = account(model, tmp_path)
    assert fates(network) == {"conv": "measured", "biased": "folded", "weighed": "not covered"}
    assert network.layers[0].activation == "relu6"
    assert network.steps == ()


def test_an_activation_within_a_sum_or_a_pool_is_a_step(tmp_path: Path) -> None:
    model = image_model()
    model.window("CONV_2D", "x one", "conv", IMAGE)
    relu = {"fusedActivationFunction": fused("RELU")}
    model.add("ADD", "conv x", "sum", IMAGE, "AddOptions", **relu)
    model.window(
        "MAX_POOL_2D", "sum", "largest", (1, 7, 7, 4), filterHeight=2, filterWidth=2,
        activation="RELU6",
    )  # fmt: skip
    network = account(model, tmp_path)
    steps = [(step.name, step.kind, step.inputs, step.activation) for step in network.steps]
    assert steps == [
        ("conv", "conv", ("",), "none"),
        ("sum", "add", ("conv", ""), "none"),
        ("sum/RELU", "activation", ("sum",), "relu"),
        ("largest", "maxpool", ("sum/RELU",), "none"),
        ("largest/RELU6", "activation", ("largest",), "relu6"),
    ]
    assert network.why_no_graph() == ""


@pytest.mark.parametrize("behind_a_layer", [True, False])
@pytest.mark.parametrize("three", [3.0, 2.0])
def test_a_hard_sigmoid_is_two_operators(
    behind_a_layer: bool, three: float, tmp_path: Path
) -> None:
    model = image_model()
    model.window("CONV_2D", "x one", "conv", IMAGE)
    before = "conv" if behind_a_layer else "sum"
    if not behind_a_layer:
        model.add("ADD", "conv x", "sum", IMAGE, "AddOptions")
    model.constant("three", np.array(three, np.float32))
    model.constant("sixth", np.array([1 / 6], np.float32))
    cut = {"fusedActivationFunction": fused("RELU6")}
    model.add("ADD", f"{before} three", "cut", IMAGE, "AddOptions", **cut)
    model.add("MUL", "cut sixth", "gate", IMAGE, "MulOptions")
    network = account(model, tmp_path)
    if behind_a_layer:
        activation = "hard-sigmoid" if three == 3 else "relu6"
        assert network.layers[0].activation == activation
        assert fates(network) == {"conv": "measured", "cut": "folded", "gate": "folded"}
    elif three == 3:
        assert network.steps[-1].activation == "hard-sigmoid"
        assert fates(network)["cut"] == fates(network)["gate"] == "not covered"
    else:
        assert network.steps == ()


# -- data types ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("computed", "stored", "stated"),
    [
        *(("FLOAT32", "FLOAT32", "fp32"), ("INT8", "INT8", "int8"), ("UINT8", "UINT8", "int8")),
        ("FLOAT32", "INT8", "fp32 with int8 weights"),
    ],
)
def test_the_data_type_is_stated(computed: str, stored: str, stated: str, tmp_path: Path) -> None:
    model = Model(IMAGE, computed)
    number = {"FLOAT32": np.float32, "INT8": np.int8, "UINT8": np.uint8}[stored]
    model.constant("w", np.zeros((6, 3, 3, 4), number))
    model.window("CONV_2D", "x w", "conv", (1, 6, 6, 6), element_type=computed)
    network = account(model, tmp_path)
    assert network.data_type == stated
    assert ("computes in" in " ".join(network.remarks())) == (stated != "fp32")


def test_weights_in_half_precision_are_constants(tmp_path: Path) -> None:
    model = Model(IMAGE)
    model.constant("half", np.zeros((6, 3, 3, 4), np.float16))
    model.add("DEQUANTIZE", "half", "w", (6, 3, 3, 4))
    model.window("CONV_2D", "x w", "conv", (1, 6, 6, 6))
    model.add("QUANTIZE", "conv", "end", (1, 6, 6, 6), element_type="INT8")
    network = account(model, tmp_path)
    assert fates(network) == {"w": "constant", "conv": "measured", "end": "free"}
    assert network.data_type == "fp32 with fp16 weights"
    assert network.nodes[1].bytes == 4 * (256 + 216 + 216)


# -- what is not covered -------------------------------------------------------------------


def grouped() -> Model:
    model = image_model()
    model.weights("half", 6, 3, 3, 2)
    model.window("CONV_2D", "x half", "bad", (1, 6, 6, 6))
    return model


def one(kind: str, shape: tuple[int, ...], *more: str, **how: Any) -> Model:
    model = image_model()
    model.weights("wide", 6, 3, 2, 4)
    model.window(kind, " ".join(["x", *more]), "bad", shape, **how)
    return model


def transposed() -> Model:
    model = image_model()
    model.constant("sizes", np.array([1, 16, 16, 6], np.int32))
    model.weights("t", 6, 2, 2, 4)
    model.add("TRANSPOSE_CONV", "sizes t x", "bad", (1, 16, 16, 6))
    return model


def rows() -> Model:
    model = Model((1, 7, 4))
    model.weights("v", 5, 4)
    model.add("FULLY_CONNECTED", "x v -", "bad", (1, 7, 5), "FullyConnectedOptions")
    return model


POOL = {"filterHeight": 3, "filterWidth": 3}


@pytest.mark.parametrize(
    ("model", "why", "macs"),
    [
        (grouped(), "its weights take 2 of 4 channels: grouped", 36 * 6 * 18),
        (
            one("CONV_2D", (1, 4, 4, 6), "w", dilationHFactor=2, dilationWFactor=2),
            "dilations [2, 2], not 1",
            16 * 6 * 36,
        ),
        (one("CONV_2D", (1, 6, 7, 6), "wide"), "its kernel is 3 x 2, not square", 42 * 6 * 24),
        (
            one("CONV_2D", (1, 6, 3, 6), "w", strideW=2),
            "its strides are 1 x 2, not the same",
            18 * 6 * 36,
        ),
        (
            one("AVERAGE_POOL_2D", IMAGE, same=True, **POOL),
            "a mean with padding 1 x 1 x 1 x 1 (top, bottom, left, right)",
            0,
        ),
        (one("CONV_2D", (1, 5, 5, 6), "w"), "its output is 6 x 5 x 5, but our operators", 25 * 216),
        (one("CONV_2D", IMAGE), "it lacks an input, an output or an option", None),
        (
            one("CONV_2D", IMAGE, "w", stride=0),
            "it has a stride of 0 and a kernel of 3",
            64 * 4 * 36,
        ),
        (transposed(), "no operator computes it", 256 * 24),
        (rows(), "a product with 7 rows, not with one for each image", 35 * 4),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_layer_that_no_operator_computes(
    model: Model, why: str, macs: int | None, tmp_path: Path
) -> None:
    path = model.write(tmp_path)
    (node,) = account_tflite(path).nodes
    assert node.reason.startswith(why)
    assert node.essential and node.fate == "not covered"
    assert node.macs == macs


@pytest.mark.parametrize(
    ("kind", "macs", "size"),
    [("Mystery", None, 2048), ("WHILE", None, 2048), ("TANH", 0, 2048), ("ADD", 0, 2048)],
)
def test_what_is_not_covered_has_its_work(
    kind: str, macs: int | None, size: int, tmp_path: Path
) -> None:
    model = image_model()
    model.add(kind, "x x", "other", IMAGE)
    (node,) = account(model, tmp_path).nodes
    assert (node.kind, node.fate, node.macs, node.bytes) == (kind, "not covered", macs, size)
    assert not node.essential


def test_products_and_recurrent_layers_have_their_multiplications(tmp_path: Path) -> None:
    model = Model((1, 7, 4))
    model.add("BATCH_MATMUL", "x x", "product", (1, 7, 7))
    for gate in ("i", "f", "c", "o"):
        model.weights(f"{gate}w", 3, 4)
        model.weights(f"{gate}r", 3, 3)
    gates = "iw fw cw ow ir fr cr or"
    model.add("UNIDIRECTIONAL_SEQUENCE_LSTM", f"x {gates}", "memory", (1, 7, 3))
    product, memory = account(model, tmp_path).nodes
    assert (product.macs, product.essential) == (7 * 7 * 4, False)
    assert (memory.macs, memory.essential) == (7 * 4 * (12 + 9), True)


def test_one_message_names_all_and_has_the_line_to_paste(tmp_path: Path) -> None:
    model = grouped()
    model.window("CONV_2D", "x w", "good", (1, 6, 6, 6))
    model.weights("t", 6, 1, 1, 3)
    model.window("CONV_2D", "good t", "worse", (1, 6, 6, 6))
    path = model.write(tmp_path)
    with pytest.raises(UserError) as caught:
        read_tflite(path)
    said = str(caught.value)
    assert "no operator computes 2 of its 3 nodes, with" in said
    assert "bad (CONV_2D)" in said and "worse (CONV_2D)" in said
    line = re.search(r"leave_out: .*", said)
    assert line is not None
    network = read_tflite(path, yaml.safe_load(line[0])["leave_out"])
    assert list(tensors(network)) == ["good"]
    assert {node.reason for node in network.nodes} == {"", "left out by the user"}


def test_a_network_without_layers_and_a_node_that_is_not_there(tmp_path: Path) -> None:
    model = image_model()
    model.add("TANH", "x", "end", IMAGE)
    path = model.write(tmp_path)
    with pytest.raises(UserError, match="has no node that an operator computes"):
        read_tflite(path)
    with pytest.raises(UserError, match="`leave_out` names 'other', but it has no such node"):
        account_tflite(path, ["other"])


# -- names and sizes -----------------------------------------------------------------------


def test_operators_are_named_by_their_outputs(tmp_path: Path) -> None:
    model = image_model()
    model.constant("half", np.zeros((4, 1, 1, 4), np.float16))
    model.add("DEQUANTIZE", "half", "norm;weights", (4, 1, 1, 4))
    model.window("CONV_2D", "x norm;weights", "norm;conv", IMAGE)
    model.add("TANH", "norm;conv", "norm;tanh", IMAGE)
    model.add("TANH", "norm;tanh", "", IMAGE)
    network = account(model, tmp_path)
    assert list(fates(network)) == ["norm;weights", "norm", "norm;tanh", "tensor 8"]


@pytest.mark.parametrize(
    ("signature", "is_open"),
    [([-1, 8, 8, 4], False), ([-1, -1, -1, 4], True), ([1, 8, 8, 4], False)],
)
def test_sizes_that_a_file_leaves_open(signature: list[int], is_open: bool, tmp_path: Path) -> None:
    shape = (1, 1, 1, 4) if is_open else IMAGE
    model = Model(shape)
    model.value("y", shape).shapeSignature = signature
    model.inputs.append("y")
    model.add("ADD", "x y", "sum", shape)
    path = model.write(tmp_path)
    if is_open:
        with pytest.raises(
            UserError, match=r"sizes of its inputs are open:\n  y: \? x \? x \? x 4"
        ):
            account_tflite(path)
    else:
        assert len(account_tflite(path).nodes) == 1
