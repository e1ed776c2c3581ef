"""Which activation of an operator program a node of an ONNX graph is."""

from __future__ import annotations

from math import isclose
from typing import Any

import onnx
from onnx import helper

from nntest.domain.onnx_files.graph import Graph
from nntest.domain.tensor_suffixes import NO_ACTIVATION

_DIRECT = {"Relu": "relu", "HardSwish": "hard-swish", "Sigmoid": "sigmoid"}
_LIMITS_ARE_INPUTS = 11
"""Operator set since which a Clip's limits are inputs, and no longer attributes."""


def activation_of(node: onnx.NodeProto, graph: Graph) -> str:
    """One of `tensor_suffixes.ACTIVATIONS`; none for one that no program has."""
    if node.op_type in _DIRECT:
        return _DIRECT[node.op_type]
    if node.op_type == "HardSigmoid":
        given = {"alpha": 0.2, "beta": 0.5, **attributes_of(node)}
        ours = isclose(given["alpha"], 1 / 6, rel_tol=1e-4) and given["beta"] == 0.5
        return "hard-sigmoid" if ours else NO_ACTIVATION
    if node.op_type == "Clip" and _limits(node, graph) == [0.0, 6.0]:
        return "relu6"
    return NO_ACTIVATION


def _limits(node: onnx.NodeProto, graph: Graph) -> list[float | None]:
    """What a Clip cuts off at, below and above; None for what is not known or not given."""
    if graph.opset < _LIMITS_ARE_INPUTS:
        given = attributes_of(node)
        return [given.get("min"), given.get("max")]
    limits = (graph.values.get(name) for name in [*node.input[1:3], "", ""][:2])
    return [
        float(limit.item()) if limit is not None and limit.size == 1 else None for limit in limits
    ]


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """The attributes of a node by name."""
    return {item.name: helper.get_attribute_value(item) for item in node.attribute}
