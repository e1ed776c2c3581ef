"""A graph in int8: its scales, its integers, and the right output in exact arithmetic.

Activations have one scale for each tensor, taken from the least and the largest number that the
graph's own input gives there; weights one for each output channel, without a zero point; a bias is
an int32 of the scale input times weights.

Weights have 7 bits.  x86 processors without VNNI add two products of an unsigned and a signed byte
in 16 bits that saturate (VPMADDUBSW); 2 * 255 * 64 = 32640 is the most that fits.  A kernel's time
does not depend on the numbers, and a right sum is right on every processor.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from failures import NotSupported
from graph import read_graph
from integers import Integers, Quantised, Steps
from layers import ACTIVATIONS
from reference import Tensors, WeightedTensors

if TYPE_CHECKING:
    from graph import Graph, Node
    from point import Environment, Settings

    Array = np.ndarray[Any, Any]

WEIGHTS_MOST = 64
LAYER_STEPS = 1.0
"""Steps of the output by which a layer's right output may differ.

Its sum is exact, but its rescaling, in float32 or with fixed point, rounds to the other side where
the exact value lies half-way between two integers.
"""
NETWORK_SPREADS, NUDGE, NUDGED_RUNS = 2.0, 0.25, 3
"""A whole network may differ by so many times what it makes of other roundings in its layers.

That is the largest difference of so many runs in which each value is moved by up to so much of a
step before it is rounded, as no library moves it.
"""
FLOAT_TOLERANCE = 0.001  # of the largest output, of a layer whose output is not quantised
CONVOLUTIONS = {"conv", "depthwiseconv"}
STEEPEST = {"hard-swish": 1.5, "sigmoid": 0.25}
"""Activations that are computed from integers, with their largest slope.

The others only cut the range of the output off.
"""


def read_in_data_type(
    operator: str, environment: Environment, settings: Settings, integers: Integers
) -> Graph:
    """Read the point as `read_graph` does, and in int8 quantise it; raises a Failure."""
    graph = read_graph(operator, environment, settings)
    if settings.data_type == "int8":
        _refuse_in_int8(graph)
        return quantise(graph, settings.threshold, integers)
    return graph


def _refuse_in_int8(graph: Graph) -> None:
    """Raise NotSupported for what has no rule for its scales here."""
    if not graph.is_chain:
        raise NotSupported("int8 of a network with branches: sums of integers have no scales here")
    for node in graph.nodes:
        if node.point.activation == "hard-sigmoid":
            raise NotSupported(f"int8 of {node.name}: hard-sigmoid has no scales here")


def quantise(graph: Graph, threshold: float, integers: Integers) -> Graph:
    """Return ``graph`` with integers; its input and the right output are numbers that they have.

    ``threshold``: the tolerance of a layer in steps of its output, of several layers in times of
    what the network makes of other roundings.  Pools keep their input's steps, as TFLite's have to;
    a softmax gives float32.  ``integers`` says what the library does otherwise.
    """
    handed_on: Steps | None = Steps.covering(graph.input, integers)
    first = handed_on.numbers(handed_on.quantise(graph.input))
    exact, nodes = first, []
    for node, following in zip(graph.nodes, (*graph.nodes[1:], None)):
        source = handed_on or Steps.covering(exact, integers)
        floats = _operands(node, exact)
        exact = node.point.expected(floats)
        made = _quantised(node, following, source, floats, exact)
        nodes.append(replace(node, quantised=made))
        handed_on = nodes[-1].out_steps
    right = _chain(nodes, first)
    if len(nodes) == 1:
        tolerance = _layer_tolerance(nodes[0], right, threshold)
    else:
        tolerance = threshold * _spread(nodes, first, right)
    return replace(
        graph,
        nodes=tuple(nodes),
        input=first.astype(np.float32),
        expected=right,
        tolerance=tolerance * (1 + 1e-6),  # both sides are float64
    )


def _layer_tolerance(node: Node, right: Array, threshold: float) -> float:
    quantised = node.quantised
    if quantised is None or quantised.target is None:
        return FLOAT_TOLERANCE * float(np.abs(right).max())
    off = quantised.target.scale
    if quantised.linear is not None:  # which may be a step off itself
        off += STEEPEST[node.point.activation] * quantised.linear.scale
    return threshold * off


def _spread(nodes: list[Node], first: Array, right: Array) -> float:
    """Return the largest difference from ``right`` of runs that round differently."""
    generator = np.random.default_rng(0)
    runs = [_chain(nodes, first, generator) for _ in range(NUDGED_RUNS)]
    steps = nodes[-1].out_steps
    least = FLOAT_TOLERANCE * float(np.abs(right).max()) if steps is None else steps.scale
    return max(least, *(float(np.abs(run - right).max()) for run in runs))


def _chain(nodes: list[Node], values: Array, generator: np.random.Generator | None = None) -> Array:
    for node in nodes:
        values = expected(node, values, generator)
    return values


def expected(node: Node, values: Array, generator: np.random.Generator | None = None) -> Array:
    """Return the right output of a node for ``values``, of which it takes the nearest integers.

    Sums are of integers in float64, which has all of them.  With a ``generator`` what is rounded is
    moved by up to NUDGE before.
    """
    quantised, point = node.quantised, node.point
    if quantised is None or quantised.weights is None:
        linear = point.expected(_operands(node, values))
    else:
        source = quantised.source
        moved = _moved(values.reshape(point.in_shape), source, generator)
        integers = source.quantise(moved).astype(np.float64) - source.zero
        assert quantised.bias is not None and quantised.weight_scales is not None
        tensors = WeightedTensors(integers, quantised.weights, quantised.bias)
        scales = source.scale * quantised.weight_scales.astype(np.float64)
        shape = point.out_shape[1:] if node.operator == "fullyconnected" else (-1, 1, 1)
        linear = replace(point, activation="none").expected(tensors) * scales.reshape(shape)
        if quantised.linear is not None:
            linear = quantised.linear.numbers(quantised.linear.quantise(linear))
        linear = ACTIVATIONS[point.activation](linear)
    if quantised is None or quantised.target is None:
        return linear
    target = quantised.target
    return target.numbers(target.quantise(_moved(linear, target, generator)))


def _moved(values: Array, steps: Steps, generator: np.random.Generator | None) -> Array:
    """Move what is to be rounded; integers that were handed on stay what they are."""
    if generator is None:
        return values
    return values + generator.uniform(-NUDGE, NUDGE, values.shape) * steps.scale


def _quantised(
    node: Node, following: Node | None, source: Steps, floats: Tensors, exact: Array
) -> Quantised | None:
    """Return the integers of a node; ``exact`` is its output for ``floats``."""
    everywhere = source.integers.everywhere
    if not everywhere and not isinstance(floats, WeightedTensors):
        return None
    if node.operator == "softmax":
        return Quantised(source, None)
    if not isinstance(floats, WeightedTensors):
        return Quantised(source, source)
    integers, linear = source.integers, None
    target: Steps | None = Steps.covering(exact, integers)
    if node.point.activation == "sigmoid" and not integers.symmetric:
        target = Steps(1 / 256, integers.limits[0], integers)  # all that TFLite takes
    if not everywhere:
        if not (following and {node.operator, following.operator} <= CONVOLUTIONS):
            target = None
    elif node.point.activation in STEEPEST:
        plain = replace(node.point, activation="none").expected(floats)
        linear = Steps.covering(plain, integers)
    each = np.abs(floats.weights).reshape(len(floats.weights), -1).max(axis=1)
    scales = (np.where(each > 0, each, 1) / WEIGHTS_MOST).astype(np.float32)
    rows = scales.reshape(-1, *[1] * (floats.weights.ndim - 1))
    return Quantised(
        source,
        target,
        linear,
        np.rint(floats.weights / rows).astype(np.int8),
        scales,
        np.rint(floats.bias / (source.scale * scales)).astype(np.int32),
    )


def _operands(node: Node, values: Array) -> Tensors:
    values = values.reshape(node.point.in_shape)
    if node.weights is None or node.bias is None:
        return Tensors(values)
    return WeightedTensors(values, node.weights, node.bias)
