"""How much work any node of an ONNX graph is: multiply-accumulates and bytes of one run."""

from __future__ import annotations

from collections.abc import Iterable

from onnx import NodeProto, TensorProto, helper

from nntest.domain.onnx_files.activations import attributes_of
from nntest.domain.onnx_files.graph import DOMAINS, Graph
from nntest.domain.onnx_files.model_file import subgraphs
from nntest.domain.onnx_nodes.work import Shape, elements, macs_by_shapes


def macs_of(node: NodeProto, graph: Graph) -> int | None:
    """Multiply-accumulates; 0 for operators that have none, None if they are not known."""
    if node.domain not in DOMAINS or any(subgraphs(node)):
        return None
    transposed = bool(attributes_of(node).get("transA"))
    inputs = [_shape(graph, name) for name in node.input]
    outputs = elements(_shape(graph, node.output[0]))
    return macs_by_shapes(node.op_type, transposed, inputs, outputs)


def bytes_of(node: NodeProto, graph: Graph) -> int | None:
    """Bytes of all inputs, weights and outputs, each once; None if a size is not known."""
    return bytes_of_values({*node.input, *node.output} - {""}, graph)


def bytes_of_values(names: Iterable[str], graph: Graph) -> int | None:
    """Bytes of some values of a graph; None if a size is not known."""
    total = 0
    for name in names:
        size = elements(_shape(graph, name))
        if size is None:
            return None
        total += size * item_bytes(graph.types.get(name, TensorProto.FLOAT))
    return total


def item_bytes(element_type: int) -> int:
    """Bytes of one value; types below 8 bits count as 1."""
    return int(helper.tensor_dtype_to_np_dtype(element_type or TensorProto.FLOAT).itemsize)


def _shape(graph: Graph, name: str) -> Shape:
    return graph.shapes.get(name, [None, None])
