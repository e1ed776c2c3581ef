"""A graph as an ONNX model, written without the `onnx` package.

What is needed of ONNX are a few messages of protobuf, and of protobuf two kinds of fields: numbers
and bytes.  The `onnx` package would bring 40 MB and three others to each board for that.

Numbers of fields are those of onnx.proto3 (github.com/onnx/onnx, IR version 8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from graph import Dims, Graph, Node

    Array = np.ndarray[Any, Any]

IR_VERSION, OPSET = 8, 17  # read by every release since 2022
TYPES = {"float32": 1, "int64": 7, "float16": 10}  # TensorProto.DataType
INPUT = "input"
ACTIVATIONS = {"relu": "Relu", "relu6": "Clip", "hard-swish": "HardSwish", "sigmoid": "Sigmoid"}


def number(field: int, value: int) -> bytes:
    """Return a field that holds an integer of at least 0."""
    return _varint(field << 3) + _varint(value)


def data(field: int, content: bytes | str) -> bytes:
    """Return a field that holds bytes, text or a message."""
    raw = content.encode() if isinstance(content, str) else content
    return _varint(field << 3 | 2) + _varint(len(raw)) + raw


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
    return _Writer(graph).model()


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._type = "float16" if graph.data_type == "fp16" else "float32"
        self._nodes: list[bytes] = []
        self._weights: list[bytes] = []

    def model(self) -> bytes:
        """Return the ModelProto."""
        nodes = self._graph.nodes
        source, dims = INPUT, nodes[0].in_dims
        for node in nodes:
            if node.in_dims != dims:
                source = self._reshape(node, source)
            self._add(node, source, f"{node.name}:out")
            source, dims = f"{node.name}:out", node.out_dims
        graph = b"".join(data(1, node) for node in self._nodes) + data(2, self._graph.name)
        graph += b"".join(data(5, tensor) for tensor in self._weights)
        graph += data(11, self._value(INPUT, nodes[0].in_dims)) + data(
            12, self._value(source, dims)
        )
        opset = data(1, "") + number(2, OPSET)
        return number(1, IR_VERSION) + data(2, "nntest-flow") + data(7, graph) + data(8, opset)

    def _value(self, name: str, dims: Dims) -> bytes:
        shape = b"".join(data(1, number(1, size)) for size in dims)
        return data(1, name) + data(2, data(1, number(1, TYPES[self._type]) + data(2, shape)))

    def _constant(self, name: str, values: Any, kind: str | None = None) -> str:
        array = np.ascontiguousarray(values, kind or self._type)
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
            if isinstance(value, int):
                fields.append(data(5, data(1, key) + number(3, value) + number(20, 2)))
            else:
                numbers = b"".join(number(8, item) for item in value)
                fields.append(data(5, data(1, key) + numbers + number(20, 7)))
        self._nodes.append(b"".join(fields))

    def _reshape(self, node: Node, source: str) -> str:
        shape = self._constant(f"{node.name}:shape", node.in_dims, "int64")
        self._emit("Reshape", f"{node.name}/reshape", [source, shape], f"{node.name}:in")
        return f"{node.name}:in"

    def _add(self, node: Node, source: str, target: str) -> None:
        point, name = node.point, node.name
        inputs, result = [source], target
        if node.weights is not None:
            inputs.append(self._constant(f"{name}:weights", node.weights))
            inputs.append(self._constant(f"{name}:bias", node.bias))
        if point.activation != "none":
            result = f"{name}:linear"
        if node.operator in ("conv", "depthwiseconv"):
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
            limits = []
            if point.activation == "relu6":
                limits = [self._constant(f"{name}:{limit}", limit) for limit in (0, 6)]
            kind = ACTIVATIONS[point.activation]
            self._emit(kind, f"{name}/{point.activation}", [result, *limits], target)


def _window(point: Any, dilated: bool = True) -> dict[str, Any]:
    window, pads = point.window, point.window.pads
    attributes = {
        "kernel_shape": window.kernel,
        "strides": window.strides,
        "pads": (pads.top, pads.left, pads.bottom, pads.right),
    }
    return {**attributes, "dilations": window.dilations} if dilated else attributes
