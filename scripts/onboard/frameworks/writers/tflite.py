"""A graph as a TFLite model, through the schema that the litert wheel brings along.

Tensors are NHWC, as the format wants them.  Padding is what the format calls SAME where that is
meant, else a PAD before the node, which XNNPACK takes into the node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from graph import Dims, Graph, Node
    from point import Pads

    Array = np.ndarray[Any, Any]

SCHEMA_VERSION = 3
FUSED = {"none": "NONE", "relu": "RELU", "relu6": "RELU6"}  # ActivationFunctionType
SEPARATE = {"hard-swish": "HARD_SWISH", "sigmoid": "LOGISTIC"}


def to_nhwc(values: Array) -> Array:
    """Return an array in the format's order."""
    return np.ascontiguousarray(values.transpose(0, 2, 3, 1)) if values.ndim == 4 else values


def to_nchw(values: Array) -> Array:
    """Return an array of the format in our order."""
    return values.transpose(0, 3, 1, 2) if values.ndim == 4 else values


def write_tflite(graph: Graph, schema: Any) -> bytes:
    """Return the model; ``schema`` is the module ``ai_edge_litert.schema_py_generated``."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    model = _Writer(graph, schema).model()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


class _Writer:
    def __init__(self, graph: Graph, schema: Any) -> None:
        self._graph = graph
        self._schema = schema
        self._tensors: list[Any] = []
        self._buffers = [schema.BufferT()]  # the first one is empty: what is computed has it
        self._operators: list[Any] = []
        self._codes: list[str] = []

    def model(self) -> Any:
        """Return the ModelT."""
        nodes, schema = self._graph.nodes, self._schema
        dims = nodes[0].in_dims
        first = source = self._tensor("input", _nhwc(dims))
        for node in nodes:
            if node.in_dims != dims:
                source = self._reshape(node, source, dims)
            source = self._add(node, source)
            dims = node.out_dims
        whole = schema.SubGraphT()
        whole.tensors, whole.operators = self._tensors, self._operators
        whole.inputs, whole.outputs = [first], [source]
        model = schema.ModelT()
        model.version, model.subgraphs, model.buffers = SCHEMA_VERSION, [whole], self._buffers
        model.operatorCodes = []
        for name in self._codes:
            code = schema.OperatorCodeT()
            code.builtinCode = getattr(schema.BuiltinOperator, name)
            code.deprecatedBuiltinCode = min(code.builtinCode, 127)
            code.version = 1
            model.operatorCodes.append(code)
        return model

    def _tensor(self, name: str, shape: Any, kind: str = "FLOAT32", buffer: int = 0) -> int:
        tensor = self._schema.TensorT()
        tensor.name, tensor.shape, tensor.buffer = name, list(shape), buffer
        tensor.type = getattr(self._schema.TensorType, kind)
        self._tensors.append(tensor)
        return len(self._tensors) - 1

    def _constant(self, name: str, values: Any) -> int:
        array = np.ascontiguousarray(values)
        buffer = self._schema.BufferT()
        buffer.data = array.view(np.uint8).reshape(-1)
        self._buffers.append(buffer)
        kind = {"float32": "FLOAT32", "int32": "INT32"}[array.dtype.name]
        return self._tensor(name, array.shape, kind, len(self._buffers) - 1)

    def _emit(self, kind: str, inputs: list[int], output: int, options: Any = None) -> int:
        if kind not in self._codes:
            self._codes.append(kind)
        operator = self._schema.OperatorT()
        operator.opcodeIndex = self._codes.index(kind)
        operator.inputs, operator.outputs = inputs, [output]
        if options is not None:
            name = type(options).__name__[:-1]
            operator.builtinOptionsType = getattr(self._schema.BuiltinOptions, name)
            operator.builtinOptions = options
        self._operators.append(operator)
        return output

    def _options(self, name: str, **values: Any) -> Any:
        options = getattr(self._schema, f"{name}T")()
        for key, value in values.items():
            assert hasattr(options, key), key
            setattr(options, key, value)
        return options

    def _reshape(self, node: Node, source: int, dims: Dims) -> int:
        """Flatten an image; the weights behind it are in the order of what comes."""
        shape = self._constant(f"{node.name}:shape", np.array(_nhwc(node.in_dims), np.int32))
        target = self._tensor(f"{node.name}:in", _nhwc(node.in_dims))
        options = self._options("ReshapeOptions", newShape=list(_nhwc(node.in_dims)))
        return self._emit("RESHAPE", [source, shape], target, options)

    def _add(self, node: Node, source: int) -> int:
        point, name = node.point, node.name
        target = self._tensor(f"{name}:out", _nhwc(node.out_dims))
        if node.operator == "softmax":
            return self._emit(
                "SOFTMAX", [source], target, self._options("SoftmaxOptions", beta=1.0)
            )
        result = target
        if point.activation in SEPARATE:
            result = self._tensor(f"{name}:linear", _nhwc(node.out_dims))
        fused = FUSED.get(point.activation, "NONE")
        common = {"fusedActivationFunction": getattr(self._schema.ActivationFunctionType, fused)}
        if node.operator == "fullyconnected":
            inputs = [source, *self._weights(node, self._flat_weights(node))]
            options = self._options("FullyConnectedOptions", **common)
            self._emit("FULLY_CONNECTED", inputs, result, options)
        else:
            source = self._pad(node, source, common)
            self._windowed(node, source, result, common)
        if result == target:
            return target
        options = self._options("HardSwishOptions") if point.activation == "hard-swish" else None
        return self._emit(SEPARATE[point.activation], [result], target, options)

    def _windowed(self, node: Node, source: int, result: int, common: dict[str, Any]) -> None:
        window = node.point.window
        common = {**common, "strideH": window.strides[0], "strideW": window.strides[1]}
        if node.operator in ("avgpool", "maxpool"):
            sides = {"filterHeight": window.kernel[0], "filterWidth": window.kernel[1]}
            kind = "AVERAGE_POOL_2D" if node.operator == "avgpool" else "MAX_POOL_2D"
            self._emit(kind, [source], result, self._options("Pool2DOptions", **common, **sides))
            return
        assert node.weights is not None
        common["dilationHFactor"], common["dilationWFactor"] = window.dilations
        if node.operator == "depthwiseconv":
            inputs = [source, *self._weights(node, node.weights.transpose(1, 2, 3, 0))]
            options = self._options("DepthwiseConv2DOptions", depthMultiplier=1, **common)
            self._emit("DEPTHWISE_CONV_2D", inputs, result, options)
        else:
            inputs = [source, *self._weights(node, node.weights.transpose(0, 2, 3, 1))]
            self._emit("CONV_2D", inputs, result, self._options("Conv2DOptions", **common))

    def _weights(self, node: Node, weights: Array) -> list[int]:
        return [
            self._constant(f"{node.name}:weights", weights),
            self._constant(f"{node.name}:bias", node.bias),
        ]

    def _flat_weights(self, node: Node) -> Array:
        """Return [outputs][elements in the order in which an image lies here]."""
        assert node.weights is not None
        images = node.weights.reshape(len(node.weights), *node.point.in_shape[1:])
        return images.transpose(0, 2, 3, 1).reshape(node.weights.shape)

    def _pad(self, node: Node, source: int, common: dict[str, Any]) -> int:
        """Set the padding among the node's options; return the tensor that it reads."""
        point, pads, padding = node.point, node.point.pads, self._schema.Padding
        counted = node.operator == "avgpool" and not point.exclude_padding
        common["padding"] = padding.VALID
        if not any(pads):
            return source
        if not counted and pads == same_pads(point):
            common["padding"] = padding.SAME
            return source
        rows = np.array([[0, 0], pads[:2], pads[2:], [0, 0]], np.int32)
        batch, channels, height, width = point.in_shape
        high, wide = point.window.padded(height, width)
        target = self._tensor(f"{node.name}:padded", (batch, high, wide, channels))
        inputs = [source, self._constant(f"{node.name}:pads", rows)]
        if node.operator == "maxpool":
            lowest = np.array([np.finfo(np.float32).min], np.float32)
            inputs.append(self._constant(f"{node.name}:lowest", lowest))
            return self._emit("PADV2", inputs, target, self._options("PadV2Options"))
        return self._emit("PAD", inputs, target, self._options("PadOptions"))


def same_pads(point: Any) -> Pads:
    """Return the padding that TensorFlow's SAME gives the window: as many outputs as strides."""
    window, sides = point.window, []
    for size, reach, stride in zip(point.in_shape[2:], window.reach, window.strides):
        total = max((-(-size // stride) - 1) * stride + reach - size, 0)
        sides += [total // 2, total - total // 2]
    return type(window.pads)(*sides)


def _nhwc(dims: Dims) -> Dims:
    return (dims[0], *dims[2:], dims[1]) if len(dims) == 4 else dims
