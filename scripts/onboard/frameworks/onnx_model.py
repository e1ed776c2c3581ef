"""What libraries that read ONNX are given: a graph as we write it, or a model of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from integers import far_from
from model_graph import ModelGraph
from writers.onnx import INPUT, output_name, write_onnx

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graph import Graph

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class OnnxModel:
    """A model, the values of its inputs, and arrays for its outputs, full of wrong values."""

    content: bytes
    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]


def onnx_model(graph: Graph | ModelGraph) -> OnnxModel:
    """Return the model of a graph, with inputs and outputs of its own data types."""
    if isinstance(graph, ModelGraph):
        targets = {name: _wrong(array) for name, array in graph.expected.items()}
        return OnnxModel(graph.model, graph.inputs, targets)
    kind = np.float16 if graph.data_type == "fp16" else np.float32
    last = graph.nodes[-1]
    target = np.full(last.out_dims, np.nan, kind)
    if last.out_steps is not None:
        target = far_from(last.out_steps.quantise(graph.expected).reshape(last.out_dims))
    source = graph.model_input(kind)
    return OnnxModel(write_onnx(graph), {INPUT: source}, {output_name(graph): target})


def _wrong(right: Array) -> Array:
    """Return NaN in the place of floats, and integers and booleans with every bit changed."""
    if np.issubdtype(right.dtype, np.floating):
        return np.full_like(right, np.nan)
    return np.invert(right)
