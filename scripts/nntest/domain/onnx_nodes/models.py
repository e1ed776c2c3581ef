"""A single node as an ONNX model: with inputs, parameters, and how much work it is."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from nntest.domain.drawn_values import draw
from nntest.domain.onnx_nodes.names import Attribute, Operand, SingleNode
from nntest.domain.onnx_nodes.work import Shape, elements, macs_by_shapes
from nntest.errors import UserError

NODE_NAME = "onnx"
"""Of the one node of such a model."""
LEAST_OPSET = 7
"""Of the models: libraries promise nothing for older operator sets."""


def node_model(node: SingleNode, seed: int = 0, around: float = 0.0) -> onnx.ModelProto:
    """A model of the node alone: data are its inputs, parameters its weights.

    What has no values is drawn, floats in [-1, 1), or around 1 as `node_inputs` says.  Raises
    `UserError` for what is not a node of ONNX.
    """
    try:
        onnx.defs.get_schema(node.kind, _opset(node))
        # With the types of its outputs, which libraries ask for.
        model = onnx.shape_inference.infer_shapes(_model(node, seed, around), strict_mode=True)
        onnx.checker.check_model(model)
    except Exception as error:  # of onnx, of protobuf, or of NumPy for a value that does not fit
        said = str(error).strip().splitlines()[0]
        raise UserError(f"tensor '{node.name}' is not a node of ONNX: {said}") from None
    return model


def _opset(node: SingleNode) -> int:
    return max(LEAST_OPSET, node.version)


def _model(node: SingleNode, seed: int, around: float) -> onnx.ModelProto:
    """The model without types of its outputs, whether or not it makes sense."""
    generator = np.random.default_rng(seed)
    names = [f"in{place}" if item else "" for place, item in enumerate(node.inputs)]
    data, weights = [], []
    for name, item in zip(names, node.inputs, strict=True):
        if item is None:
            continue
        kind = np.dtype(item.element_type)
        if not item.is_parameter:
            element_type = helper.np_dtype_to_tensor_dtype(kind)
            data.append(helper.make_tensor_value_info(name, element_type, item.dims))
        elif item.values is not None:
            values = np.array(item.values, kind).reshape(item.dims)
            weights.append(numpy_helper.from_array(values, name))
        else:
            weights.append(numpy_helper.from_array(_drawn(item, generator, around), name))
    outputs = [f"out{place}" if asked else "" for place, asked in enumerate(node.outputs)]
    made = helper.make_node(node.kind, names, outputs, name=NODE_NAME)
    made.attribute.extend(
        helper.make_attribute(key, _given(value)) for key, value in node.attributes
    )
    results = [onnx.ValueInfoProto(name=name) for name in outputs if name]
    model = helper.make_model(
        helper.make_graph([made], NODE_NAME, data, results, weights),
        opset_imports=[helper.make_opsetid("", _opset(node))],
    )
    oldest = helper.find_min_ir_version_for(model.opset_import)
    model.ir_version = max(oldest, 4)  # before, weights had to be inputs
    return model


def _given(value: Attribute) -> Any:
    return list(value) if isinstance(value, tuple) else value


def node_inputs(
    node: SingleNode, seed: int, around: float = 0.0
) -> dict[str, np.ndarray[Any, Any]]:
    """Values of the data of `node_model`.

    Floats are in [-1, 1); with `around` 1, in [0.5, 1.5), for a root or a logarithm.
    """
    generator = np.random.default_rng(seed + 1)
    return {
        f"in{place}": _drawn(item, generator, around)
        for place, item in enumerate(node.inputs)
        if item is not None and not item.is_parameter
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
    """(multiply-accumulates, values of all outputs) of a node by its name; 0 for what is unknown.

    Raises `UserError` for what is not a node of ONNX.
    """
    node = SingleNode.parse(name)
    # Without values a parameter is as good as an input, and nothing is drawn.
    inputs = [item and replace(item, is_parameter=item.values is not None) for item in node.inputs]
    model = node_model(replace(node, inputs=tuple(inputs)))
    shapes = {value.name: _shape(value) for value in (*model.graph.input, *model.graph.output)}
    shapes |= {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    (made,) = model.graph.node
    outputs = [elements(shapes[name]) for name in made.output if name]
    transposed = dict(node.attributes).get("transA") == 1
    sizes = [shapes.get(name, [None]) for name in made.input]
    return macs_by_shapes(node.kind, transposed, sizes, outputs[0]) or 0, sum(
        size or 0 for size in outputs
    )


def _shape(value: onnx.ValueInfoProto) -> Shape:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return [None]
    return [item.dim_value if item.HasField("dim_value") else None for item in tensor.shape.dim]
