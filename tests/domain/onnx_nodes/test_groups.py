"""Groups of ONNX nodes: names that are read back, and models that compute what the nodes do."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from nntest.domain.onnx_nodes.groups import NodeGroup
from nntest.domain.onnx_nodes.models import node_inputs, node_model, node_work
from nntest.domain.tensors import NODE, Tensor
from nntest.domain.traffic import tensor_work
from nntest.errors import UserError
from onnx.reference import ReferenceEvaluator

SWISH = "Sigmoid@13:1x4x25|Mul@14:#0.0,#0"
GELU = (
    "Div@14:2x30,=scalar[1.4142135]|Erf@13:#0|Add@14:#1,=scalar[1.0]|Mul@14:#0.0,#2"
    "|Mul@14:#3,=scalar[0.5]"
)
CENTRED = "ReduceMean@13:2x30;axes=[-1]|Sub@14:#0.0,#0"


@pytest.mark.parametrize("name", [SWISH, GELU, CENTRED, "Add@14:3,3|Relu@14:#0"])
def test_names_are_read_and_written(name: str) -> None:
    group = NodeGroup.parse(name)
    assert group.name == name
    tensor = Tensor.parse(NODE, f"shape-{name}")
    assert (tensor.name, tensor.node) == (name, group)
    assert Tensor.from_env(NODE, tensor.env()) == tensor


def outputs(name: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Inputs of a group's model, and its one output."""
    group = NodeGroup.parse(name)
    inputs = node_inputs(group, 42)
    (output,) = ReferenceEvaluator(node_model(group, 42)).run(None, inputs)
    return inputs, output


def test_what_nodes_share_is_one_input() -> None:
    inputs, output = outputs(GELU)
    ((name, x),) = inputs.items()
    assert name == "in0"
    expected = [value / 2 * (1 + math.erf(value / math.sqrt(2))) for value in x.ravel().tolist()]
    assert output.ravel() == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_a_later_node_may_have_inputs_of_its_own() -> None:
    inputs, output = outputs("Add@14:2x3,2x3|Mul@14:#0,2x3")
    assert [*inputs] == ["in0", "in1", "in1_1"]
    assert (output == (inputs["in0"] + inputs["in1"]) * inputs["in1_1"]).all()


@pytest.mark.parametrize(
    ("name", "macs", "inputs", "weights", "made"),
    [
        (SWISH, 0, 100, 0, 100),
        (GELU, 0, 60, 3, 60),
        ("MatMul@13:2x3x4,=4x5|Add@14:#0,=5", 2 * 3 * 4 * 5, 24, 25, 30),
        ("MatMul@13:2x4,=4x4|MatMul@13:#0,#0.1", 2 * 2 * 4 * 4, 8, 16, 8),
    ],
)
def test_inner_values_are_no_traffic(
    name: str, macs: int, inputs: int, weights: int, made: int
) -> None:
    work = tensor_work(Tensor.parse(NODE, name))
    assert node_work(name) == (macs, made)
    assert (work.operations, work.inputs, work.weights, work.outputs) == (
        2 * macs, inputs, weights, made
    )  # fmt: skip


def test_its_kind_has_all_operators_and_its_data_type_all_floats() -> None:
    group = NodeGroup.parse("Cast@13:1x4:float16;to=1|Mul@14:#0,1x4")
    assert (group.kind, group.data_type) == ("Cast+Mul", "fp16+fp32")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Add@14:#0,3", "'#0' in node 0 is of no node before"),
        ("Add@14:3,3|Relu@14:#1", "'#1' in node 1 is of no node before"),
        ("Add@14:#0.1,3|Relu@14:#0", "'#0.1' in node 0 is of no node before"),
        ("Add@14:3,3|Add@14:#0,#0.2", "'#0.2' in node 1 is of no node before"),
        ("Add@14:3,3|Add@14:#0,#1.0", "'#1.0' in node 1 is of no node before"),
        ("Clip@13:3,-,=scalar[6.0]|Add@14:#0,#0.1", "'#0.1' in node 1 is of no node before"),
        ("Add@14:3,3|Relu@14:3", "node 0 is not the last"),
        ("LSTM@14:2x1x3,=1x8x3,=1x8x2;hidden_size=2;outputs=011|Relu@14:#0", "node 0 is not"),
        ("Add@14:3,3|", "not the name of an ONNX node"),
        ("Add@14:3,3|Relu@14:#00", "written as Relu@14:#0"),
    ],
)
def test_what_is_wrong_is_said(name: str, said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        Tensor.parse(NODE, name)


def test_what_is_not_of_onnx_is_an_error() -> None:
    name = "Add@14:3,3|Softmax@13:#0;axis=7"
    with pytest.raises(UserError, match=f"{re.escape(name)}' is not a group of nodes of ONNX"):
        node_work(name)
