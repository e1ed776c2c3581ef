"""A graph as an INetwork of Arm NN, built through PyArmNN's own calls.

Tensors are NCHW or NHWC, as asked; weights of a depthwise convolution are always (1, C, rows,
columns), as Arm NN 20.08 wants them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from failures import NotSupported
from joins import JoinPoint

if TYPE_CHECKING:
    from graph import Dims, Graph, Node

    Array = np.ndarray[Any, Any]

ACTIVATIONS: dict[str, tuple[tuple[str, float, float], ...]] = {
    "relu": (("ReLu", 0, 0),),
    "relu6": (("BoundedReLu", 6, 0),),
    "sigmoid": (("Sigmoid", 0, 0),),
    # (x + 3 cut to 0 .. 6) / 6: Arm NN has no hard sigmoid.
    "hard-sigmoid": (("Linear", 1, 3), ("BoundedReLu", 6, 0), ("Linear", 1 / 6, 0)),
}
"""Functions of Arm NN, each with its a and b, one after the other."""


def to_layout(values: Array, layout: str) -> Array:
    """Return an NCHW array in another layout; vectors as they are."""
    images = layout == "NHWC" and values.ndim == 4
    return np.ascontiguousarray(values.transpose(0, 2, 3, 1) if images else values, np.float32)


def from_layout(values: Array, dims: Dims, layout: str) -> Array:
    """Return the elements of a layout as an array of our dimensions."""
    if layout != "NHWC" or len(dims) != 4:
        return values.reshape(dims)
    return values.reshape(dims[0], *dims[2:], dims[1]).transpose(0, 3, 1, 2)


def write_armnn(graph: Graph, pyarmnn: Any, layout: str) -> Any:
    """Return the INetwork, with one input and one output, each of number 0."""
    return _Writer(pyarmnn, layout).network(graph)


class _Writer:
    def __init__(self, pyarmnn: Any, layout: str) -> None:
        self._ann, self._layout = pyarmnn, layout
        self._network = pyarmnn.INetwork()

    def network(self, graph: Graph) -> Any:
        first = self._network.AddInputLayer(0, "input")
        source = self._given(first, graph.nodes[0].in_dims)
        made: list[Any] = []
        for node in graph.nodes:
            inputs = []
            for number, given, dims in graph.inputs_of(node):
                value = made[number] if number >= 0 else source
                inputs.append(value if given == dims else self._reshape(node, value, dims))
            value = self._join(node, inputs) if isinstance(node.point, JoinPoint) else None
            value = self._layer(node, inputs[0]) if value is None else value
            made.append(self._activate(node, value))
        made[-1].Connect(self._network.AddOutputLayer(0, "output").GetInputSlot(0))
        return self._network

    def _shape(self, dims: Dims) -> Any:
        images = self._layout == "NHWC" and len(dims) == 4
        return self._ann.TensorShape((dims[0], *dims[2:], dims[1]) if images else dims)

    def _info(self, shape: Any) -> Any:
        return self._ann.TensorInfo(shape, self._ann.DataType_Float32)

    def _given(self, layer: Any, dims: Dims) -> Any:
        """Say what a layer gives, and return where it does."""
        slot = layer.GetOutputSlot(0)
        slot.SetTensorInfo(self._info(self._shape(dims)))
        return slot

    def _added(self, layer: Any, inputs: list[Any], dims: Dims) -> Any:
        for index, value in enumerate(inputs):
            value.Connect(layer.GetInputSlot(index))
        return self._given(layer, dims)

    def _constant(self, values: Any) -> Any:
        array = np.ascontiguousarray(values, np.float32)
        return self._ann.ConstTensor(self._info(self._ann.TensorShape(array.shape)), array)

    def _reshape(self, node: Node, value: Any, dims: Dims) -> Any:
        """Flatten an image; the weights behind it are in the order of what comes."""
        descriptor = self._ann.ReshapeDescriptor()
        descriptor.m_TargetShape = self._shape(dims)
        layer = self._network.AddReshapeLayer(descriptor, f"{node.name}:in")
        return self._added(layer, [value], dims)

    def _activate(self, node: Node, value: Any) -> Any:
        if node.point.activation != "hard-swish":
            return self._functions(node, node.point.activation, value)
        # PyArmNN 20.08 has no name for Arm NN's own.
        gate = self._functions(node, "hard-sigmoid", value)
        layer = self._network.AddMultiplicationLayer(f"{node.name}:gated")
        return self._added(layer, [value, gate], node.out_dims)

    def _functions(self, node: Node, activation: str, value: Any) -> Any:
        for number, (function, a, b) in enumerate(ACTIVATIONS.get(activation, ())):
            descriptor = self._ann.ActivationDescriptor()
            descriptor.m_Function = getattr(self._ann, f"ActivationFunction_{function}")
            descriptor.m_A, descriptor.m_B = a, b
            layer = self._network.AddActivationLayer(descriptor, f"{node.name}:{number}")
            value = self._added(layer, [value], node.out_dims)
        return value

    def _join(self, node: Node, inputs: list[Any]) -> Any:
        """Add a join without its activation."""
        if node.operator == "activation":
            return inputs[0]
        if node.operator == "concat":
            shapes = [self._shape(dims) for dims in node.all_in_dims]
            channels = 3 if self._layout == "NHWC" else 1
            descriptor = self._ann.CreateDescriptorForConcatenation(shapes, channels)
            layer = self._network.AddConcatLayer(descriptor, node.name)
        elif node.operator == "add":
            layer = self._network.AddAdditionLayer(node.name)
        else:
            layer = self._network.AddMultiplicationLayer(node.name)
        return self._added(layer, inputs, node.out_dims)

    def _layer(self, node: Node, value: Any) -> Any:
        """Add a layer without its activation."""
        if node.operator == "softmax":
            descriptor = self._ann.SoftmaxDescriptor()
            descriptor.m_Beta = 1.0
            images = len(node.in_dims) == 4 and self._layout == "NCHW"
            descriptor.m_Axis = 1 if images else -1
            layer = self._network.AddSoftmaxLayer(descriptor, node.name)
        elif node.operator == "fullyconnected":
            layer = self._fully_connected(node)
        elif node.operator in ("avgpool", "maxpool"):
            layer = self._pool(node)
        else:
            layer = self._convolution(node)
        return self._added(layer, [value], node.out_dims)

    def _fully_connected(self, node: Node) -> Any:
        descriptor = self._ann.FullyConnectedDescriptor()
        descriptor.m_BiasEnabled = descriptor.m_TransposeWeightMatrix = True
        assert node.weights is not None
        weights = node.weights.reshape(len(node.weights), *node.point.in_shape[1:])
        flat = to_layout(weights, self._layout).reshape(node.weights.shape)
        return self._network.AddFullyConnectedLayer(
            descriptor, self._constant(flat), self._constant(node.bias), node.name
        )

    def _pool(self, node: Node) -> Any:
        point, descriptor = node.point, self._ann.Pooling2dDescriptor()
        kind = "Average" if node.operator == "avgpool" else "Max"
        descriptor.m_PoolType = getattr(self._ann, f"PoolingAlgorithm_{kind}")
        descriptor.m_PoolHeight, descriptor.m_PoolWidth = point.window.kernel
        descriptor.m_OutputShapeRounding = self._ann.OutputShapeRounding_Floor
        left_out = node.operator == "avgpool" and point.exclude_padding
        method = "Exclude" if left_out else "IgnoreValue"
        descriptor.m_PaddingMethod = getattr(self._ann, f"PaddingMethod_{method}")
        self._window(node, descriptor)
        return self._network.AddPooling2dLayer(descriptor, node.name)

    def _convolution(self, node: Node) -> Any:
        point, weights = node.point, node.weights
        assert weights is not None
        if node.operator == "depthwiseconv":
            descriptor = self._ann.DepthwiseConvolution2dDescriptor()
            add = self._network.AddDepthwiseConvolution2dLayer
            ordered = weights.transpose(1, 0, 2, 3)
        elif point.groups > 1:
            raise NotSupported(f"armnn has no convolution with {point.groups} groups ({node.name})")
        else:
            descriptor = self._ann.Convolution2dDescriptor()
            add = self._network.AddConvolution2dLayer
            ordered = to_layout(weights, self._layout)
        descriptor.m_BiasEnabled = True
        descriptor.m_DilationY, descriptor.m_DilationX = point.window.dilations
        self._window(node, descriptor)
        return add(descriptor, self._constant(ordered), self._constant(node.bias), node.name)

    def _window(self, node: Node, descriptor: Any) -> None:
        pads = node.point.pads
        descriptor.m_StrideY, descriptor.m_StrideX = node.point.window.strides
        descriptor.m_PadTop, descriptor.m_PadBottom = pads.top, pads.bottom
        descriptor.m_PadLeft, descriptor.m_PadRight = pads.left, pads.right
        descriptor.m_DataLayout = getattr(self._ann, f"DataLayout_{self._layout}")
