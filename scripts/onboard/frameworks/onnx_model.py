"""What libraries that read ONNX are given: a graph as we write it, or a model of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from model_graph import ModelGraph
from writers.onnx import INPUT, output_name, write_onnx

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graph import Graph

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class OnnxModel:
    """A model, the values of its inputs, and arrays for its outputs."""

    content: bytes
    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]


def onnx_model(graph: Graph | ModelGraph) -> OnnxModel:
    """Return the model of a graph, with inputs and outputs of its own data types."""
    if isinstance(graph, ModelGraph):
        empty = {name: np.empty_like(array) for name, array in graph.expected.items()}
        return OnnxModel(graph.model, graph.inputs, empty)
    kind = np.float16 if graph.data_type == "fp16" else np.float32
    source = np.ascontiguousarray(graph.input.reshape(graph.nodes[0].in_dims), kind)
    target = np.empty(graph.nodes[-1].out_dims, kind)
    return OnnxModel(write_onnx(graph), {INPUT: source}, {output_name(graph): target})
