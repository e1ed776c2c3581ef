"""Single nodes as models: what ONNX says of them, and what they compute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from nntest.domain.onnx_nodes.groups import NodeGroup
from nntest.domain.onnx_nodes.models import node_inputs, node_model, node_work
from nntest.domain.tensors import NODE, Tensor
from nntest.domain.traffic import tensor_work
from nntest.errors import UserError
from onnx.reference import ReferenceEvaluator

WORK = {
    "Add@14:1x4x5x5,1x4x1x1": (0, 100),
    "MatMul@13:2x3x4,=4x5": (2 * 3 * 5 * 4, 30),
    "Gemm@13:4x2,=4x5,=5;transA=1": (2 * 5 * 4, 10),
    "Conv@11:1x4x6x6,=8x2x3x3;group=2": (8 * 16 * 18, 128),
    "Conv@11:1x4x9,=8x4x3": (8 * 7 * 12, 56),
    "ConvTranspose@11:1x4x3x3,=4x2x2x2;strides=[2,2]": (36 * 8, 72),
    "LSTM@14:5x1x3,=1x8x3,=1x8x2;hidden_size=2": (5 * (24 + 16), 10),
    "LSTM@14:5x1x3,=1x8x3,=1x8x2;hidden_size=2;outputs=011": (5 * (24 + 16), 4),
    "Resize@13:1x2x3x3,-,=4[1.0,1.0,2.0,2.0];mode=nearest": (0, 72),
    "Concat@13:1x2x3,1x4x3;axis=1": (0, 18),
    "Slice@13:1x8,=1:int64[2],=1:int64[5],=1:int64[1]": (0, 3),
    "ReduceMean@13:1x4x5x5;axes=[2,3];keepdims=1": (0, 4),
    "Softmax@13:1x4x7;axis=1": (0, 28),
    "LayerNormalization@17:1x4x8,=8,=8;axis=-1;epsilon=1e-06": (0, 32),
    "Gather@13:=50x8,1x5:int64": (0, 40),
    "Where@16:4:bool,4,4": (0, 4),
}


@pytest.mark.parametrize("name", WORK)
def test_work_and_outputs_are_those_of_onnx(name: str) -> None:
    node = NodeGroup.parse(name)
    model, inputs = node_model(node, 42), node_inputs(node, 42)
    outputs = ReferenceEvaluator(model).run(None, inputs)
    macs, elements = node_work(name)
    assert (macs, elements) == WORK[name]
    assert sum(output.size for output in outputs) == elements
    tensor = Tensor.parse(NODE, name)
    assert tensor.executed_flops(3) == 6 * macs
    work = tensor_work(tensor)
    assert (work.operations, work.outputs) == (2 * macs, elements)
    assert work.inputs == sum(array.size for array in inputs.values())
    assert work.weights == node.parameters


def test_data_are_inputs_and_parameters_weights() -> None:
    node = NodeGroup.parse("Clip@13:2x3,=scalar[0.0],=scalar[6.0]")
    graph = node_model(node).graph
    assert [value.name for value in graph.input] == ["in0"]
    assert [tensor.name for tensor in graph.initializer] == ["in1", "in2"]
    assert list(node_inputs(node, 42)) == ["in0"]


def values(node: NodeGroup, seed: int, around: float = 0.0) -> list[Any]:
    weights = node_model(node, seed, around).graph.initializer
    return [weights[0].raw_data, *(array.tobytes() for array in node_inputs(node, seed).values())]


def test_what_is_drawn_is_of_the_seed() -> None:
    node = NodeGroup.parse("MatMul@13:4x5,=5x6")
    assert values(node, 1) == values(node, 1)
    assert not {*values(node, 1)} & {*values(node, 2)}


def test_around_one_all_floats_are_positive() -> None:
    inputs = node_inputs(NodeGroup.parse("Div@14:400,400"), 1, 1.0)
    for array in inputs.values():
        assert 0.5 <= array.min() < array.max() < 1.5
        assert array.dtype == np.float32


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("NoSuchThing@13:1x4", "NoSuchThing"),
        ("Add@14:1x4", ""),
        ("Add@14:2,3", "Incompatible dimensions"),
        ("Softmax@13:1x4;axis=7", "axis"),
        ("Softmax@13:1x4;axes=1", "axes"),
        ("Softmax@13:1x4;name=x", "name"),
        ("Add@14:4:int8,=1:int8[300]", "300"),
        ("Softmax@13:1x4;axis=99999999999999999999", ""),
    ],
)
def test_what_is_not_a_node_of_onnx_is_an_error(name: str, said: str) -> None:
    with pytest.raises(UserError, match=f"is not a node of ONNX: .*{said}"):
        node_work(name)
