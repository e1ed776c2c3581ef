"""How much work any node of an ONNX graph is: multiply-accumulates and bytes of one run."""

from __future__ import annotations

from math import prod

from onnx import NodeProto, TensorProto, helper

from nntest.domain.onnx_files.activations import attributes_of
from nntest.domain.onnx_files.graph import DOMAINS, Graph, Shape
from nntest.domain.onnx_files.model_file import subgraphs

_WEIGHTS = {"Conv": 1, "ConvInteger": 1, "DeformConv": 1, "QLinearConv": 3}
"""Convolutions: which input has the weights, outputs x (inputs / group) x kernel."""
_PRODUCTS = ("Gemm", "MatMul", "MatMulInteger", "QLinearMatMul")
_RECURRENT = ("RNN", "GRU", "LSTM")
_NOT_COUNTED = ("Attention", "Einsum")


def macs_of(node: NodeProto, graph: Graph) -> int | None:
    """Multiply-accumulates; 0 for operators that have none, None if they are not known."""
    if node.domain not in DOMAINS or node.op_type in _NOT_COUNTED or any(subgraphs(node)):
        return None
    try:
        factors = _factors(node, graph)
    except IndexError:  # it lacks an input
        return None
    return None if None in factors else prod(factor or 0 for factor in factors)


def _factors(node: NodeProto, graph: Graph) -> list[int | None]:
    """Numbers of which the product is a node's multiply-accumulates."""
    outputs = _elements(graph, node.output[0])
    if node.op_type in _WEIGHTS:
        return [outputs, *_shape(graph, node.input[_WEIGHTS[node.op_type]])[1:]]
    if node.op_type == "ConvTranspose":  # weights: inputs x (outputs / group) x kernel
        return [_elements(graph, node.input[0]), *_shape(graph, node.input[1])[1:]]
    if node.op_type in _PRODUCTS:
        rows = _shape(graph, node.input[0])
        return [outputs, rows[0] if attributes_of(node).get("transA") else rows[-1]]
    if node.op_type in _RECURRENT:  # batch and steps, in either order; weights of all gates
        weights = [_elements(graph, name) for name in node.input[1:3]]
        gates = None if None in weights else sum(size or 0 for size in weights)
        return [*_shape(graph, node.input[0])[:2], gates]
    return [0]


def bytes_of(node: NodeProto, graph: Graph) -> int | None:
    """Bytes of all inputs, weights and outputs, each once; None if a size is not known."""
    total = 0
    for name in {*node.input, *node.output} - {""}:
        elements = _elements(graph, name)
        if elements is None:
            return None
        total += elements * item_bytes(graph.types.get(name, TensorProto.FLOAT))
    return total


def item_bytes(element_type: int) -> int:
    """Bytes of one value; types below 8 bits count as 1."""
    return int(helper.tensor_dtype_to_np_dtype(element_type or TensorProto.FLOAT).itemsize)


def _elements(graph: Graph, name: str) -> int | None:
    shape = _shape(graph, name)
    return None if None in shape else prod(size or 0 for size in shape)


def _shape(graph: Graph, name: str) -> Shape:
    return graph.shapes.get(name, [None, None])
