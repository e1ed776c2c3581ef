"""How much work an operator of a TFLite file is: multiply-accumulates and bytes of one run.

The operators' meaning: https://www.tensorflow.org/mlir/tfl_ops
"""

from __future__ import annotations

from math import prod

from nntest.domain.node_sorting import Work
from nntest.domain.tflite_files.model_file import Operator, TfliteGraph, Value

_TYPE_BYTES = {
    **dict.fromkeys(("FLOAT32", "INT32", "UINT32"), 4),
    **dict.fromkeys(("FLOAT16", "INT16", "UINT16", "BFLOAT16"), 2),
    **dict.fromkeys(("FLOAT64", "INT64", "UINT64", "COMPLEX64"), 8),
    **dict.fromkeys(("INT8", "UINT8", "BOOL", "INT4"), 1),
    "COMPLEX128": 16,
}
"""Bytes of one value; types below 8 bits count as 1.  Of others the size is not known."""

RECURRENT = (
    *("RNN", "LSTM", "SVDF", "UNIDIRECTIONAL_SEQUENCE_RNN", "UNIDIRECTIONAL_SEQUENCE_LSTM"),
    *("BIDIRECTIONAL_SEQUENCE_RNN", "BIDIRECTIONAL_SEQUENCE_LSTM"),
)
_WITH_SUBGRAPHS = ("IF", "WHILE", "CALL", "CALL_ONCE")


def work_of(operator: Operator, graph: TfliteGraph) -> Work:
    """Multiply-accumulates and bytes of an operator."""
    return _macs(operator, graph), _bytes(operator, graph)


def _macs(operator: Operator, graph: TfliteGraph) -> int | None:
    """0 for operators that have none, None if they are not known."""
    if operator.is_custom or operator.kind in _WITH_SUBGRAPHS:
        return None
    try:
        factors = _factors(operator, graph)
    except (IndexError, KeyError):  # it lacks an input
        return None
    return None if None in factors else prod(factor or 0 for factor in factors)


def _factors(operator: Operator, graph: TfliteGraph) -> list[int | None]:
    """Numbers of which the product is the multiply-accumulates."""
    values, kind = graph.values, operator.kind

    def given(place: int) -> Value:
        return values[operator.inputs[place]]

    if kind in ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D"):
        # Weights: outputs x kernel x inputs of a group; depthwise ones 1 x kernel x outputs.
        shape = given(1).shape
        taken = shape[1:-1] if kind == "DEPTHWISE_CONV_2D" else shape[1:]
        return [values[operator.outputs[0]].elements, *taken]
    if kind == "CONV_3D":  # weights: kernel x inputs x outputs
        return [values[operator.outputs[0]].elements, *given(1).shape[:-1]]
    if kind == "TRANSPOSE_CONV":  # weights: outputs x kernel x inputs; then the input
        return [given(2).elements, *given(1).shape[:-1]]
    if kind == "CONV_3D_TRANSPOSE":  # weights: kernel x outputs x inputs; then the input
        return [given(2).elements, *given(1).shape[:-1]]
    if kind == "BATCH_MATMUL":  # transposed or not: rows x columns of the first x of the output
        products = values[operator.outputs[0]]
        first = given(0).elements
        rows = prod(products.shape[:-1])
        inner = None if first is None or not rows else first // rows
        return [products.elements, inner]
    if kind in RECURRENT:
        # All matrices are used once for each vector of the input.
        source = given(0)
        vectors = None if source.elements is None else source.elements // source.shape[-1]
        weights = [
            values[name].elements
            for name in operator.inputs[1:]
            if name in graph.constants and len(values[name].shape) > 1
        ]
        return [vectors, None if None in weights else sum(size or 0 for size in weights)]
    return [0]


def _bytes(operator: Operator, graph: TfliteGraph) -> int | None:
    """Bytes of all inputs, weights and outputs, each once; None if a size is not known."""
    total = 0
    for name in {*operator.inputs, *operator.outputs} - {""}:
        value = graph.values[name]
        if value.elements is None or value.kind not in _TYPE_BYTES:
            return None
        total += value.elements * _TYPE_BYTES[value.kind]
    return total
