"""What a library is asked to compute, before it is written in the library's own format.

A graph is one node for a single operator, all layers and joins for a whole network; it has one
input, and one output, that of its last node.  Weights are drawn from the seed; the right output is
computed in float64.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from failures import NotSupported
from joins import JoinPoint
from layers import (
    AveragePoolPoint,
    ConvolutionPoint,
    DepthwisePoint,
    FullyConnectedPoint,
    LargestPoolPoint,
    SoftmaxPoint,
)
from network_point import NetworkLayer, NetworkPoint
from reference import Comparison, WeightedTensors, compare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from integers import Quantised, Steps
    from layers import Layer
    from point import Environment, Settings, Shape
    from reference import Tensors

    Array = np.ndarray[Any, Any]
    Dims = tuple[int, ...]

LAYERS: dict[str, type[Layer]] = {
    "conv": ConvolutionPoint,
    "depthwiseconv": DepthwisePoint,
    "fullyconnected": FullyConnectedPoint,
    "avgpool": AveragePoolPoint,
    "maxpool": LargestPoolPoint,
    "softmax": SoftmaxPoint,
}


@dataclass(frozen=True)
class Node:
    """One layer, with its bias and its activation, or a join."""

    name: str
    operator: str  # a key of LAYERS, or of joins.JOINS
    point: Any
    sources: tuple[int, ...] = (-1,)  # numbers of the nodes that it reads; -1: the graph's input
    weights: Array | None = None  # float32, as `reference.WeightedTensors` has them
    bias: Array | None = None
    quantised: Quantised | None = None  # its integers, in int8

    @property
    def in_dims(self) -> Dims:
        """Dimensions of its input, NCHW; (N, elements) where it takes vectors."""
        if self.operator == "fullyconnected":
            return self.point.in_shape[0], self.point.depth
        return self._vector(self.point.in_shape)

    @property
    def all_in_dims(self) -> tuple[Dims, ...]:
        """Dimensions of each of its inputs; those of a join are NCHW."""
        if isinstance(self.point, JoinPoint):
            return self.point.in_shapes
        return (self.in_dims,)

    @property
    def out_dims(self) -> Dims:
        """Dimensions of its output, NCHW; (N, elements) where it gives vectors."""
        if self.operator == "fullyconnected":
            return self.point.out_shape[0], self.point.outputs
        return self._vector(self.point.out_shape)

    @property
    def in_steps(self) -> Steps | None:
        """What the integers of its input stand for; None where they are floats."""
        return None if self.quantised is None else self.quantised.source

    @property
    def out_steps(self) -> Steps | None:
        """What the integers of its output stand for; None where they are floats."""
        return None if self.quantised is None else self.quantised.target

    def _vector(self, shape: Shape) -> Dims:
        """Return ``shape``; of a softmax over single pixels, as networks end, without the plane."""
        return shape[:2] if self.operator == "softmax" and shape[2:] == (1, 1) else shape


@dataclass(frozen=True)
class Graph:
    """Nodes in order, each of which reads outputs of those before it."""

    name: str
    nodes: tuple[Node, ...]
    data_type: str
    input: Array  # float32, NCHW
    expected: Array  # float64, NCHW
    tolerance: float

    @property
    def is_chain(self) -> bool:
        """Whether each node reads the one before it, and nothing else."""
        return all(node.sources == (index - 1,) for index, node in enumerate(self.nodes))

    @property
    def in_shape(self) -> Shape:
        """Shape of the input, NCHW."""
        shape: Shape = self.nodes[0].point.in_shape
        return shape

    @property
    def out_shape(self) -> Shape:
        """Shape of the output, NCHW."""
        shape: Shape = self.nodes[-1].point.out_shape
        return shape

    def model_input(self, data_type: Any = np.float32) -> Array:
        """Return the input as the first node takes it; in int8 its integers."""
        first = self.nodes[0]
        values = self.input.reshape(first.in_dims)
        if first.in_steps is not None:
            return first.in_steps.quantise(values)
        return np.ascontiguousarray(values, data_type)

    def layers_named(self, names: Iterable[str]) -> list[str] | None:
        """Return the layers that a node of the library computes, by all names that it has.

        What a writer makes of a layer has the layer's name, or begins with it and `/` or `:`.  None
        where no name is a layer's.
        """
        found = {}
        for name in names:
            fitting = [
                node.name
                for node in self.nodes
                if name == node.name or name.startswith((f"{node.name}/", f"{node.name}:"))
            ]
            if fitting:
                found[max(fitting, key=len)] = True
        return list(found) or None

    def inputs_of(self, node: Node) -> Iterator[tuple[int, Dims, Dims]]:
        """Yield the number of each node that one reads, its dimensions, and those that it takes."""
        for source, taken in zip(node.sources, node.all_in_dims):
            given = self.nodes[source].out_dims if source >= 0 else self.nodes[0].in_dims
            yield source, given, taken

    def readers(self) -> list[list[int]]:
        """Return the numbers of the nodes that read each node's output, one for each reading.

        The last list is that of the graph's input.
        """
        found: list[list[int]] = [[] for _ in range(len(self.nodes) + 1)]
        for index, node in enumerate(self.nodes):
            for source in node.sources:
                found[source].append(index)
        return found

    def described(self) -> list[dict[str, str]]:
        """Return its layers by name and operator."""
        return [{"name": node.name, "operator": node.operator} for node in self.nodes]

    def join(self, outputs: list[Array]) -> Array:
        """Return the one output that a library has written, NCHW; of integers their numbers."""
        output, steps = outputs[0].reshape(self.out_shape), self.nodes[-1].out_steps
        return output.astype(np.float32, copy=False) if steps is None else steps.numbers(output)

    def check(self, output: Array) -> Comparison:
        """Compare an output with the right one."""
        return compare(output, self.expected, self.tolerance)


def read_graph(operator: str, environment: Environment, settings: Settings) -> Graph:
    """Read the point and draw its weights; raises a Failure."""
    if operator == "network":
        network = NetworkPoint.from_environment(environment, _read_layer)
        network.check_shapes()
        drawn = network.draw(settings.seed)
    else:
        point = _read_layer(operator, settings.tuner_type, environment)
        network = NetworkPoint("", (NetworkLayer(operator, operator, "", "", point),))
        drawn = [point.draw(settings.seed)]
    if settings.data_type == "fp16":
        drawn = [_halved(tensors) for tensors in drawn]
    expected = network.expected(drawn)
    judge = network if operator == "network" else network.layers[0].point
    return Graph(
        network.name or operator,
        tuple(_node(layer, tensors) for layer, tensors in zip(network.layers, drawn)),
        settings.data_type,
        drawn[0].input,
        expected,
        judge.tolerance(settings.threshold, expected),
    )


def _read_layer(operator: str, tuner: str, environment: Environment) -> Layer:
    """Read a layer; its tuner counts for the whole network, which has one."""
    if operator not in LAYERS:
        raise NotSupported(
            f"the operator {operator!r} is not one of this program's: "
            f"{', '.join(sorted([*LAYERS, 'network']))}"
        )
    return LAYERS[operator].from_environment(environment)  # type: ignore[no-any-return]


def _node(layer: NetworkLayer, tensors: Tensors) -> Node:
    node = Node(layer.name, layer.operator, layer.point, layer.inputs)
    if isinstance(tensors, WeightedTensors):
        return replace(node, weights=tensors.weights, bias=tensors.bias)
    return node


def _halved(tensors: Tensors) -> Tensors:
    """Round the operands to half precision."""
    return replace(
        tensors,
        **{
            name: values.astype(np.float16).astype(np.float32)
            for name, values in vars(tensors).items()
        },
    )
