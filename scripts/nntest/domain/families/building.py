"""Builds a network step by step, with its layers and what becomes of every node."""

from __future__ import annotations

from math import prod

from nntest.domain.graph_nodes import GraphNode, with_reads
from nntest.domain.graph_steps import INPUT, ImageShape, Step
from nntest.domain.networks import Layer, Network, same_padding
from nntest.domain.onnx_nodes.groups import NodeGroup
from nntest.domain.onnx_nodes.names import Attribute, Operand, SingleNode
from nntest.domain.tensor_suffixes import NO_ACTIVATION, Pads
from nntest.domain.tensors import Tensor
from nntest.domain.traffic import tensor_work

_NOT_COVERED = "no operator computes it"
_BYTES = 4
"""Of a value in fp32."""
_NODES: dict[str, tuple[str, int, tuple[tuple[str, Attribute], ...]]] = {
    "add": ("Add", 14, ()),
    "mul": ("Mul", 14, ()),
    "concat": ("Concat", 13, (("axis", 1),)),
    "relu": ("Relu", 14, ()),
}
"""ONNX's operator for a join, or for an activation on its own, with its version and attributes."""


def divisible(channels: float, divisor: int = 8) -> int:
    """Channels rounded to a multiple of `divisor`, and never by more than 10 % down.

    As TensorFlow's slim rounds them (`_make_divisible`, slim/nets/mobilenet/conv_blocks.py).
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


class Building:
    """Steps so far; every method adds one, and returns its name.

    A step reads `source`, or what was added last.  Padding is TensorFlow's SAME unless `pad` gives
    that of all sides.
    """

    def __init__(self, size: int, channels: int = 3) -> None:
        self.last = INPUT
        self.shapes: dict[str, ImageShape] = {INPUT: (channels, size, size)}
        self._steps: list[Step] = []
        self._layers: dict[str, Layer] = {}

    @property
    def channels(self) -> int:
        """Of what was added last."""
        return self.shapes[self.last][0]

    def conv(
        self,
        name: str,
        channels: int,
        kernel: int = 1,
        stride: int = 1,
        *,
        activation: str = NO_ACTIVATION,
        pad: int | None = None,
        bias: bool = False,
        source: str | None = None,
    ) -> str:
        """A convolution; with a bias, or with a batch normalisation behind it."""
        in_c, height, width = self._shape(source)
        pads = _pads((height, width), kernel, stride, pad)
        tensor = Tensor.conv(in_c, height, width, kernel, channels, stride, pads)
        weights = in_c * kernel**2 * channels
        return self._weighted(name, tensor, weights, channels, bias, activation, source)

    def depthwise(self, name: str, kernel: int, stride: int, activation: str) -> str:
        """A depthwise convolution with a batch normalisation behind it."""
        channels, height, width = self._shape(None)
        pads = _pads((height, width), kernel, stride, None)
        tensor = Tensor.depthwise(channels, height, width, kernel, stride, pads)
        weights = channels * kernel**2
        return self._weighted(name, tensor, weights, channels, False, activation, None)

    def fully_connected(self, name: str, outputs: int) -> str:
        """A fully connected layer with a bias."""
        shape = self._shape(None)
        tensor = Tensor("fullyconnected", (*shape, outputs, 1, 1))
        return self._weighted(name, tensor, prod(shape) * outputs, outputs, True, NO_ACTIVATION)

    def max_pool(self, name: str, kernel: int, stride: int, pads: Pads = (0, 0, 0, 0)) -> str:
        """The largest of each window; `pads` is (top, bottom, left, right)."""
        values = (*self._shape(None), kernel, stride)
        return self._layer(name, Tensor("maxpool", values, pads if any(pads) else None))

    def mean(self, name: str) -> str:
        """The mean of each channel."""
        channels, height, width = self._shape(None)
        return self._layer(name, Tensor("avgpool", (channels, height, width, height, 1)))

    def softmax(self, name: str) -> str:
        """A softmax over the channels."""
        return self._layer(name, Tensor("softmax", self._shape(None)))

    def join(self, name: str, kind: str, *inputs: str) -> str:
        """Two or more outputs as one: `add`, `mul` or `concat`; as large as the first, or all."""
        first = self.shapes[inputs[0]]
        channels = sum(self.shapes[one][0] for one in inputs) if kind == "concat" else first[0]
        return self._add(Step(name, kind, inputs), (channels, *first[1:]))

    def activation(self, name: str, activation: str) -> str:
        """An activation of its own."""
        step = Step(name, "activation", (self.last,), activation=activation)
        return self._add(step, self._shape(None))

    def network(self, name: str, *, single_nodes: bool = False) -> Network:
        """The network; with `single_nodes` each join is a layer of the species onnx."""
        layers, nodes = [], []
        for step in self._steps:
            layer = self._layers.get(step.name)
            if layer is None:
                node = self._single(step)
                kind, size = node.kind, _BYTES * self._elements(step)
                tensor = Tensor.of_nodes(NodeGroup((node,)))
                layer = Layer(step.name, tensor, 0) if single_nodes else None
                macs = 0
            else:
                work = tensor_work(layer.tensor)
                kind, macs = layer.species, layer.macs
                size = _BYTES * (work.weights + work.inputs + work.outputs)
            if layer is None:
                nodes.append(
                    GraphNode(step.name, kind, "not covered", "", macs, size, _NOT_COVERED)
                )
            else:
                layers.append(layer)
                nodes.append(GraphNode(step.name, kind, "measured", step.name, macs, size))
        read = with_reads(nodes, [(step.inputs, (step.name,)) for step in self._steps])
        return Network(name, tuple(layers), tuple(read), steps=tuple(self._steps))

    # -- parts -----------------------------------------------------------------------------

    def _shape(self, source: str | None) -> ImageShape:
        return self.shapes[self.last if source is None else source]

    def _weighted(
        self,
        name: str,
        tensor: Tensor,
        weights: int,
        channels: int,
        bias: bool,
        activation: str,
        source: str | None = None,
    ) -> str:
        parameters = weights + (channels if bias else 0)
        normalised = 0 if bias else 2 * channels
        return self._layer(name, tensor, parameters, normalised, activation, source)

    def _layer(
        self,
        name: str,
        tensor: Tensor,
        parameters: int = 0,
        normalised: int = 0,
        activation: str = NO_ACTIVATION,
        source: str | None = None,
    ) -> str:
        self._layers[name] = Layer(name, tensor, parameters, normalised, activation)
        read = self.last if source is None else source
        step = Step(name, tensor.species, (read,), tensor, activation)
        return self._add(step, tensor.out_shape)

    def _add(self, step: Step, shape: ImageShape) -> str:
        self._steps.append(step)
        self.shapes[step.name] = shape
        self.last = step.name
        return step.name

    def _single(self, step: Step) -> SingleNode:
        kind, version, attributes = _NODES[
            step.activation if step.kind == "activation" else step.kind
        ]
        inputs = tuple(Operand((1, *self.shapes[one])) for one in step.inputs)
        return SingleNode(kind, version, inputs, attributes)

    def _elements(self, step: Step) -> int:
        """Of all that a step reads and writes."""
        return sum(prod(self.shapes[name]) for name in (*step.inputs, step.name))


def _pads(sizes: tuple[int, int], kernel: int, stride: int, pad: int | None) -> Pads:
    """(top, bottom, left, right): `pad` on all sides, or TensorFlow's SAME."""
    if pad is not None:
        return pad, pad, pad, pad
    rows, columns = (same_padding(size, kernel, stride) for size in sizes)
    return *rows, *columns
