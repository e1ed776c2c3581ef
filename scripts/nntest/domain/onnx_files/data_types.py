"""The data type that an ONNX file says a network computes in."""

from __future__ import annotations

from collections import Counter

from onnx import TensorProto, helper

from nntest.domain.onnx_files.graph import QONNX, Graph

FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)

QUANTISERS = ("QuantizeLinear", "DequantizeLinear", *QONNX)
"""Nodes beside float operators that say how values are rounded: QDQ, and QONNX."""

_NAMES = {"float": "fp32", "float16": "fp16", "double": "fp64", "bfloat16": "bf16", "uint8": "int8"}
"""Our names of ONNX's types, where they differ."""


def data_type_of(graph: Graph) -> str:
    """The type of most quantised values of a network; if it has none, that of its layers' output.

    Quantised are the inputs of DequantizeLinear and of operators on integers, and the outputs of
    QONNX's quantisers, by their bits.
    """
    found: Counter[str] = Counter()
    floats: Counter[str] = Counter()
    for node in graph.nodes:
        if (
            node.op_type == "DequantizeLinear"
            or "Integer" in node.op_type
            or (node.op_type.startswith("QLinear"))
        ):
            found[_named(graph, node.input[0])] += 1
        elif node.op_type == "BipolarQuant":
            found["binary"] += 1
        elif node.op_type in QONNX and len(node.input) > 3:
            bits = graph.values.get(node.input[3])
            if bits is not None:
                found[f"int{int(bits.max())}"] += 1
        elif graph.types.get(node.output[0]) in FLOATS and not graph.is_constant(node):
            floats[_named(graph, node.output[0])] += 1
    (name, _), *_ = (found or floats or Counter({"": 1})).most_common(1)
    return name


def _named(graph: Graph, value: str) -> str:
    element_type = graph.types.get(value, TensorProto.UNDEFINED)
    name = helper.tensor_dtype_to_string(element_type).removeprefix("TensorProto.").lower()
    return "fp8" if name.startswith("float8") else _NAMES.get(name, name)
