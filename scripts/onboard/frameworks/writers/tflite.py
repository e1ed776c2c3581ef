"""A graph as a TFLite model, through the schema that the litert wheel brings along.

Tensors are NHWC, as the format wants them.  Padding is what the format calls SAME where that is
meant, else a PAD before the node, which XNNPACK takes into the node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from joins import JoinPoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from graph import Dims, Graph, Node
    from integers import Steps
    from point import Pads

    Array = np.ndarray[Any, Any]

SCHEMA_VERSION = 3
FUSED = {"none": "NONE", "relu": "RELU", "relu6": "RELU6"}  # ActivationFunctionType
SEPARATE = {
    "relu": "RELU", "relu6": "RELU6", "hard-swish": "HARD_SWISH", "sigmoid": "LOGISTIC",
}  # fmt: skip
JOINS = {"add": "ADD", "mul": "MUL", "concat": "CONCATENATION"}


def to_nhwc(values: Array) -> Array:
    """Return an array in the format's order."""
    return np.ascontiguousarray(values.transpose(0, 2, 3, 1)) if values.ndim == 4 else values


def to_nchw(values: Array) -> Array:
    """Return an array of the format in our order."""
    return values.transpose(0, 3, 1, 2) if values.ndim == 4 else values


def model_input(graph: Graph) -> Array:
    """Return the graph's input as the model takes it; vectors in the order of an image's."""
    values = graph.model_input()
    if graph.nodes[0].operator == "fullyconnected":
        return to_nhwc(values.reshape(graph.in_shape)).reshape(values.shape)
    return to_nhwc(values)


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
        self._readers = graph.readers()
        self._schema = schema
        self._tensors: list[Any] = []
        self._buffers = [schema.BufferT()]  # the first one is empty: what is computed has it
        self._operators: list[Any] = []
        self._codes: list[str] = []

    def model(self) -> Any:
        """Return the ModelT."""
        nodes, schema = self._graph.nodes, self._schema
        first = self._computed("input", nodes[0].in_dims, nodes[0].in_steps)
        made: list[int] = []
        for index, node in enumerate(nodes):
            if self._is_fused(index):  # into the join that it reads, which has the activation
                made.append(made[-1])
                continue
            sources = []
            for source, given, dims in self._graph.inputs_of(node):
                tensor = made[source] if source >= 0 else first
                sources.append(tensor if given == dims else self._reshape(node, tensor, dims))
            if isinstance(node.point, JoinPoint):
                made.append(self._join(index, sources))
            else:
                made.append(self._add(node, sources[0]))
        whole = schema.SubGraphT()
        whole.tensors, whole.operators = self._tensors, self._operators
        whole.inputs, whole.outputs = [first], [made[-1]]
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

    def _computed(self, name: str, dims: Dims, steps: Steps | None) -> int:
        """Add a tensor of our dimensions; of integers where ``steps`` says what they stand for."""
        number = self._tensor(name, _nhwc(dims), "FLOAT32" if steps is None else "INT8")
        if steps is not None:
            self._quantise(number, [steps.scale], [steps.zero])
        return number

    def _constant(self, name: str, values: Any) -> int:
        array = np.ascontiguousarray(values)
        buffer = self._schema.BufferT()
        buffer.data = array.view(np.uint8).reshape(-1)
        self._buffers.append(buffer)
        return self._tensor(name, array.shape, array.dtype.name.upper(), len(self._buffers) - 1)

    def _quantise(self, number: int, scales: Any, zeros: Any, axis: int = 0) -> int:
        """Say what the integers of a tensor stand for; several scales are those of ``axis``."""
        how = self._schema.QuantizationParametersT()
        how.scale, how.zeroPoint = np.asarray(scales, np.float32), np.asarray(zeros, np.int64)
        how.quantizedDimension = axis
        self._tensors[number].quantization = how
        return number

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
        shape = self._constant(f"{node.name}:shape", np.array(_nhwc(dims), np.int32))
        target = self._computed(f"{node.name}:in", dims, node.in_steps)
        options = self._options("ReshapeOptions", newShape=list(_nhwc(dims)))
        return self._emit("RESHAPE", [source, shape], target, options)

    def _is_fused(self, index: int) -> bool:
        """Whether a node is an activation that the sum or product right before it applies.

        So a converter writes it; nothing else may read what is not activated.
        """
        nodes = self._graph.nodes
        node, before = nodes[index], nodes[index - 1]
        return (
            node.operator == "activation"
            and node.point.activation in FUSED
            and node.sources == (index - 1,)
            and before.operator in ("add", "mul")
            and len(self._readers[index - 1]) == 1
        )

    def _join(self, index: int, sources: list[int]) -> int:
        node = self._graph.nodes[index]
        if node.operator == "activation":
            return self._activate(node, sources[0])
        target = self._computed(f"{node.name}:out", node.out_dims, None)
        activation = "none"
        if index + 1 < len(self._graph.nodes) and self._is_fused(index + 1):
            activation = self._graph.nodes[index + 1].point.activation
        fused = getattr(self._schema.ActivationFunctionType, FUSED[activation])
        options = {"fusedActivationFunction": fused}
        if node.operator == "concat":
            options["axis"] = len(node.out_dims) - 1  # channels are the last ones here
        name = {"add": "AddOptions", "mul": "MulOptions", "concat": "ConcatenationOptions"}
        made = self._options(name[node.operator], **options)
        return self._emit(JOINS[node.operator], sources, target, made)

    def _activate(self, node: Node, source: int) -> int:
        """Add an activation; a hard-sigmoid, which the format has not, as converters write it."""
        activation, name = node.point.activation, node.name
        target = self._computed(f"{name}:out", node.out_dims, node.out_steps)
        if activation != "hard-sigmoid":
            options = self._options("HardSwishOptions") if activation == "hard-swish" else None
            return self._emit(SEPARATE[activation], [source], target, options)
        cut = self._computed(f"{name}:cut", node.out_dims, None)
        functions = self._schema.ActivationFunctionType
        three, sixth = (
            self._constant(f"{name}:{what}", np.array([value], np.float32))
            for what, value in (("three", 3), ("sixth", 1 / 6))
        )
        add = self._options("AddOptions", fusedActivationFunction=functions.RELU6)
        mul = self._options("MulOptions", fusedActivationFunction=functions.NONE)
        self._emit("ADD", [source, three], cut, add)
        return self._emit("MUL", [cut, sixth], target, mul)

    def _add(self, node: Node, source: int) -> int:
        point, name = node.point, node.name
        if node.operator == "softmax":
            target = self._computed(f"{name}:out", node.out_dims, node.out_steps)
            if node.in_steps is not None:
                numbers = self._computed(f"{name}:numbers", node.in_dims, None)
                source = self._emit("DEQUANTIZE", [source], numbers)
            return self._emit(
                "SOFTMAX", [source], target, self._options("SoftmaxOptions", beta=1.0)
            )
        separate = point.activation not in FUSED
        if separate:
            linear = node.quantised.linear if node.quantised else None
            result = self._computed(f"{name}:linear", node.out_dims, linear)
        else:
            result = self._computed(f"{name}:out", node.out_dims, node.out_steps)
        fused = FUSED.get(point.activation, "NONE")
        common = {"fusedActivationFunction": getattr(self._schema.ActivationFunctionType, fused)}
        if node.operator == "fullyconnected":
            shape = node.point.in_shape[1:]  # an image's elements, in the order that they have here
            inputs = [
                source,
                *self._weights(
                    node,
                    lambda w: to_nhwc(w.reshape(len(w), *shape)).reshape(w.shape),
                    0,
                ),
            ]
            options = self._options("FullyConnectedOptions", **common)
            self._emit("FULLY_CONNECTED", inputs, result, options)
        else:
            source = self._pad(node, source, common)
            self._windowed(node, source, result, common)
        return self._activate(node, result) if separate else result

    def _windowed(self, node: Node, source: int, result: int, common: dict[str, Any]) -> None:
        window = node.point.window
        common = {**common, "strideH": window.strides[0], "strideW": window.strides[1]}
        if node.operator in ("avgpool", "maxpool"):
            sides = {"filterHeight": window.kernel[0], "filterWidth": window.kernel[1]}
            kind = "AVERAGE_POOL_2D" if node.operator == "avgpool" else "MAX_POOL_2D"
            self._emit(kind, [source], result, self._options("Pool2DOptions", **common, **sides))
            return
        common["dilationHFactor"], common["dilationWFactor"] = window.dilations
        if node.operator == "depthwiseconv":
            inputs = [source, *self._weights(node, lambda w: w.transpose(1, 2, 3, 0), 3)]
            options = self._options("DepthwiseConv2DOptions", depthMultiplier=1, **common)
            self._emit("DEPTHWISE_CONV_2D", inputs, result, options)
        else:
            inputs = [source, *self._weights(node, lambda w: w.transpose(0, 2, 3, 1), 0)]
            self._emit("CONV_2D", inputs, result, self._options("Conv2DOptions", **common))

    def _weights(self, node: Node, ordered: Callable[[Array], Array], axis: int) -> list[int]:
        """Add weights, in the order that ``ordered`` gives them, and bias.

        ``axis``: of the output's channels in that order.
        """
        name, own = node.name, node.quantised
        weights, bias = (node.weights, node.bias) if own is None else (own.weights, own.bias)
        assert weights is not None
        numbers = [
            self._constant(f"{name}:weights", ordered(weights)),
            self._constant(f"{name}:bias", bias),
        ]
        if own is not None:
            zeros = np.zeros(len(weights))
            self._quantise(numbers[0], own.weight_scales, zeros, axis)
            self._quantise(numbers[1], own.bias_scales, zeros)
        return numbers

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
        dims = (batch, channels, high, wide)
        target = self._computed(f"{node.name}:padded", dims, node.in_steps)
        inputs = [source, self._constant(f"{node.name}:pads", rows)]
        if node.operator == "maxpool":
            inputs.append(self._lowest(node))
            return self._emit("PADV2", inputs, target, self._options("PadV2Options"))
        return self._emit("PAD", inputs, target, self._options("PadOptions"))

    def _lowest(self, node: Node) -> int:
        """Add the constant that is never the largest."""
        steps = node.in_steps
        if steps is None:
            return self._constant(f"{node.name}:lowest", np.array([np.finfo(np.float32).min]))
        number = self._constant(f"{node.name}:lowest", np.array(steps.integers.limits[:1], np.int8))
        return self._quantise(number, [steps.scale], [steps.zero])


def same_pads(point: Any) -> Pads:
    """Return the padding that TensorFlow's SAME gives the window: as many outputs as strides."""
    window, sides = point.window, []
    for size, reach, stride in zip(point.in_shape[2:], window.reach, window.strides):
        total = max((-(-size // stride) - 1) * stride + reach - size, 0)
        sides += [total // 2, total - total // 2]
    return type(window.pads)(*sides)


def _nhwc(dims: Dims) -> Dims:
    return (dims[0], *dims[2:], dims[1]) if len(dims) == 4 else dims
