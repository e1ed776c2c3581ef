"""An ONNX file as a model that a library runs whole, and inputs for it.

All sizes are fixed, nodes have the names that its layers have, and weights are the file's own
unless the user asks for drawn ones, as for files without weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from onnx import TensorProto, external_data_helper, helper, numpy_helper

from nntest.domain.drawn_values import DRAWN_INTEGERS, draw
from nntest.domain.onnx_files.graph import node_name
from nntest.domain.onnx_files.input_sizes import Sizes, fix_sizes, network_inputs, read_by
from nntest.domain.onnx_files.model_file import has_data, refuse_invalid
from nntest.errors import UserError

Weights = Literal["file", "drawn"]
Ranges = Mapping[str, tuple[int, int]]
"""The smallest and the largest value of an integer input, by its name."""
Arrays = dict[str, np.ndarray[Any, Any]]

LARGEST_MODEL = 2**31 - 1
"""Bytes of a message of protobuf."""

_GAIN = 6.0**0.5
"""With weights uniform in ±gain / sqrt(products of an output), values behind a rectifier vary as
much as those before the layer: uniform numbers have a variance of 1/3, a rectifier halves it."""
_BIAS_GAIN = 0.1
_MOVED = ("Unsqueeze", "Squeeze", "Reshape", "Identity", "Cast", "Transpose")
"""What a weight may go through before it is used."""
_FACTORS = {"BatchNormalization": (1, 4), "Mul": (0, 1), "Div": (1,)}
"""Inputs that scale: drawn from [0.6, 1.1), so that sums of many residual blocks stay small."""
_PRODUCTS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
_WEIGHTED = (*_PRODUCTS, *_FACTORS, "Add", "Sum", "Sub", "LSTM", "GRU", "RNN", "PRelu")


@dataclass(frozen=True)
class WholeModel:
    """A file and how it is to be run: all that a user says of it."""

    path: Path
    inputs: Sizes
    weights: Weights
    ranges: Ranges

    def identity(self) -> dict[str, Any]:
        """What of it decides what is run, beside the file's content: JSON."""
        return {
            "inputs": {name: list(sizes) for name, sizes in sorted(self.inputs.items())},
            "weights": self.weights,
            "ranges": {name: list(limits) for name, limits in sorted(self.ranges.items())},
        }

    def check(self, batch_size: int) -> None:
        """Raise the `UserError` of `build`, without drawing weights."""
        model = self._sized(batch_size)
        self._check_ranges(model)
        if self.weights == "file":
            self._refuse_missing(model)

    def build(self, batch_size: int, seed: int) -> onnx.ModelProto:
        """The model with all sizes fixed.

        A first dimension of an input that the file leaves open is `batch_size` times what `inputs`
        says, or `batch_size`.  Raises `UserError` for a file that cannot be read, that lacks
        weights, or that fixes another batch size.
        """
        model = self._sized(batch_size)
        graph = model.graph
        for node in graph.node:
            node.name = node_name(node)
        if self.weights == "drawn":
            _draw_weights(graph, np.random.default_rng(seed))
            model.ir_version = max(model.ir_version, 4)  # before, weights had to be inputs
        weights = {tensor.name for tensor in graph.initializer}
        _drop_unread(graph, weights if self.weights == "drawn" else set())
        self._refuse_missing(model)
        del graph.value_info[:]  # of the file's own sizes
        for value in graph.output:
            value.type.tensor_type.ClearField("shape")
        if model.ByteSize() > LARGEST_MODEL:
            raise UserError(f"{self.path}: larger than 2 GiB with its weights, ONNX's limit")
        return model

    def draw_inputs(self, model: onnx.ModelProto, seed: int) -> Arrays:
        """Values of a model's inputs: floats uniform in [-1, 1), integers uniform in their range.

        Raises `UserError` for a range of what is no integer input.
        """
        self._check_ranges(model)
        generator = np.random.default_rng(seed)
        return {
            value.name: draw(
                generator,
                _sizes(value),
                dtype_of(value.type.tensor_type.elem_type),
                self.ranges.get(value.name, DRAWN_INTEGERS),
            )
            for value in network_inputs(model)
        }

    def _sized(self, batch_size: int) -> onnx.ModelProto:
        model = _loaded(self.path)
        _fix_sizes(self.path, model, self.inputs, batch_size)
        return model

    def _refuse_missing(self, model: onnx.ModelProto) -> None:
        missing = [tensor.name for tensor in model.graph.initializer if not has_data(tensor)]
        if missing:
            raise UserError(
                f"{self.path}: has no values for {len(missing)} of its weights, e.g. "
                f"'{missing[0]}'",
                "weights: drawn, beside `file` in the network's YAML, draws them",
            )

    def _check_ranges(self, model: onnx.ModelProto) -> None:
        kinds = {v.name: v.type.tensor_type.elem_type for v in network_inputs(model)}
        for name in self.ranges:
            if name not in kinds or not np.issubdtype(dtype_of(kinds[name]), np.integer):
                raise UserError(
                    f"{self.path}: `ranges` names '{name}', but it has no such input of integers",
                    f"its inputs are {', '.join(kinds)}",
                )


def dtype_of(element_type: int) -> np.dtype[Any]:
    """NumPy's type for one of ONNX's."""
    return np.dtype(helper.tensor_dtype_to_np_dtype(element_type))


def _loaded(path: Path) -> onnx.ModelProto:
    try:
        model = onnx.load(path, load_external_data=False)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except Exception:  # protobuf's own classes differ between its versions
        refuse_invalid(path, path.read_bytes())
        raise
    try:
        external_data_helper.load_external_data_for_model(model, str(path.parent))
    except Exception as error:  # of the system, of onnx, or of protobuf
        raise UserError(
            f"{path}: its external data cannot be read: {str(error).splitlines()[0]}",
            "an ONNX file with external data needs these in its folder",
        ) from None
    return model


def _fix_sizes(path: Path, model: onnx.ModelProto, given: Sizes, batch_size: int) -> None:
    declared = onnx.ModelProto()
    declared.CopyFrom(model)
    fix_sizes(path, model, given)
    if batch_size != 1:
        one = {value.name: _sizes(value) for value in network_inputs(model)}
        open_ones = [
            value.name for value in network_inputs(declared) if _sizes(value)[:1] in ([0], [])
        ]
        if not any(one[name] for name in open_ones):
            raise UserError(f"{path}: fixes its batch size, so it does not run with {batch_size}")
        model.CopyFrom(declared)
        scaled = {
            name: [batch_size * sizes[0], *sizes[1:]] if name in open_ones and sizes else sizes
            for name, sizes in one.items()
        }
        fix_sizes(path, model, scaled)


def _sizes(value: onnx.ValueInfoProto) -> list[int]:
    """The sizes of an input; 0 for an open one, empty if it does not say how many there are."""
    return [item.dim_value for item in value.type.tensor_type.shape.dim]


def _drop_unread(graph: onnx.GraphProto, no_inputs: set[str]) -> None:
    """Take out inputs and weights that no node reads, and of the inputs some besides."""
    read = {*read_by(graph.node), *(value.name for value in graph.output)}
    inputs = [value for value in graph.input if value.name in read - no_inputs]
    weights = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.input[:], graph.initializer[:]
    graph.input.extend(inputs)
    graph.initializer.extend(weights)


# -- drawn weights -------------------------------------------------------------------------


def _draw_weights(graph: onnx.GraphProto, generator: np.random.Generator) -> None:
    """Give drawn values to all weights, initialisers or not, that layers read.

    A ConstantOfShape of floats is an initialiser then: it stands for weights in files that are
    given away without theirs.
    """
    users = _users(graph)
    sizes = {
        tensor.name: [int(size) for size in numpy_helper.to_array(tensor)]
        for tensor in graph.initializer
        if tensor.data_type == TensorProto.INT64 and has_data(tensor)
    }
    made = [
        node
        for node in graph.node
        if node.op_type == "ConstantOfShape"
        and node.input[0] in sizes
        and node.output[0] in users
        and all(item.t.data_type == TensorProto.FLOAT for item in node.attribute)
    ]
    for node in made:
        graph.node.remove(node)
        values = _drawn(sizes[node.input[0]], users[node.output[0]], generator)
        graph.initializer.append(numpy_helper.from_array(values, node.output[0]))
    fresh = {node.output[0] for node in made}
    for tensor in graph.initializer:
        is_float = np.issubdtype(dtype_of(tensor.data_type), np.floating)
        if tensor.name in users and tensor.name not in fresh and is_float:
            values = _drawn(list(tensor.dims), users[tensor.name], generator)
            tensor.CopyFrom(
                numpy_helper.from_array(values.astype(dtype_of(tensor.data_type)), tensor.name)
            )


def _users(graph: onnx.GraphProto) -> dict[str, tuple[onnx.NodeProto, int]]:
    """The first layer that reads each value, and as which input, followed through what moves it."""
    moved = {
        node.input[0]: node.output[0]
        for node in graph.node
        if node.op_type in _MOVED and node.input
    }
    direct: dict[str, tuple[onnx.NodeProto, int]] = {}
    for node, place, name in _weights(graph):
        direct.setdefault(name, (node, place))
    found = dict(direct)
    for name in moved:
        target = name
        for _ in moved:  # a damaged file may have a circle
            target = moved.get(target, "")
            if target in direct:
                found.setdefault(name, direct[target])
                break
            if not target:
                break
    return found


def _weights(graph: onnx.GraphProto) -> Iterator[tuple[onnx.NodeProto, int, str]]:
    for node in graph.node:
        if node.op_type in _WEIGHTED:
            for place, name in enumerate(node.input):
                if name:
                    yield node, place, name


def _drawn(
    dims: list[int], user: tuple[onnx.NodeProto, int], generator: np.random.Generator
) -> np.ndarray[Any, Any]:
    node, place = user
    values = draw(generator, dims, np.dtype(np.float32))
    if place in _FACTORS.get(node.op_type, ()):
        return np.float32(0.85) + values / 4
    if node.op_type in _PRODUCTS and len(dims) > 1:
        return values * np.float32(_GAIN * _products(node, dims) ** -0.5)
    return values * np.float32(_BIAS_GAIN)


def _products(node: onnx.NodeProto, dims: list[int]) -> int:
    """How many products an output of a layer sums up."""
    transposed = any(item.name == "transB" and item.i for item in node.attribute)
    if node.op_type == "Conv" or transposed:
        return max(prod(dims[1:]), 1)
    if node.op_type == "ConvTranspose":
        return max(prod(dims) // dims[1], 1)
    return max(dims[-2], 1)
