"""A network as a file describes it: layers in order, and which outputs each of them reads.

A layer without `inputs` reads the one before it, the first one the network's input.  Else they are
the numbers of the layers that it reads, from 0, and -1 for the network's input.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Callable

import numpy as np
from failures import BadValue, Failure, NotSupported
from joins import JOINS, JoinPoint
from point import elements, read_integer
from reference import WeightedTensors

if TYPE_CHECKING:
    from layers import Layer
    from point import Environment, Shape
    from reference import Tensors

    Array = np.ndarray[Any, Any]
    LayerReader = Callable[[str, str, Environment], Layer]

KEYS = ("name", "operator", "tuner", "env")
# With these, a layer's outputs vary as much as its inputs, so that what is wrong in the first layer
# still shows in the last: weights are drawn uniformly, which has a variance of 1/3, and a bias of
# the inputs' own size would drown them in as many layers as a network has.
WEIGHTS_GAIN = 3.0**0.5
RECTIFIED_GAIN = 2.0**0.5  # a layer that cuts off what is negative leaves half of the variance
UNRECTIFIED = ("none", "sigmoid", "hard-sigmoid")
BIAS_GAIN = 0.1


@dataclass(frozen=True)
class NetworkLayer:
    """One layer, as the file has it."""

    name: str
    operator: str
    tuner: str
    tensor: str
    point: Layer
    inputs: tuple[int, ...] = (-1,)  # numbers of the layers that it reads; -1: the network's input


@dataclass(frozen=True)
class NetworkPoint:
    """A network's layers, in order."""

    name: str
    layers: tuple[NetworkLayer, ...]

    @classmethod
    def from_environment(cls, environment: Environment, read_layer: LayerReader) -> NetworkPoint:
        """Read the file; raises BadValue, or NotSupported with the layer that cannot be.

        ``read_layer`` reads a layer's point from its operator, its tuner and its environment.
        """
        path = environment.get("NNTEST_NETWORK", "")
        if not path:
            raise BadValue("NNTEST_NETWORK is not set; it must name a JSON file of layers")
        try:
            with open(path, encoding="utf-8") as file:
                content = json.load(file)
        except OSError as error:
            raise BadValue(f"NNTEST_NETWORK={path!r} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise BadValue(f"NNTEST_NETWORK={path!r} is not JSON ({error})") from None
        layers = content.get("layers") if isinstance(content, dict) else None
        if not isinstance(layers, list) or not layers:
            raise BadValue(f"NNTEST_NETWORK={path!r} has no list of layers")
        batch = read_integer(environment, "CK_IN_SHAPE_N", 1, least=1)
        read: list[NetworkLayer] = []
        for layer in layers:
            read.append(_read(layer, read, batch, path, read_layer))
        return cls(str(content.get("network", "")), tuple(read))

    @property
    def is_chain(self) -> bool:
        """Whether each layer reads the one before it, and nothing else."""
        return all(layer.inputs == (index - 1,) for index, layer in enumerate(self.layers))

    def check_chain(self) -> None:
        """Raise NotSupported where a layer does not take the output of the one before it alone."""
        for index, layer in enumerate(self.layers):
            if layer.inputs != (index - 1,):
                raise NotSupported(f"layer {layer.name!r} does not read the layer before it alone")
        self.check_shapes()

    def check_shapes(self) -> None:
        """Raise NotSupported where a layer does not take what the layer that it reads gives."""
        for layer in self.layers:
            if isinstance(layer.point, JoinPoint):
                continue  # read by its inputs' shapes
            (source,) = layer.inputs
            before = self.layers[source]
            given = self.in_shape if source < 0 else before.point.out_shape
            wanted = layer.point.in_shape
            flattened = layer.operator == "fullyconnected" and elements(given) == elements(wanted)
            if given != wanted and not flattened:
                name = "the network's input" if source < 0 else repr(before.name)
                raise NotSupported(
                    f"layer {layer.name!r} takes {_text(wanted)} and what it reads, {name}, gives "
                    f"{_text(given)} (channels x height x width)"
                )

    @property
    def in_shape(self) -> Shape:
        """Shape of the first layer's input, NCHW."""
        return self.layers[0].point.in_shape

    @property
    def out_shape(self) -> Shape:
        """Shape of the last layer's output, NCHW."""
        return self.layers[-1].point.out_shape

    def draw(self, seed: int) -> list[Tensors]:
        """Draw the operands of every layer; only the first one's input is used.

        Weights make up for what sums and products did to the variance of what a layer reads.
        """
        drawn = []
        variances: list[float] = []  # of outputs, over those of the network's input
        for index, layer in enumerate(self.layers):
            given = [variances[source] if source >= 0 else 1.0 for source in layer.inputs]
            tensors = layer.point.draw(seed + index)
            if isinstance(layer.point, JoinPoint):
                variances.append(layer.point.variance(given))
            elif isinstance(tensors, WeightedTensors):
                variances.append(1.0)
                rectified = layer.point.activation not in UNRECTIFIED
                gain = WEIGHTS_GAIN * (RECTIFIED_GAIN if rectified else 1) / given[0] ** 0.5
                tensors = replace(
                    tensors,
                    weights=tensors.weights * np.float32(gain),
                    bias=tensors.bias * np.float32(BIAS_GAIN),
                )
            else:
                variances.append(given[0])
            drawn.append(tensors)
        return drawn

    def outputs(self, tensors: list[Tensors]) -> list[Array]:
        """Return every layer's output, float64."""
        outputs: list[Array] = []
        for layer, operands in zip(self.layers, tensors):
            point = layer.point
            given = [outputs[at] if at >= 0 else tensors[0].input for at in layer.inputs]
            if isinstance(point, JoinPoint):
                outputs.append(point.expected(given))
            else:
                source = given[0].reshape(point.in_shape)
                outputs.append(point.expected(replace(operands, input=source)))
        return outputs

    def expected(self, tensors: list[Tensors]) -> Array:
        """Return the last layer's output; all layers in float64."""
        return self.outputs(tensors)[-1]

    def tolerance(self, threshold: float, expected: Array) -> float:
        """Return ``threshold`` times the largest output."""
        return threshold * float(np.abs(expected).max())


def _read(
    layer: Any, before: list[NetworkLayer], batch: int, path: str, read_layer: LayerReader
) -> NetworkLayer:
    index = len(before)
    missing = [key for key in KEYS if not isinstance(layer, dict) or key not in layer]
    if missing or not isinstance(layer["env"], dict):
        what = ", ".join(missing) or "mapping `env`"
        raise BadValue(f"NNTEST_NETWORK={path!r}: layer number {index + 1} has no {what}")
    inputs = _inputs(layer, before, f"NNTEST_NETWORK={path!r}: layer number {index + 1}")
    environment = {key: str(value) for key, value in layer["env"].items()}
    environment["CK_IN_SHAPE_N"] = str(batch)
    point: Layer
    try:
        if layer["operator"] in JOINS:
            first = before[0].point.in_shape
            shapes = tuple(before[at].point.out_shape if at >= 0 else first for at in inputs)
            activation = environment.get("NNTEST_ACTIVATION", "none")
            point = JoinPoint.of(layer["operator"], shapes, activation)
        else:
            point = read_layer(layer["operator"], layer["tuner"], environment)
    except Failure as failure:
        raise type(failure)(f"layer {layer['name']!r}: {failure.reason}") from None
    tensor = str(layer.get("tensor", ""))
    return NetworkLayer(
        layer["name"], layer["operator"], layer["tuner"], tensor, point, tuple(inputs)
    )


def _inputs(layer: Any, before: list[NetworkLayer], where: str) -> list[int]:
    """Return the numbers of the layers that a layer reads; raises BadValue."""
    inputs = layer.get("inputs", [len(before) - 1])
    if not isinstance(inputs, list) or any(at not in range(-1, len(before)) for at in inputs):
        raise BadValue(
            f"{where}: `inputs` must be numbers of layers before it, from 0, or -1 for the "
            f"network's input, not {inputs!r}"
        )
    joins = layer["operator"] in JOINS
    if not inputs or (len(inputs) > 1 and not joins) or (joins and not before):
        raise BadValue(f"{where}: {layer['operator']} cannot read {len(inputs)} outputs there")
    return inputs


def _text(shape: Shape) -> str:
    return "x".join(str(number) for number in shape[1:])
