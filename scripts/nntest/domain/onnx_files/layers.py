"""The tensor that stands for a node, where an operator of ours computes it.

A layer's output shape by our formula must be the one that ONNX infers.  The operators' meaning:
https://onnx.ai/onnx/operators/ (opset 1 to today's).
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import onnx

from nntest.domain.networks import Layer, same_padding
from nntest.domain.node_sorting import Unsupported, refuse_other_output, size_text
from nntest.domain.onnx_files.activations import attributes_of
from nntest.domain.onnx_files.graph import DOMAINS, Graph, node_name
from nntest.domain.onnx_files.model_file import subgraphs
from nntest.domain.tensors import Tensor

HEAVY = (
    *("ConvTranspose", "ConvInteger", "QLinearConv", "MatMulInteger", "QLinearMatMul", "LpPool"),
    *("GlobalMaxPool", "GlobalLpPool", "RNN", "LSTM", "GRU", "Attention", "Einsum", "DeformConv"),
)
"""Operators that do much work and that no operator of ours computes."""


class LayerMaker:
    """Makes layers of the nodes of a graph."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._through: dict[str, str] = {}
        """The value that a reshaped one has the elements of."""
        self._producers = {name: node for node in graph.nodes for name in node.output if name}

    def pass_through(self, source: str, output: str) -> None:
        """Note that a value has the elements of another one, in their order."""
        self._through[output] = source

    def layer(self, node: onnx.NodeProto) -> Layer | None:
        """The layer of a node; None if it is not a layer.

        Raises `Unsupported` if it does much work, and no operator of ours computes it.
        """
        makers: dict[str, Callable[[onnx.NodeProto], tuple[Tensor | None, int]]] = {
            "Conv": self._convolution,
            "Gemm": self._fully_connected,
            "MatMul": self._fully_connected,
            "MaxPool": self._pool,
            "AveragePool": self._pool,
            "GlobalAveragePool": self._global_pool,
            "ReduceMean": self._global_pool,
            "Softmax": self._softmax,
        }
        if node.op_type in HEAVY:
            raise Unsupported("no operator computes it")
        if any(subgraphs(node)):
            raise Unsupported("which of its nodes run, and how often, depends on the data")
        if node.domain not in DOMAINS or node.op_type not in makers:
            return None
        try:
            tensor, parameters = makers[node.op_type](node)
        except (IndexError, KeyError):
            raise Unsupported("it lacks an input or an attribute that ONNX asks for") from None
        if tensor is None:
            return None
        inferred = self._graph.shapes.get(node.output[0])
        if inferred is not None and None not in inferred[1:]:
            expected = [size or 0 for size in inferred[1:]]
            refuse_other_output(tensor, expected, is_image=len(expected) == 3)
        return Layer(node_name(node), tensor, parameters)

    # -- shapes and attributes -------------------------------------------------------------

    def _known(self, value: str) -> list[int]:
        """All dimensions of a value that must have a shape; the batch may be open."""
        shape = self._graph.shapes.get(value)
        if shape is None or any(size is None for size in shape[1:]):
            raise Unsupported(f"the sizes of its inputs are not known{self._origin(value)}")
        return [1 if size is None else size for size in shape]

    def _origin(self, value: str) -> str:
        """Where the sizes of a value get lost: the first node that they are not known behind."""
        node, producers = None, dict(self._producers)
        while value in producers:
            node = producers.pop(value)  # once: the file may have a circle
            unknown = [
                name for name in node.input if name and None in self._graph.shapes.get(name, [None])
            ]
            if not unknown:
                break
            value = unknown[0]
        return "" if node is None else f", from '{node_name(node)}' ({node.op_type}) on"

    def _image(self, value: str) -> tuple[int, int, int]:
        """(channels, height, width) of a value."""
        shape = self._known(value)
        if len(shape) != 4:
            raise Unsupported(f"its input has {len(shape)} dimensions, not 4")
        return shape[1], shape[2], shape[3]

    def _window(
        self, attributes: dict[str, Any], kernel: list[int], height: int, width: int
    ) -> tuple[int, int, tuple[int, int, int, int]]:
        """(kernel, stride, (top, bottom, left, right)) of a convolution or a pool."""
        strides = list(attributes.get("strides", [1, 1]))
        if any(size != 1 for size in attributes.get("dilations", [])):
            raise Unsupported(f"dilations {list(attributes['dilations'])}, not 1")
        if kernel[0] != kernel[1]:
            raise Unsupported(f"its kernel is {size_text(kernel)}, not square")
        if strides[0] != strides[1]:
            raise Unsupported(f"its strides are {size_text(strides)}, not the same")
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
            raise Unsupported("it has a negative pad")
        return kernel[0], strides[0], (top, bottom, left, right)

    # -- layers ----------------------------------------------------------------------------

    def _convolution(self, node: onnx.NodeProto) -> tuple[Tensor, int]:
        channels, height, width = self._image(node.input[0])
        weights = self._known(node.input[1])
        attributes = attributes_of(node)
        kernel, stride, pads = self._window(attributes, weights[2:], height, width)
        out_c, group = weights[0], attributes.get("group", 1)
        parameters = prod(weights) + (out_c if len(node.input) > 2 and node.input[2] else 0)
        if weights[1] * group != channels:
            raise Unsupported(f"its weights take {weights[1] * group} channels, not {channels}")
        if group == 1:
            tensor = Tensor.conv(channels, height, width, kernel, out_c, stride, pads)
            return tensor, parameters
        if group != channels or out_c != channels:
            raise Unsupported(
                f"{group} groups of {channels} channels into {out_c}: grouped, not depthwise"
            )
        return Tensor.depthwise(channels, height, width, kernel, stride, pads), parameters

    def _fully_connected(self, node: onnx.NodeProto) -> tuple[Tensor | None, int]:
        attributes = attributes_of(node)
        if node.input[1] not in self._graph.constants or attributes.get("transA", 0):
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
            shape = self._graph.shapes.get(value)
            if shape and len(shape) == 4:
                break
            value = self._through[value]
        shape = self._graph.shapes.get(value) or []
        image = tuple(size or 0 for size in shape[1:])
        if len(image) == 3 and prod(image) == elements:
            return image
        return elements, 1, 1

    def _pool(self, node: onnx.NodeProto) -> tuple[Tensor, int]:
        channels, height, width = self._image(node.input[0])
        attributes = attributes_of(node)
        kernel = list(attributes["kernel_shape"])
        size, stride, pads = self._window(attributes, kernel, height, width)
        species = "maxpool" if node.op_type == "MaxPool" else "avgpool"
        if any(pads) and species == "avgpool":
            raise Unsupported(f"a mean with padding {size_text(pads)} (top, bottom, left, right)")
        if max(pads) >= size:
            raise Unsupported("its windows would lie in padding alone")
        if len(node.output) > 1 and node.output[1]:
            raise Unsupported("it also returns the positions of the maxima")
        values = (channels, height, width, size, stride)
        return Tensor(species, values, pads if any(pads) else None), 0

    def _global_pool(self, node: onnx.NodeProto) -> tuple[Tensor | None, int]:
        if node.op_type == "ReduceMean" and self._axes(node) != [2, 3]:
            return None, 0
        channels, height, width = self._image(node.input[0])
        if height != width:
            raise Unsupported(f"its input is {height} x {width}, not square")
        return Tensor("avgpool", (channels, height, width, height, 1)), 0

    def _axes(self, node: onnx.NodeProto) -> list[int] | None:
        """Axes of a reduction, from 0; an attribute until opset 17, an input since."""
        axes = attributes_of(node).get("axes")
        if axes is None and len(node.input) > 1 and node.input[1] in self._graph.values:
            axes = self._graph.values[node.input[1]].tolist()
        rank = len(self._graph.shapes.get(node.input[0], ()))
        return sorted(axis % rank for axis in axes) if axes and rank else None

    def _softmax(self, node: onnx.NodeProto) -> tuple[Tensor, int]:
        shape = self._known(node.input[0])
        axis = attributes_of(node).get("axis", -1 if self._graph.opset >= 13 else 1) % len(shape)
        # Until opset 12 all axes from `axis` on were one.
        whole = self._graph.opset < 13 and axis == 1 and prod(shape[2:]) == 1
        if len(shape) == 2 and axis == 1:
            return Tensor("softmax", (shape[1], 1, 1)), 0
        if len(shape) == 4 and axis == 1 and (self._graph.opset >= 13 or whole):
            return Tensor("softmax", (shape[1], shape[2], shape[3])), 0
        raise Unsupported(f"over axis {axis} of {len(shape)}, not over the channels")
