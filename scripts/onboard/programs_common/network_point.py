"""A network as a file describes it: layers in order, each one's output the next one's input."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Callable

import numpy as np
from failures import BadValue, Failure, NotSupported
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
BIAS_GAIN = 0.1


@dataclass(frozen=True)
class NetworkLayer:
    """One layer, as the file has it."""

    name: str
    operator: str
    tuner: str
    tensor: str
    point: Layer


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
        return cls(
            str(content.get("network", "")),
            tuple(_read(layer, i, batch, path, read_layer) for i, layer in enumerate(layers)),
        )

    def check_chain(self) -> None:
        """Raise NotSupported where a layer does not take what the one before it gives."""
        for before, layer in zip(self.layers, self.layers[1:]):
            given, wanted = before.point.out_shape, layer.point.in_shape
            flattened = layer.operator == "fullyconnected" and elements(given) == elements(wanted)
            if given != wanted and not flattened:
                raise NotSupported(
                    f"layer {layer.name!r} takes {_text(wanted)} and the layer before it, "
                    f"{before.name!r}, gives {_text(given)} (channels x height x width)"
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
        """Draw the operands of every layer; only the first one's input is used."""
        drawn = []
        for index, layer in enumerate(self.layers):
            tensors = layer.point.draw(seed + index)
            if isinstance(tensors, WeightedTensors):
                rectified = layer.point.activation not in ("none", "sigmoid")
                gain = WEIGHTS_GAIN * (RECTIFIED_GAIN if rectified else 1)
                tensors = replace(
                    tensors,
                    weights=tensors.weights * np.float32(gain),
                    bias=tensors.bias * np.float32(BIAS_GAIN),
                )
            drawn.append(tensors)
        return drawn

    def chain(self, tensors: list[Tensors]) -> list[Array]:
        """Return every layer's output, float64."""
        outputs = []
        values: Array = tensors[0].input
        for layer, operands in zip(self.layers, tensors):
            point = layer.point
            values = point.expected(replace(operands, input=values.reshape(point.in_shape)))
            outputs.append(values)
        return outputs

    def expected(self, tensors: list[Tensors]) -> Array:
        """Return the last layer's output; all layers in float64."""
        return self.chain(tensors)[-1]

    def tolerance(self, threshold: float, expected: Array) -> float:
        """Return ``threshold`` times the largest output."""
        return threshold * float(np.abs(expected).max())


def _read(layer: Any, index: int, batch: int, path: str, read_layer: LayerReader) -> NetworkLayer:
    missing = [key for key in KEYS if not isinstance(layer, dict) or key not in layer]
    if missing or not isinstance(layer["env"], dict):
        what = ", ".join(missing) or "mapping `env`"
        raise BadValue(f"NNTEST_NETWORK={path!r}: layer number {index + 1} has no {what}")
    environment = {key: str(value) for key, value in layer["env"].items()}
    environment["CK_IN_SHAPE_N"] = str(batch)
    try:
        point = read_layer(layer["operator"], layer["tuner"], environment)
    except Failure as failure:
        raise type(failure)(f"layer {layer['name']!r}: {failure.reason}") from None
    tensor = str(layer.get("tensor", ""))
    return NetworkLayer(layer["name"], layer["operator"], layer["tuner"], tensor, point)


def _text(shape: Shape) -> str:
    return "x".join(str(number) for number in shape[1:])
