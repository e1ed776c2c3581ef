"""The data type that a TFLite file says a network computes in."""

from __future__ import annotations

from collections import Counter

from nntest.domain.tflite_files.model_file import UNPACKING, TfliteGraph

FLOATS = ("FLOAT32", "FLOAT16", "FLOAT64", "BFLOAT16")

_WITH_WEIGHTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
_NAMES = {
    "FLOAT32": "fp32", "FLOAT16": "fp16", "FLOAT64": "fp64", "BFLOAT16": "bf16", "UINT8": "int8",
}  # fmt: skip
"""Our names of the format's types, where they differ."""


def data_type_of(graph: TfliteGraph) -> str:
    """The type of most layers' outputs; behind it that of most weights, where it is another one.

    Such weights are made larger when the network is loaded (fp16), or computed with integers made
    of each layer's input (int8): ``fp32 with int8 weights``.
    """
    origins = {
        operator.outputs[0]: operator.inputs[0]
        for operator in graph.operators
        if operator.kind in UNPACKING and graph.is_constant(operator)
    }
    outputs: Counter[str] = Counter()
    weights: Counter[str] = Counter()
    for operator in graph.operators:
        if not graph.is_constant(operator) and operator.outputs:
            kind = graph.values[operator.outputs[0]].kind
            if operator.kind in _WITH_WEIGHTS and len(operator.inputs) > 1:
                name = operator.inputs[1]
                for _ in origins:  # a damaged file may have a circle
                    name = origins.get(name, name)
                weights[_named(graph.values[name].kind)] += 1
                outputs[_named(kind)] += 1
    if not outputs:
        return _named(next(iter(graph.values.values())).kind) if graph.values else ""
    computed, stored = (found.most_common(1)[0][0] for found in (outputs, weights))
    return computed if computed == stored else f"{computed} with {stored} weights"


def _named(kind: str) -> str:
    return _NAMES.get(kind, kind.lower())
