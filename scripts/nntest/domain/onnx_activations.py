"""Which activation of an operator program a node of an ONNX graph is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nntest.domain.tensors import NO_ACTIVATION

_LIMITS_ARE_INPUTS = 11
"""Operator set since which a Clip's limits are inputs, and no longer attributes."""


def activation_of(onnx: Any, node: Any, constants: Mapping[str, Any], opset: int) -> str:
    """One of `tensors.ACTIVATIONS`; none for one that no program has.

    `onnx` is that package; `constants` has initialisers and nodes that make constants, by the name
    of their value.
    """
    if node.op_type == "Relu":
        return "relu"
    if node.op_type == "Clip" and _limits(onnx, node, constants, opset) == [0.0, 6.0]:
        return "relu6"
    return NO_ACTIVATION


def _limits(onnx: Any, node: Any, constants: Mapping[str, Any], opset: int) -> list[float | None]:
    """What a Clip cuts off at, below and above; None for what is not known or not given."""
    if opset < _LIMITS_ARE_INPUTS:
        given = attributes_of(onnx, node)
        return [given.get("min"), given.get("max")]
    return [_scalar(onnx, constants.get(name)) for name in [*node.input[1:3], "", ""][:2]]


def _scalar(onnx: Any, constant: Any) -> float | None:
    if constant is not None and constant.DESCRIPTOR.name == "NodeProto":
        constant = attributes_of(onnx, constant).get("value")
    if constant is None:
        return None
    values = onnx.numpy_helper.to_array(constant)
    return float(values.item()) if values.size == 1 else None


def attributes_of(onnx: Any, node: Any) -> dict[str, Any]:
    """The attributes of a node by name."""
    return {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
