"""A model's nodes with the shapes of all values, and what of them is constant.

Shapes come from ONNX's own shape inference, constants from its reference evaluator: what an
exporter computes on shapes is known once the inputs' sizes are.  Both are repeated until nothing
new follows, and an `If` of which the condition is constant is the branch that it takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.compose import add_prefix_graph
from onnx.reference import ReferenceEvaluator

from nntest.domain.onnx_files.model_file import LARGEST_VALUE, has_data, subgraphs
from nntest.domain.onnx_nodes.work import Shape
from nntest.errors import UserError

DOMAINS = ("", "ai.onnx")
"""The domain of ONNX's own operators, in both spellings."""

QONNX = ("Quant", "BipolarQuant", "Trunc", "IntQuant", "FloatQuant")
"""Quantisers of QONNX, in domains that ONNX's shape inference does not know."""

_OF_SHAPES = ("Shape", "Size")


@dataclass
class Graph:
    """The nodes of a model in their order, each `If` replaced by its branch where that is known."""

    nodes: list[onnx.NodeProto]
    opset: int
    shapes: dict[str, Shape]
    types: dict[str, int]
    """Element types of values, as `onnx.TensorProto.DataType`."""
    constants: set[str]
    """Values that are the same in every run."""
    values: dict[str, np.ndarray[Any, Any]]
    """Of those constants that are small."""
    outputs: frozenset[str]
    """Values that the model returns."""

    def is_constant(self, node: onnx.NodeProto) -> bool:
        """Whether all that a node makes is the same in every run."""
        return all(name in self.constants for name in node.output if name)


def read_graph(path: Path, model: onnx.ModelProto) -> Graph:
    """The graph of a model of which the inputs' sizes are fixed.

    Raises `UserError` if its shapes contradict each other.
    """
    opset = next((item.version for item in model.opset_import if item.domain in DOMAINS), 1)
    outputs = frozenset(value.name for value in model.graph.output)
    graph = Graph(list(model.graph.node), opset, {}, {}, set(), {}, outputs)
    for tensor in model.graph.initializer:
        graph.constants.add(tensor.name)
        if has_data(tensor):
            graph.values[tensor.name] = numpy_helper.to_array(tensor)
    graph.constants |= {item.values.name for item in model.graph.sparse_initializer}
    while True:
        graph.shapes, graph.types = _inferred(path, model, graph)
        values, nodes = len(graph.values), graph.nodes
        for node in nodes:
            _compute(graph, node, model.opset_import)
        graph.nodes = [part for node in nodes for part in _branch(graph, model, node)]
        if len(graph.values) == values and graph.nodes == nodes:
            return graph


# -- shapes --------------------------------------------------------------------------------


def _inferred(
    path: Path, model: onnx.ModelProto, graph: Graph
) -> tuple[dict[str, Shape], dict[str, int]]:
    """Shapes and element types of all values.

    What the file itself notes of values counts only where nothing follows from its inputs: it may
    be of other sizes.
    """
    known = onnx.ModelProto()
    known.CopyFrom(model)
    known.ir_version = max(known.ir_version, 8)  # weights need not be inputs
    inside = known.graph
    weights = {tensor.name for tensor in inside.initializer}
    inputs = [value for value in inside.input if value.name not in weights]
    del inside.node[:], inside.input[:], inside.output[:], inside.value_info[:]
    inside.input.extend(inputs)
    inside.node.extend(_as_onnx_knows_it(n) for n in graph.nodes if not _is_computed(graph, n))
    inside.initializer.extend(
        numpy_helper.from_array(value, name)
        for name, value in graph.values.items()
        if name not in weights
    )
    shapes, types = _followed(path, known)
    made = {name for node in inside.node for name in node.output}
    unknown = {name for name in made if None in shapes.get(name, [None])}
    notes = [v for v in (*model.graph.value_info, *model.graph.output) if v.name in unknown]
    if not notes:
        return shapes, types
    inside.value_info.extend(notes)
    return _followed(path, known)


def _followed(path: Path, model: onnx.ModelProto) -> tuple[dict[str, Shape], dict[str, int]]:
    """What ONNX infers from the inputs, weights and notes of a model."""
    try:
        result = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    except Exception as error:
        raise UserError(
            f"{path}: its shapes contradict each other: {str(error).splitlines()[0]}"
        ) from None
    shapes: dict[str, Shape] = {}
    types: dict[str, int] = {}
    for value in (*result.input, *result.value_info):
        tensor = value.type.tensor_type
        types[value.name] = tensor.elem_type
        if tensor.HasField("shape"):
            shapes[value.name] = [
                item.dim_value if item.HasField("dim_value") else None for item in tensor.shape.dim
            ]
    for item in result.initializer:
        shapes[item.name], types[item.name] = list(item.dims), item.data_type
    for sparse in result.sparse_initializer:
        shapes[sparse.values.name] = list(sparse.dims)
        types[sparse.values.name] = sparse.values.data_type
    return shapes, types


def _as_onnx_knows_it(node: onnx.NodeProto) -> onnx.NodeProto:
    """A quantiser of QONNX as what it does to a shape: nothing."""
    if node.domain not in DOMAINS and node.op_type in QONNX:
        return helper.make_node("Identity", node.input[:1], node.output[:1], name=node.name)
    return node


# -- constants -----------------------------------------------------------------------------


def _is_computed(graph: Graph, node: onnx.NodeProto) -> bool:
    return all(name in graph.values for name in node.output if name)


def _compute(graph: Graph, node: onnx.NodeProto, opsets: Any) -> None:
    """Note what a node makes if that is the same in every run, with its values if they are few."""
    inputs = [name for name in node.input if name]
    if node.op_type in _OF_SHAPES and node.domain in DOMAINS and inputs:
        shape = graph.shapes.get(inputs[0])
        if shape is None or None in shape:
            return
        # No element of it is looked at: one stands for all.
        of_shape = np.broadcast_to(np.float32(0), [size or 0 for size in shape])
        feeds = {inputs[0]: of_shape}
    elif any(subgraphs(node)) or any(name not in graph.constants for name in inputs):
        return
    elif node.op_type != "Constant" and not inputs:
        return  # random numbers
    else:
        feeds = {name: graph.values[name] for name in inputs if name in graph.values}
    graph.constants.update(name for name in node.output if name)
    if _is_computed(graph, node) or len(feeds) < len(set(inputs)):
        return
    tensors = (item.t for item in node.attribute if item.HasField("t"))
    outputs = [name for name in node.output if name]
    if (
        node.domain in DOMAINS
        and all(_is_small(graph.shapes.get(name)) for name in outputs)
        and all(has_data(tensor) for tensor in tensors)
    ):
        graph.values.update(zip(outputs, _evaluated(node, feeds, opsets), strict=False))


def _is_small(shape: Shape | None) -> bool:
    return shape is not None and prod(LARGEST_VALUE + 1 if n is None else n for n in shape) <= (
        LARGEST_VALUE
    )


def _evaluated(
    node: onnx.NodeProto, feeds: dict[str, np.ndarray[Any, Any]], opsets: Any
) -> list[np.ndarray[Any, Any]]:
    """What a node makes of its inputs; nothing if the evaluator does not have it."""
    alone = helper.make_graph(
        [node],
        "node",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), None)
            for name, value in feeds.items()
        ],
        [onnx.ValueInfoProto(name=name) for name in node.output if name],
    )
    try:
        model = helper.make_model(alone, opset_imports=opsets)
        made = ReferenceEvaluator(model).run(None, feeds)
    except Exception:  # it raises whatever NumPy does, and errors of its own
        return []
    return [np.asarray(value) for value in made]


# -- branches ------------------------------------------------------------------------------


def _branch(graph: Graph, model: onnx.ModelProto, node: onnx.NodeProto) -> Iterator[onnx.NodeProto]:
    """What runs in a node's place: the branch of an If where it is known, else itself."""
    if node.op_type != "If" or node.domain not in DOMAINS or node.input[0] not in graph.values:
        yield node
        return
    taken = "then_branch" if graph.values[node.input[0]].all() else "else_branch"
    branch = {item.name: item.g for item in node.attribute}[taken]
    made = {name for inner in branch.node for name in inner.output}
    made |= {tensor.name for tensor in branch.initializer}
    prefix = f"{node_name(node)}/{taken}/"  # another If may use the same names
    names = {value.name: prefix + value.name for value in branch.output if value.name in made}
    inlined = add_prefix_graph(branch, prefix, rename_outputs=False, name_map=dict(names))
    for tensor in inlined.initializer:
        graph.constants.add(tensor.name)
        if has_data(tensor):
            graph.values[tensor.name] = numpy_helper.to_array(tensor)
    model.graph.initializer.extend(inlined.initializer)
    model.graph.value_info.extend(inlined.value_info)
    yield from inlined.node
    for value, name in zip(branch.output, node.output, strict=True):
        source = names.get(value.name, value.name)
        yield helper.make_node("Identity", [source], [name], name=node_name(node))


def node_name(node: onnx.NodeProto) -> str:
    """A node's name; nodes need none, but their outputs do."""
    return str(node.name or next((name for name in node.output if name), node.op_type))
