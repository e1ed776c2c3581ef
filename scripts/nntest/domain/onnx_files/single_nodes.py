"""What stands for nodes of a graph, single or together, as a model of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnx
from onnx import AttributeProto

from nntest.domain.onnx_files.graph import DOMAINS, Graph
from nntest.domain.onnx_files.model_file import subgraphs
from nntest.domain.onnx_files.whole_model import dtype_of
from nntest.domain.onnx_nodes.groups import NodeGroup
from nntest.domain.onnx_nodes.models import node_work
from nntest.domain.onnx_nodes.names import (
    ELEMENT_TYPES,
    Attribute,
    Input,
    Operand,
    Reference,
    SingleNode,
)
from nntest.errors import UserError

_DECIDING = ("Clip", "Pow", "Resize", "Upsample", "QLinearConv", "QLinearMatMul", "QuantizeLinear")
"""Operators whose small parameters of floats decide what is computed; of integers all do."""

_WITH_WEIGHTS = ("Conv", "ConvInteger", "ConvTranspose", "QLinearConv")
_WITH_WINDOWS = (*_WITH_WEIGHTS, "AveragePool", "LpPool", "MaxPool")
_NEUTRAL = {"dilations": 1, "pads": 0, "strides": 1}
"""Of a window: the same as if the attribute were not there."""

_DIRECT: dict[int, Callable[[onnx.AttributeProto], Attribute]] = {
    AttributeProto.INT: lambda item: item.i,
    AttributeProto.FLOAT: lambda item: _float(item.f),
    AttributeProto.STRING: lambda item: item.s.decode(),
    AttributeProto.INTS: lambda item: tuple(item.ints),
    AttributeProto.FLOATS: lambda item: tuple(map(_float, item.floats)),
    AttributeProto.STRINGS: lambda item: tuple(text.decode() for text in item.strings),
}


class NotSingle(Exception):
    """Why a node cannot be a model of its own."""


def _float(value: float) -> float:
    """The shortest decimal number that is the same single-precision float."""
    return float(str(np.float32(value)))


def node_group(nodes: Sequence[onnx.NodeProto], graph: Graph) -> NodeGroup:
    """What nodes of a graph compute, in an order in which they can run; raises `NotSingle`.

    Of several nodes the last one's first output is made, and no other node reads what is made
    inside.
    """
    if len(nodes) == 1:
        group = NodeGroup((_node(nodes[0], graph, 0, None),))
    else:
        seen: dict[str, Reference] = {}
        group = NodeGroup(tuple(_node(node, graph, at, seen) for at, node in enumerate(nodes)))
    if not group.data:
        raise NotSingle("it has no input")
    try:
        node_work(group.name)
    except UserError as error:
        raise NotSingle(error.message) from None
    return group


def _node(
    node: onnx.NodeProto, graph: Graph, at: int, seen: dict[str, Reference] | None
) -> SingleNode:
    """The node at a place of its group; `seen` has the values that nodes before have or make.

    None for a node on its own.  Scalars of a group have their values: without the root of 2, say,
    nodes are no GELU, which a runtime fuses.
    """
    if node.domain not in DOMAINS:
        raise NotSingle(f"it is of the domain {node.domain}, not of ONNX")
    if any(subgraphs(node)):
        raise NotSingle("which of its nodes run, and how often, depends on the data")
    try:
        schema = onnx.defs.get_schema(node.op_type, graph.opset)
    except onnx.defs.SchemaError:
        raise NotSingle("ONNX has no such operator") from None
    inputs: list[Input] = []
    for place, name in enumerate(node.input):
        known = seen.get(name) if seen else None
        scalar = seen is not None and name in graph.values and graph.values[name].size == 1
        deciding = scalar or node.op_type in _DECIDING
        inputs.append(known or (_operand(name, graph, deciding) if name else None))
        if seen is not None and name:
            seen.setdefault(name, Reference(at, place))
    if any(None in graph.shapes.get(name, [None]) for name in node.output if name):
        raise NotSingle("the sizes of its outputs depend on the data")
    attributes = tuple(
        (item.name, _attribute(item))
        for item in sorted(node.attribute, key=lambda item: item.name)
        if not _goes_without_saying(item, schema)
    )
    outputs = [bool(name) for name in node.output]
    while outputs and not outputs[-1]:
        outputs.pop()
    if seen is not None:
        seen[node.output[0]] = Reference(at)
        outputs = [True]
    return SingleNode(node.op_type, schema.since_version, tuple(inputs), attributes, tuple(outputs))


def _operand(name: str, graph: Graph, deciding: bool) -> Operand:
    shape, element_type = graph.shapes.get(name), graph.types.get(name, 0)
    if shape is None or None in shape:
        raise NotSingle("the sizes of its inputs are not known")
    kind = dtype_of(element_type).name if element_type else ""
    if kind not in ELEMENT_TYPES:
        raise NotSingle(f"an input is of the type {kind or 'that is not known'}")
    dims = tuple(size or 0 for size in shape)
    is_parameter = name in graph.constants
    known = graph.values.get(name) if is_parameter else None
    if known is None or (kind.startswith("float") and not deciding):
        return Operand(dims, kind, is_parameter)
    if kind == "float32":
        return Operand(dims, kind, True, tuple(map(_float, known.ravel())))
    values = tuple(int(v) if known.dtype.kind == "b" else v for v in known.ravel().tolist())
    return Operand(dims, kind, True, values)


def _goes_without_saying(item: onnx.AttributeProto, schema: onnx.defs.OpSchema) -> bool:
    """Whether a node without an attribute computes the same."""
    known = schema.attributes.get(item.name)
    if known is not None and known.default_value.type:
        return item.type in _DIRECT and _attribute(item) == _attribute(known.default_value)
    if schema.name in _WITH_WEIGHTS and item.name == "kernel_shape":
        return True  # that of the weights
    neutral = _NEUTRAL.get(item.name) if schema.name in _WITH_WINDOWS else None
    return neutral is not None and set(item.ints) == {neutral}


def _attribute(item: onnx.AttributeProto) -> Attribute:
    if item.type not in _DIRECT:
        raise NotSingle(f"its attribute {item.name} is no number and no text")
    value = _DIRECT[item.type](item)
    if value == ():
        raise NotSingle(f"its attribute {item.name} is an empty list")
    return value
