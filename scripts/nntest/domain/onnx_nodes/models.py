"""A single node, or a group, as an ONNX model: inputs, parameters, and how much work it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from nntest.domain.drawn_values import draw
from nntest.domain.onnx_nodes.groups import NodeGroup
from nntest.domain.onnx_nodes.names import Attribute, Input, Operand
from nntest.domain.onnx_nodes.work import Shape, elements, macs_by_shapes
from nntest.errors import UserError

NODE_NAME = "onnx"
"""Of the first node of such a model; the others have their number behind it."""
LEAST_OPSET = 7
"""Of the models: libraries promise nothing for older operator sets."""


def node_model(group: NodeGroup, seed: int = 0, around: float = 0.0) -> onnx.ModelProto:
    """A model of the nodes alone: data are its inputs, parameters its weights.

    What has no values is drawn, floats in [-1, 1), or around 1 as `node_inputs` says.  Raises
    `UserError` for what is not a node of ONNX.
    """
    try:
        for node in group.nodes:
            onnx.defs.get_schema(node.kind, _opset(group))
        # With the types of its outputs, which libraries ask for.
        model = onnx.shape_inference.infer_shapes(_model(group, seed, around), strict_mode=True)
        onnx.checker.check_model(model)
    except Exception as error:  # of onnx, of protobuf, or of NumPy for a value that does not fit
        said = str(error).strip().splitlines()[0]
        what = "a node" if len(group.nodes) == 1 else "a group of nodes"
        raise UserError(f"tensor '{group.name}' is not {what} of ONNX: {said}") from None
    return model


def _opset(group: NodeGroup) -> int:
    return max(LEAST_OPSET, *(node.version for node in group.nodes))


def _model(group: NodeGroup, seed: int, around: float) -> onnx.ModelProto:
    """The model without types of its outputs, whether or not it makes sense."""
    generator = np.random.default_rng(seed)
    data, weights = [], []
    for name, item in _operands(group):
        kind = np.dtype(item.element_type)
        if not item.is_parameter:
            element_type = helper.np_dtype_to_tensor_dtype(kind)
            data.append(helper.make_tensor_value_info(name, element_type, item.dims))
        elif item.values is not None:
            values = np.array(item.values, kind).reshape(item.dims)
            weights.append(numpy_helper.from_array(values, name))
        else:
            weights.append(numpy_helper.from_array(_drawn(item, generator, around), name))
    made = [_node(group, at) for at in range(len(group.nodes))]
    results = [onnx.ValueInfoProto(name=name) for name in made[-1].output if name]
    model = helper.make_model(
        helper.make_graph(made, NODE_NAME, data, results, weights),
        opset_imports=[helper.make_opsetid("", _opset(group))],
    )
    oldest = helper.find_min_ir_version_for(model.opset_import)
    model.ir_version = max(oldest, 4)  # before, weights had to be inputs
    return model


def _node(group: NodeGroup, at: int) -> onnx.NodeProto:
    node = group.nodes[at]
    names = [_read(at, place, item) for place, item in enumerate(node.inputs)]
    outputs = [
        _named("out", at, place) if asked else "" for place, asked in enumerate(node.outputs)
    ]
    made = helper.make_node(node.kind, names, outputs, name=f"{NODE_NAME}{at or ''}")
    made.attribute.extend(
        helper.make_attribute(key, _given(value)) for key, value in node.attributes
    )
    return made


def _operands(group: NodeGroup) -> Iterator[tuple[str, Operand]]:
    """The inputs of the model and its weights, each once, with their names."""
    for at, node in enumerate(group.nodes):
        for place, item in enumerate(node.inputs):
            if isinstance(item, Operand):
                yield _named("in", at, place), item


def _read(at: int, place: int, item: Input) -> str:
    """The name of the value that an input of a node is."""
    if item is None:
        return ""
    if isinstance(item, Operand):
        return _named("in", at, place)
    if item.place is None:
        return _named("out", item.node, 0)
    return _named("in", item.node, item.place)


def _named(end: str, at: int, place: int) -> str:
    """An input or output by its node's place in the group and its own; of the first: in0, out0."""
    return f"{end}{at}_{place}" if at else f"{end}{place}"


def _given(value: Attribute) -> Any:
    return list(value) if isinstance(value, tuple) else value


def node_inputs(
    group: NodeGroup, seed: int, around: float = 0.0
) -> dict[str, np.ndarray[Any, Any]]:
    """Values of the data of `node_model`.

    Floats are in [-1, 1); with `around` 1, in [0.5, 1.5), for a root or a logarithm.
    """
    generator = np.random.default_rng(seed + 1)
    return {
        name: _drawn(item, generator, around)
        for name, item in _operands(group)
        if not item.is_parameter
    }


def _drawn(item: Operand, generator: np.random.Generator, around: float) -> np.ndarray[Any, Any]:
    kind = np.dtype(item.element_type)
    values = draw(generator, item.dims, kind)
    if around and kind.kind == "f":
        return (around + values / 2).astype(kind)
    return values


# -- work ----------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def node_work(name: str) -> tuple[int, int]:
    """(multiply-accumulates, values of all outputs) of nodes by their name; 0 for what is unknown.

    Raises `UserError` for what is not a node of ONNX.
    """
    group = NodeGroup.parse(name)
    nodes = (replace(node, inputs=tuple(map(_not_drawn, node.inputs))) for node in group.nodes)
    graph = node_model(NodeGroup(tuple(nodes))).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    shapes = {value.name: _shape(value) for value in values}
    shapes |= {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    macs = 0
    for node, made in zip(group.nodes, graph.node, strict=True):
        transposed = dict(node.attributes).get("transA") == 1
        sizes = [shapes.get(name, [None]) for name in made.input]
        first = elements(shapes.get(made.output[0], [None]))
        macs += macs_by_shapes(node.kind, transposed, sizes, first) or 0
    return macs, sum(elements(shapes[value.name]) or 0 for value in graph.output)


def _not_drawn(item: Input) -> Input:
    """Without values a parameter is as good as an input, and nothing is drawn."""
    if isinstance(item, Operand):
        return replace(item, is_parameter=item.values is not None)
    return item


def _shape(value: onnx.ValueInfoProto) -> Shape:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return [None]
    return [item.dim_value if item.HasField("dim_value") else None for item in tensor.shape.dim]
