"""Names of single ONNX nodes: every node has one that is read back, and nothing else is read."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nntest.domain.onnx_nodes.names import ELEMENT_TYPES, LARGEST, Operand, SingleNode
from nntest.domain.tensors import NODE, Tensor
from nntest.errors import UserError

NAMES = [
    "Add@14:1x64x56x56,1x64x56x56",
    "MatMul@13:1x40x120,=120x360",
    "Conv@11:1x16x60x80,=16x1x5x5,=16;group=16;pads=[2,2,2,2]",
    "Resize@13:1x96x15x20,-,=4[1.0,1.0,2.0,2.0];mode=nearest",
    "Gather@13:=6000x96,1x25:int64",
    "LSTM@14:25x1x96,=1x384x96,=1x384x96;hidden_size=96;outputs=011",
    "Clip@13:1x8,=scalar[-1e-05],=scalar[inf]",
    "Where@16:4:bool,4,4",
    "Einsum@12:2x3,3x4;equation=ij%2Cjk-%3Eik",
    "LSTM@14:2x1x3,=1x8x3,=1x8x2;activations=[Sigmoid,Tanh,Tanh];hidden_size=2",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_read_and_written(name: str) -> None:
    assert SingleNode.parse(name).name == name
    tensor = Tensor.parse(NODE, f"shape-{name}")
    assert (tensor.name, tensor.species) == (name, "onnx")
    assert Tensor.from_env(NODE, tensor.env()) == tensor


words = st.text(max_size=12)
numbers = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.floats(width=32, allow_nan=False), st.floats()
).filter(lambda value: value == value)


@st.composite
def operands(draw: Any) -> Operand | None:
    if draw(st.integers(0, 9)) == 0:
        return None
    dims = tuple(draw(st.lists(st.integers(0, 4), max_size=4)))
    kind = draw(st.sampled_from(ELEMENT_TYPES))
    if draw(st.booleans()):
        return Operand(dims, kind)
    if draw(st.booleans()):
        return Operand(dims, kind, True)
    value = st.floats(allow_nan=False) if kind.startswith("float") else st.integers(-9, 9)
    size = math.prod(dims)
    return Operand(dims, kind, True, tuple(draw(st.lists(value, min_size=size, max_size=size))))


keys = st.from_regex(r"[a-z_]{1,9}", fullmatch=True).filter(lambda key: key != "outputs")
scalars = st.one_of(words, numbers)
lists = st.one_of(
    *(st.lists(one, min_size=1, max_size=4).map(tuple) for one in
      (words, st.integers(-9, 9), st.floats(allow_nan=False)))
)  # fmt: skip


@given(
    st.lists(operands(), min_size=1, max_size=5),
    st.dictionaries(keys, st.one_of(scalars, lists), max_size=4),
    st.lists(st.booleans(), max_size=3),
)
def test_any_node_is_read_back(
    inputs: list[Operand | None], attributes: dict[str, Any], outputs: list[bool]
) -> None:
    made = SingleNode("Any", 1, tuple(inputs), tuple(sorted(attributes.items())), (*outputs, True))
    assert SingleNode.parse(made.name) == made
    assert not re.search(r"\s", made.name)


@given(st.text(alphabet="Ad@14:x,=;-[].%scalarint64 ", max_size=40))
def test_any_text_is_a_name_or_an_error(text: str) -> None:
    try:
        node = SingleNode.parse(text)
    except UserError:
        return
    assert node.name == text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Add", "not the name of an ONNX node"),
        ("Add@14", "not the name"),
        ("Add@0:1", "not the name"),
        ("Add@14:1x", "'1x' is not an input"),
        ("Add@14:1:complex64", "no element type 'complex64'"),
        ("Add@14:2[1.0,2.0]", "has 2 values"),
        ("Add@14:=3[1.0,2.0]", "has 2 values"),
        ("Add@14:=1[1]", "values of another type"),
        ("Add@14:=1:int64[1.0]", "values of another type"),
        ("Add@14:=1[one]", "are not numbers"),
        ("Add@14:1;axis", "'axis' is not an attribute"),
        ("Add@14:1;axes=[1,2.0]", "values of several types"),
        ("Add@14:1;axis=é", "'é' is not a value"),
        ("Add@14:1;b=1;a=1", "written as Add@14:1;a=1;b=1"),
        ("Add@14:01", "written as Add@14:1"),
        ("Add@14:1;outputs=10", "does not end with 1"),
        (f"Add@14:{LARGEST + 1}", "more than"),
        ("Add@14:70000x70000", "more than"),
    ],
)
def test_what_is_wrong_is_said(name: str, said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)) as caught:
        Tensor.parse(NODE, name)
    assert f"tensor '{name}'" in caught.value.message
