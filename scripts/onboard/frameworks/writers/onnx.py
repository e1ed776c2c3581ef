"""A graph as an ONNX model, written without the `onnx` package.

What is needed of ONNX are a few messages of protobuf, and of protobuf two kinds of fields: numbers
and bytes.  The `onnx` package would bring 40 MB and three others to each board for that.

Numbers of fields are those of onnx.proto3 (github.com/onnx/onnx, IR version 8).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graph import Dims, Graph, Node
    from integers import Quantised, Steps

    Array = np.ndarray[Any, Any]

IR_VERSION, OPSET = 8, 17  # read by every release since 2022
TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "float16": 10}
"""TensorProto.DataType"""
INPUT = "input"
ACTIVATIONS = {
    "relu": "Relu", "relu6": "Clip", "hard-swish": "HardSwish", "sigmoid": "Sigmoid",
    "hard-sigmoid": "HardSigmoid",
}  # fmt: skip
JOINS = {"add": "Add", "mul": "Mul", "concat": "Concat"}


def number(field: int, value: int) -> bytes:
    """Return a field that holds an integer of at least 0."""
    return _varint(field << 3) + _varint(value)


def data(field: int, content: bytes | str) -> bytes:
    """Return a field that holds bytes, text or a message."""
    raw = content.encode() if isinstance(content, str) else content
    return _varint(field << 3 | 2) + _varint(len(raw)) + raw


def real(field: int, value: float) -> bytes:
    """Return a field that holds a float in single precision."""
    return _varint(field << 3 | 5) + struct.pack("<f", value)


def _varint(value: int) -> bytes:
    groups = []
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    return bytes([*groups, value])


def output_name(graph: Graph) -> str:
    """Return what the model's output is called."""
    return f"{graph.nodes[-1].name}:out"


def write_onnx(graph: Graph) -> bytes:
    """Return the model; its tensors are of the graph's data type, NCHW."""
    writer = _QuantisedWriter if graph.data_type == "int8" else _Writer
    return writer(graph).model()


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._type = "float16" if graph.data_type == "fp16" else "float32"
        self._nodes: list[bytes] = []
        self._weights: list[bytes] = []

    def model(self) -> bytes:
        """Return the ModelProto."""
        nodes = self._graph.nodes
        for node in nodes:
            sources = []
            for place, (source, given, dims) in enumerate(self._graph.inputs_of(node)):
                name = f"{nodes[source].name}:out" if source >= 0 else INPUT
                sources.append(name if given == dims else self._reshape(node, name, place))
            self._add(node, sources, f"{node.name}:out")
        graph = b"".join(data(1, node) for node in self._nodes) + data(2, self._graph.name)
        graph += b"".join(data(5, tensor) for tensor in self._weights)
        graph += data(11, self._value(INPUT, nodes[0].in_dims)) + data(
            12, self._value(output_name(self._graph), nodes[-1].out_dims)
        )
        opset = data(1, "") + number(2, OPSET)
        return number(1, IR_VERSION) + data(2, "nntest-flow") + data(7, graph) + data(8, opset)

    def _value(self, name: str, dims: Dims) -> bytes:
        """Return the ValueInfoProto of the model's input or output."""
        return self._described(name, dims, self._type)

    @staticmethod
    def _described(name: str, dims: Dims, kind: str) -> bytes:
        shape = b"".join(data(1, number(1, size)) for size in dims)
        return data(1, name) + data(2, data(1, number(1, TYPES[kind]) + data(2, shape)))

    def _constant(self, name: str, values: Any, kind: str | None = None) -> str:
        array = np.asarray(values, kind or self._type)
        dims = b"".join(number(1, size) for size in array.shape)
        raw = array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        self._weights.append(
            dims + number(2, TYPES[array.dtype.name]) + data(8, name) + data(9, raw)
        )
        return name

    def _emit(
        self, kind: str, name: str, inputs: Iterable[str], target: str, **attributes: Any
    ) -> None:
        fields = [*(data(1, source) for source in inputs), data(2, target)]
        fields += [data(3, name), data(4, kind)]
        for key, value in attributes.items():
            if isinstance(value, float):
                fields.append(data(5, data(1, key) + real(2, value) + number(20, 1)))
            elif isinstance(value, int):
                fields.append(data(5, data(1, key) + number(3, value) + number(20, 2)))
            else:
                numbers = b"".join(number(8, item) for item in value)
                fields.append(data(5, data(1, key) + numbers + number(20, 7)))
        self._nodes.append(b"".join(fields))

    def _reshape(self, node: Node, source: str, place: int = 0) -> str:
        """Give the input number ``place`` of a node its dimensions."""
        behind = str(place or "")
        shape = self._constant(f"{node.name}:shape{behind}", node.all_in_dims[place], "int64")
        target = f"{node.name}:in{behind}"
        self._emit("Reshape", f"{node.name}/reshape{behind}", [source, shape], target)
        return target

    def _add(self, node: Node, sources: list[str], target: str) -> None:
        point, name = node.point, node.name
        inputs, result = list(sources), target
        if node.weights is not None:
            inputs += self._parameters(node)
        if node.operator == "activation":
            self._activate(node, name, sources[0], target)
            return
        if point.activation != "none":
            result = f"{name}:linear"
        if node.operator in JOINS:
            axis = {"axis": 1} if node.operator == "concat" else {}
            self._emit(JOINS[node.operator], name, inputs, result, **axis)
        elif node.operator in ("conv", "depthwiseconv"):
            self._emit("Conv", name, inputs, result, group=point.groups, **_window(point))
        elif node.operator == "fullyconnected":
            self._emit("Gemm", name, inputs, result, transB=1)
        elif node.operator == "avgpool":
            include = int(not point.exclude_padding)
            window = _window(point, dilated=False)
            self._emit("AveragePool", name, inputs, result, count_include_pad=include, **window)
        elif node.operator == "maxpool":
            self._emit("MaxPool", name, inputs, result, **_window(point))
        else:
            self._emit("Softmax", name, inputs, result, axis=1)
        if point.activation != "none":
            source = self._before_activation(node, result)
            self._activate(node, f"{name}/{point.activation}", source, target)

    def _activate(self, node: Node, name: str, source: str, target: str) -> None:
        activation, limits, attributes = node.point.activation, [], {}
        if activation == "relu6":
            limits = [self._constant(f"{node.name}:{limit}", limit) for limit in (0, 6)]
        elif activation == "hard-sigmoid":
            attributes = {"alpha": 1 / 6, "beta": 0.5}
        self._emit(ACTIVATIONS[activation], name, [source, *limits], target, **attributes)

    def _parameters(self, node: Node) -> list[str]:
        """Return the names of weights and bias."""
        weights = self._constant(f"{node.name}:weights", node.weights)
        return [weights, self._constant(f"{node.name}:bias", node.bias)]

    def _before_activation(self, node: Node, linear: str) -> str:
        """Return what an activation reads of the layer's output ``linear``."""
        return linear


class _QuantisedWriter(_Writer):
    """In int8: every tensor between layers is made by QuantizeLinear, read by DequantizeLinear."""

    def _value(self, name: str, dims: Dims) -> bytes:
        nodes = self._graph.nodes
        steps = nodes[0].in_steps if name == INPUT else nodes[-1].out_steps
        return self._described(name, dims, steps.integers.kind if steps else self._type)

    def _reshape(self, node: Node, source: str, place: int = 0) -> str:
        steps = _quantised(node).source
        floats = super()._reshape(node, self._dequantised(f"{node.name}/flat", source, steps))
        return self._quantise(f"{node.name}/flat", floats, f"{floats}:integers", steps)

    def _add(self, node: Node, sources: list[str], target: str) -> None:
        quantised = _quantised(node)
        floats = [self._dequantised(node.name, one, quantised.source) for one in sources]
        if quantised.target is None:
            super()._add(node, floats, target)
            return
        super()._add(node, floats, f"{target}:floats")
        self._quantise(node.name, f"{target}:floats", target, quantised.target)

    def _parameters(self, node: Node) -> list[str]:
        quantised = _quantised(node)
        names = []
        for what, integers, scales in (
            ("weights", quantised.weights, quantised.weight_scales),
            ("bias", quantised.bias, quantised.bias_scales),
        ):
            name = f"{node.name}:{what}"
            assert integers is not None and scales is not None
            kind = integers.dtype.name
            inputs = [
                self._constant(f"{name}:integers", integers, kind),
                self._constant(f"{name}:scales", scales),
                self._constant(f"{name}:zeros", np.zeros(len(scales)), kind),
            ]
            self._emit("DequantizeLinear", f"{node.name}/{what}", inputs, name, axis=0)
            names.append(name)
        return names

    def _before_activation(self, node: Node, linear: str) -> str:
        steps = _quantised(node).linear
        if steps is None:
            return linear
        integers = self._quantise(f"{node.name}/linear", linear, f"{linear}:integers", steps)
        return self._dequantised(f"{node.name}/linear", integers, steps)

    def _quantise(self, name: str, source: str, target: str, steps: Steps) -> str:
        inputs = [source, *self._steps(target, steps)]
        self._emit("QuantizeLinear", f"{name}/quantise", inputs, target)
        return target

    def _dequantised(self, name: str, source: str, steps: Steps) -> str:
        target = f"{name}:{source}:numbers"
        inputs = [source, *self._steps(target, steps)]
        self._emit("DequantizeLinear", f"{name}/dequantise", inputs, target)
        return target

    def _steps(self, name: str, steps: Steps) -> list[str]:
        scale = self._constant(f"{name}:scale", steps.scale)
        return [scale, self._constant(f"{name}:zero", steps.zero, steps.integers.kind)]


def _quantised(node: Node) -> Quantised:
    assert node.quantised is not None
    return node.quantised


def _window(point: Any, dilated: bool = True) -> dict[str, Any]:
    window, pads = point.window, point.window.pads
    attributes = {
        "kernel_shape": window.kernel,
        "strides": window.strides,
        "pads": (pads.top, pads.left, pads.bottom, pads.right),
    }
    return {**attributes, "dilations": window.dilations} if dilated else attributes
