"""A network's layers from an ONNX file.

Each node becomes a layer, is folded (it costs nothing of its own, or a library folds it into the
layer before it), or is not covered (it runs, and no operator of ours computes it); both kinds
are kept by name.  Shapes come from ONNX's own shape inference, and a layer's output shape by our
formula must be the inferred one.  A convolution or a pool that no operator can stand for ends the
reading, unless the user leaves it out by name: without it an estimate would be far too small.

The operators' meaning: https://onnx.ai/onnx/operators/ (opset 1 to today's).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

from nntest.domain.git_lfs import refuse_pointer
from nntest.domain.networks import Layer, Network, same_padding
from nntest.domain.onnx_activations import activation_of, attributes_of
from nntest.domain.tensors import ACTIVATED, Tensor
from nntest.errors import UserError

_RESHAPING = ("Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Dropout")
_ACTIVATIONS = ("Relu", "Clip", "LeakyRelu", "PRelu")
_HEAVY = (
    *("ConvTranspose", "ConvInteger", "QLinearConv", "MatMulInteger", "QLinearMatMul", "LpPool"),
    *("GlobalMaxPool", "GlobalLpPool", "RNN", "LSTM", "GRU", "Attention", "Einsum", "DeformConv"),
)
"""Operators that do much work and that no operator of ours computes."""

_DOMAINS = ("", "ai.onnx")
_FLOATS = (1, 10, 11, 16)  # onnx.TensorProto: FLOAT, FLOAT16, DOUBLE, BFLOAT16


class _Unsupported(Exception):
    """Why no operator computes a node."""


def read_onnx(path: Path, leave_out: frozenset[str] = frozenset()) -> Network:
    """The network of an ONNX file; weights may be missing, their shapes may not.

    Any batch size does, also an open one; the other dimensions must be fixed.  `leave_out` names
    nodes that are not covered whatever they are.

    Raises `UserError`, with the node's name, for what cannot be read or has no operator: a dilated
    or grouped (not depthwise) convolution, a kernel that is not square, an open dimension.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    refuse_pointer(path, content)
    return _read(path, content, leave_out)


@lru_cache(maxsize=64)
def _read(path: Path, content: bytes, leave_out: frozenset[str]) -> Network:
    graph = _Graph(path, content, leave_out)
    return Network(
        path.stem,
        tuple(graph.layers),
        tuple(graph.folded),
        tuple(graph.uncovered),
        hashlib.sha256(content).hexdigest(),
    )


class _Graph:
    """The nodes of a model, sorted into layers, folded and not covered, in their order."""

    def __init__(self, path: Path, content: bytes, leave_out: frozenset[str]) -> None:
        import onnx  # not at the top: it takes a third of a second, and few networks need it

        self._onnx = onnx
        self._path = path
        self.layers: list[Layer] = []
        self.folded: list[str] = []
        self.uncovered: list[str] = []
        model = self._model(content)
        graph = model.graph
        self._opset = next(
            (item.version for item in model.opset_import if item.domain in _DOMAINS), 1
        )
        self._constants = {item.name: item for item in graph.initializer}
        self._nodes = list(graph.node)
        unknown = leave_out - {_name(node) for node in self._nodes}
        if unknown:
            raise UserError(f"{path}: `leave_out` names '{min(unknown)}', but it has no such node")
        self._shapes, self._types = self._inferred(model)
        self._layer_of: dict[str, int] = {}
        """Index of the layer that made a value, followed through what is folded."""
        self._through: dict[str, str] = {}
        """The value that a reshaped one has the elements of."""
        for node in self._nodes:
            self._take(node, leave_out)
        if not self.layers:
            raise UserError(f"{path}: has no node that an operator computes")

    def _model(self, content: bytes) -> Any:
        try:
            model = self._onnx.load_model_from_string(content)
        except Exception as error:  # protobuf's own classes differ between its versions
            raise UserError(
                f"{self._path}: not an ONNX file ({type(error).__name__})",
                "export the network again, e.g. with torch.onnx.export or tf2onnx",
            ) from None
        if not model.graph.node:
            raise UserError(f"{self._path}: not an ONNX file, or it has no nodes")
        constants = {item.name for item in model.graph.initializer}
        for value in model.graph.input:
            dimensions = value.type.tensor_type.shape.dim
            if value.name in constants or not dimensions:
                continue
            for place, dimension in enumerate(dimensions):
                if dimension.HasField("dim_value") and dimension.dim_value > 0:
                    continue
                if place > 0:
                    raise UserError(
                        f"{self._path}: input '{value.name}': dimension {place} is open "
                        f"({dimension.dim_param or 'no value'}), only the batch dimension may be",
                        "export the network with a fixed image size",
                    )
                dimension.Clear()
                dimension.dim_value = 1
        return model

    def _inferred(self, model: Any) -> tuple[dict[str, list[int | None]], dict[str, int]]:
        """Shapes and element types of all values; a dimension that stays open is None."""
        try:
            inferred = self._onnx.shape_inference.infer_shapes(model, data_prop=True)
        except Exception as error:
            raise UserError(
                f"{self._path}: its shapes contradict each other: {str(error).splitlines()[0]}"
            ) from None
        graph = inferred.graph
        shapes: dict[str, list[int | None]] = {}
        types: dict[str, int] = {}
        for value in (*graph.input, *graph.value_info, *graph.output):
            tensor = value.type.tensor_type
            types[value.name] = tensor.elem_type
            if tensor.HasField("shape"):
                shapes[value.name] = [
                    item.dim_value if item.HasField("dim_value") else None
                    for item in tensor.shape.dim
                ]
        for name, item in self._constants.items():
            shapes[name], types[name] = list(item.dims), item.data_type
        return shapes, types

    # -- nodes -----------------------------------------------------------------------------

    def _take(self, node: Any, leave_out: frozenset[str]) -> None:
        """Sort one node in."""
        label = f"{_name(node)} ({node.op_type})"
        inputs = [name for name in node.input if name]
        if _name(node) in leave_out:
            self.uncovered.append(label)
            return
        if node.op_type == "Constant" or (inputs and all(n in self._constants for n in inputs)):
            for name in node.output:
                self._constants.setdefault(name, node)
            return
        if self._types.get(node.output[0], 1) not in _FLOATS and node.op_type not in _HEAVY:
            return  # arithmetic on shapes, which an exporter leaves for Reshape
        try:
            layer = self._layer(node)
        except _Unsupported as error:
            raise UserError(
                f"{self._path}: node '{_name(node)}' ({node.op_type}): {error}",
                f"to leave it out of the network and of its estimate: leave_out: ['{_name(node)}']",
            ) from None
        if layer is not None:
            for name in node.output:
                self._layer_of[name] = len(self.layers)
            self.layers.append(layer)
        elif self._folds(node):
            self.folded.append(label)
        else:
            self.uncovered.append(label)

    def _layer(self, node: Any) -> Layer | None:
        """The layer of a node; None if it is not a layer."""
        makers: dict[str, Callable[[Any], tuple[Tensor | None, int]]] = {
            "Conv": self._convolution,
            "Gemm": self._fully_connected,
            "MatMul": self._fully_connected,
            "MaxPool": self._pool,
            "AveragePool": self._pool,
            "GlobalAveragePool": self._global_pool,
            "ReduceMean": self._global_pool,
            "Softmax": self._softmax,
        }
        if node.op_type in _HEAVY:
            raise _Unsupported("no operator computes it")
        if node.domain not in _DOMAINS or node.op_type not in makers:
            return None
        tensor, parameters = makers[node.op_type](node)
        if tensor is None:
            return None
        given, inferred = tensor.out_shape, self._shapes.get(node.output[0])
        if inferred is not None and None not in inferred[1:]:
            expected = [size or 0 for size in inferred[1:]]
            if prod(expected) != prod(given) or (len(expected) == 3 and tuple(expected) != given):
                raise _Unsupported(
                    f"its output is {_text(expected)}, but our operators give "
                    f"{_text(given)} (ceil_mode?)"
                )
        return Layer(_name(node), tensor, parameters)

    def _folds(self, node: Any) -> bool:
        """Take in a node that a library folds into the layer before it, or that moves nothing."""
        source = node.input[0] if node.input else ""
        if node.op_type in ("Add", "Sum", "Sub", "Mul", "Div"):
            # With a constant for each channel: a bias or a scale, part of the layer before.
            others = [name for name in node.input if name not in self._constants]
            if len(others) != 1 or not self._only_user(others[0]):
                return False
            source = others[0]
            layer = self._weighted_layer(source)
            if layer is None or prod(self._sizes_of_constants(node)) not in (1, self._out(layer)):
                return False
        elif node.op_type == "BatchNormalization":
            layer = self._weighted_layer(source)
            if layer is None or not self._only_user(source):
                return False
            old = self.layers[layer]
            channels = old.tensor.out_shape[0]
            self.layers[layer] = replace(
                old, batch_norm_parameters=old.batch_norm_parameters + 2 * channels
            )
        elif node.op_type in _ACTIVATIONS:
            if source not in self._layer_of or not self._only_user(source):
                return False
            self._activate(self._layer_of[source], node)
        elif node.op_type not in _RESHAPING:
            return False
        if source in self._layer_of:
            self._layer_of[node.output[0]] = self._layer_of[source]
        self._through[node.output[0]] = source
        return True

    def _activate(self, layer: int, node: Any) -> None:
        """Take down the activation of a layer, if operator programs have it."""
        if self.layers[layer].species in ACTIVATED:
            activation = activation_of(self._onnx, node, self._constants, self._opset)
            self.layers[layer] = replace(self.layers[layer], activation=activation)

    def _weighted_layer(self, value: str) -> int | None:
        """Index of the layer with weights that made a value; None if another made it."""
        index = self._layer_of.get(value)
        return index if index is not None and self.layers[index].parameters else None

    def _out(self, layer: int) -> int:
        return self.layers[layer].tensor.out_shape[0]

    def _sizes_of_constants(self, node: Any) -> list[int]:
        sizes: list[int] = []
        for name in node.input:
            if name in self._constants:
                sizes += self._known(name)
        return sizes

    def _only_user(self, value: str) -> bool:
        return sum(value in node.input for node in self._nodes) == 1

    # -- shapes and attributes -------------------------------------------------------------

    def _known(self, value: str) -> list[int]:
        """All dimensions of a value that must have a shape; the batch may be open."""
        shape = self._shapes.get(value)
        if shape is None or any(size is None for size in shape[1:]):
            raise _Unsupported(f"the shape of '{value}' is not fixed")
        return [1 if size is None else size for size in shape]

    def _image(self, value: str) -> tuple[int, int, int]:
        """(channels, height, width) of a value."""
        shape = self._known(value)
        if len(shape) != 4:
            raise _Unsupported(f"its input has {len(shape)} dimensions, not 4")
        return shape[1], shape[2], shape[3]

    def _attributes(self, node: Any) -> dict[str, Any]:
        return attributes_of(self._onnx, node)

    def _window(
        self, attributes: dict[str, Any], kernel: list[int], height: int, width: int
    ) -> tuple[int, int, tuple[int, int, int, int]]:
        """(kernel, stride, (top, bottom, left, right)) of a convolution or a pool."""
        strides = list(attributes.get("strides", [1, 1]))
        if any(size != 1 for size in attributes.get("dilations", [])):
            raise _Unsupported(f"dilations {list(attributes['dilations'])}, not 1")
        if kernel[0] != kernel[1]:
            raise _Unsupported(f"its kernel is {_text(kernel)}, not square")
        if strides[0] != strides[1]:
            raise _Unsupported(f"its strides are {_text(strides)}, not the same")
        way = attributes.get("auto_pad", b"NOTSET").decode()
        if way in ("SAME_UPPER", "SAME_LOWER"):
            rows = same_padding(height, kernel[0], strides[0])
            columns = same_padding(width, kernel[0], strides[0])
            if way == "SAME_LOWER":  # the odd one before
                rows, columns = rows[::-1], columns[::-1]
            return kernel[0], strides[0], (*rows, *columns)
        top, left, bottom, right = (
            (0, 0, 0, 0) if way == "VALID" else attributes.get("pads", [0, 0, 0, 0])
        )
        if min(top, left, bottom, right) < 0:
            raise _Unsupported("it has a negative pad")
        return kernel[0], strides[0], (top, bottom, left, right)

    # -- layers ----------------------------------------------------------------------------

    def _convolution(self, node: Any) -> tuple[Tensor, int]:
        channels, height, width = self._image(node.input[0])
        weights = self._known(node.input[1])
        attributes = self._attributes(node)
        kernel, stride, pads = self._window(attributes, weights[2:], height, width)
        out_c, group = weights[0], attributes.get("group", 1)
        parameters = prod(weights) + (out_c if len(node.input) > 2 and node.input[2] else 0)
        if weights[1] * group != channels:
            raise _Unsupported(f"its weights take {weights[1] * group} channels, not {channels}")
        if group == 1:
            tensor = Tensor.conv(channels, height, width, kernel, out_c, stride, pads)
            return tensor, parameters
        if group != channels or out_c != channels:
            raise _Unsupported(
                f"{group} groups of {channels} channels into {out_c}: grouped, not depthwise"
            )
        if kernel != 3:
            raise _Unsupported(f"depthwise with a {kernel} x {kernel} kernel, not 3 x 3")
        return (
            Tensor("depthwiseconv", (channels, height, width, stride, pads[0]), pads),
            parameters,
        )

    def _fully_connected(self, node: Any) -> tuple[Tensor | None, int]:
        attributes = self._attributes(node)
        if node.input[1] not in self._constants or attributes.get("transA", 0):
            return None, 0  # a product of two activations
        inputs, weights = self._known(node.input[0]), self._known(node.input[1])
        if len(inputs) != 2 or len(weights) != 2:
            return None, 0
        taken, outputs = weights[::-1] if attributes.get("transB", 0) else weights
        bias = outputs if len(node.input) > 2 and node.input[2] else 0
        shape = self._before_flattening(node.input[0], taken)
        return Tensor("fullyconnected", (*shape, outputs, 1, 1)), prod(weights) + bias

    def _before_flattening(self, value: str, elements: int) -> tuple[int, int, int]:
        """The image that a row of elements was; itself if it was none."""
        while value in self._through:
            shape = self._shapes.get(value)
            if shape and len(shape) == 4:
                break
            value = self._through[value]
        shape = self._shapes.get(value) or []
        image = tuple(size or 0 for size in shape[1:])
        if len(image) == 3 and prod(image) == elements:
            return image
        return elements, 1, 1

    def _pool(self, node: Any) -> tuple[Tensor, int]:
        channels, height, width = self._image(node.input[0])
        attributes = self._attributes(node)
        kernel = list(attributes["kernel_shape"])
        size, stride, pads = self._window(attributes, kernel, height, width)
        if any(pads):
            raise _Unsupported(f"a pool with padding {_text(pads)} (top, bottom, left, right)")
        species = "maxpool" if node.op_type == "MaxPool" else "avgpool"
        if len(node.output) > 1 and node.output[1]:
            raise _Unsupported("it also returns the positions of the maxima")
        return Tensor(species, (channels, height, width, size, stride)), 0

    def _global_pool(self, node: Any) -> tuple[Tensor | None, int]:
        if node.op_type == "ReduceMean" and self._axes(node) != [2, 3]:
            return None, 0
        channels, height, width = self._image(node.input[0])
        if height != width:
            raise _Unsupported(f"its input is {height} x {width}, not square")
        return Tensor("avgpool", (channels, height, width, height, 1)), 0

    def _axes(self, node: Any) -> list[int] | None:
        """Axes of a reduction, from 0; an attribute until opset 17, an input since."""
        axes = self._attributes(node).get("axes")
        constant = self._constants.get(node.input[1]) if len(node.input) > 1 else None
        if axes is None and constant is not None:
            if isinstance(constant, self._onnx.NodeProto):
                constant = self._attributes(constant).get("value")
            axes = None if constant is None else self._onnx.numpy_helper.to_array(constant).tolist()
        rank = len(self._shapes.get(node.input[0], ()))
        return sorted(axis % rank for axis in axes) if axes and rank else None

    def _softmax(self, node: Any) -> tuple[Tensor, int]:
        shape = self._known(node.input[0])
        axis = self._attributes(node).get("axis", -1 if self._opset >= 13 else 1) % len(shape)
        # Until opset 12 all axes from `axis` on were one.
        whole = self._opset < 13 and axis == 1 and prod(shape[2:]) == 1
        if len(shape) == 2 and axis == 1:
            return Tensor("softmax", (shape[1], 1, 1)), 0
        if len(shape) == 4 and axis == 1 and (self._opset >= 13 or whole):
            return Tensor("softmax", (shape[1], shape[2], shape[3])), 0
        raise _Unsupported(f"over axis {axis} of {len(shape)}, not over the channels")


def _name(node: Any) -> str:
    """A node's name; nodes need none, but their outputs do."""
    return str(node.name or next((name for name in node.output if name), node.op_type))


def _text(sizes: Any) -> str:
    return " x ".join(str(size) for size in sizes)
