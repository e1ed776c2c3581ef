"""An ONNX file as a model with its functions inlined and without its weights.

Weights do not matter, their shapes do; without them, inferring shapes anew takes no time.  Small
constants stay, since sizes, axes and limits are among them.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path

import onnx
from onnx import external_data_helper, inliner

from nntest.errors import UserError

LARGEST_VALUE = 64
"""Elements of the largest constant whose values are kept, or computed."""

_DATA = (
    *("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data"),
    *("string_data", "external_data", "data_location"),
)


def parse(path: Path, content: bytes) -> onnx.ModelProto:
    """The model of a file's content; external data are looked for in the folder of `path`.

    Raises `UserError` for what is not an ONNX model, or if sizes lie in a file that is missing.
    """
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's own classes differ between its versions
        raise UserError(
            f"{path}: not an ONNX file ({type(error).__name__})",
            "it is a TFLite file: `family: tflite`, and a name that ends with .tflite"
            if content[4:8] == b"TFL3"
            else "export the network again, e.g. with torch.onnx.export or tf2onnx",
        ) from None
    if not model.graph.node:
        raise UserError(f"{path}: not an ONNX file, or it has no nodes")
    for tensor in _all_tensors(model):
        _keep_small(path, tensor)
    return inliner.inline_local_functions(model) if model.functions else model


def refuse_invalid(path: Path, content: bytes) -> None:
    """Raise `UserError` if ONNX's own checker refuses a model, with what it says.

    It is asked only about a model that cannot be read, since it refuses others that can: with
    external data that are missing, or operators that are newer than it.
    """
    try:
        onnx.checker.check_model(content)
    except Exception as error:
        reason = next(line for line in [*str(error).splitlines(), type(error).__name__] if line)
        raise UserError(f"{path}: not a valid ONNX file: {reason}") from None


def has_data(tensor: onnx.TensorProto) -> bool:
    """Whether the values of a tensor of `parse` are there."""
    return prod(tensor.dims) == 0 or any(getattr(tensor, field) for field in _DATA)


def _keep_small(path: Path, tensor: onnx.TensorProto) -> None:
    """Drop the values of a large tensor; read those of a small one if they are in another file."""
    external = external_data_helper.uses_external_data(tensor)
    if prod(tensor.dims) <= LARGEST_VALUE:
        if not external:
            return
        try:
            external_data_helper.load_external_data_for_tensor(tensor, str(path.parent))
        except Exception as error:  # of the system, of onnx, or of protobuf
            if tensor.data_type == onnx.TensorProto.INT64:  # sizes and axes are of this type
                where = next((i.value for i in tensor.external_data if i.key == "location"), "")
                raise UserError(
                    f"{path}: '{tensor.name}' is in the file '{where}' beside it, which cannot be "
                    f"read: {str(error).splitlines()[0]}",
                    "an ONNX file with external data needs these in its folder",
                ) from None
        else:
            return
    for field in _DATA:
        tensor.ClearField(field)


def _all_tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    yield from _tensors(model.graph)
    for function in model.functions:
        for node in function.node:
            yield from _tensors_of_node(node)


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        yield from _tensors_of_node(node)


def _tensors_of_node(node: onnx.NodeProto) -> Iterator[onnx.TensorProto]:
    for attribute in node.attribute:
        if attribute.HasField("t"):
            yield attribute.t
    for graph in subgraphs(node):
        yield from _tensors(graph)


def subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The branches of an If, the body of a Loop or a Scan."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs
