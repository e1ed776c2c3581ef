"""``network``: the layers of a network one after the other, each one's output the next one's input.

The layers, and the operator and tuner of each, come from the file that ``NNTEST_NETWORK`` names.
Everything stays on the device; a run is all kernels of all layers in one in-order queue, and is
over when the queue has finished.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyopencl as cl
from failures import BadValue, Failure, NotSupported, WrongOutput
from operator_base import Operator
from operators import find_operator
from point import read_integer
from reference import WeightedTensors, compare

if TYPE_CHECKING:
    from device import Device
    from point import Environment, Shape
    from reference import Tensors
    from tuner import Tuners

    Array = np.ndarray[Any, Any]

KEYS = ("name", "operator", "tuner", "env")
# With these, a layer's outputs vary as much as its inputs, so that what is wrong in the first layer
# still shows in the last: weights are drawn uniformly, which has a variance of 1/3, and a bias of
# the inputs' own size would drown them in as many layers as a network has.
WEIGHTS_GAIN = 3.0**0.5
BIAS_GAIN = 0.1


@dataclass(frozen=True)
class LayerPoint:
    """One layer, as the file has it."""

    name: str
    operator: str
    tuner: str
    tensor: str
    kind: type[Operator]
    point: Any


@dataclass(frozen=True)
class NetworkPoint:
    """A network's layers, in order."""

    name: str
    layers: tuple[LayerPoint, ...]

    @classmethod
    def from_environment(cls, environment: Environment) -> NetworkPoint:
        """Read the file; raises BadValue, or NotSupported with the layer that cannot be."""
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
            tuple(_read_layer(layer, i, batch, path) for i, layer in enumerate(layers)),
        )


def _read_layer(layer: Any, index: int, batch: int, path: str) -> LayerPoint:
    missing = [key for key in KEYS if not isinstance(layer, dict) or key not in layer]
    if missing or not isinstance(layer["env"], dict):
        what = ", ".join(missing) or "mapping `env`"
        raise BadValue(f"NNTEST_NETWORK={path!r}: layer number {index + 1} has no {what}")
    environment = {key: str(value) for key, value in layer["env"].items()}
    environment["CK_IN_SHAPE_N"] = str(batch)
    try:
        kind = find_operator(layer["operator"])
        if layer["tuner"] not in kind.tuner_types:
            raise NotSupported(
                f"the tuner {layer['tuner']!r} is not one of {', '.join(kind.tuner_types)}"
            )
        point = kind.read_point(environment)
    except Failure as failure:
        raise type(failure)(f"layer {layer['name']!r}: {failure.reason}") from None
    tensor = str(layer.get("tensor", ""))
    return LayerPoint(layer["name"], layer["operator"], layer["tuner"], tensor, kind, point)


class Network(Operator):
    """All layers in order, on one device.

    Outputs are written to two buffers in turn, as far as a next layer reads them; the last one has
    a buffer of its own, so that the NaNs in it stay until the last layer has written it.
    """

    tuner_types = ("NONE", "DEFAULT", "CUSTOM", "SCHEDULE")

    def __init__(self, point: NetworkPoint, device: Device) -> None:
        """Make the layers; raises NotSupported where two do not fit together."""
        self.point = point
        self.device = device
        self.launches = []
        self.layers = [layer.kind(layer.point, device) for layer in point.layers]
        self._chain: list[Array] = []
        for index in range(1, len(self.layers)):
            self._check_fit(index)

    def _check_fit(self, index: int) -> None:
        given, wanted = self.layers[index - 1].out_shape, self.layers[index].in_shape
        layer = self.point.layers[index]
        flattened = layer.operator == "fullyconnected" and _elements(given) == _elements(wanted)
        if given != wanted and not flattened:
            raise NotSupported(
                f"layer {layer.name!r} takes {_text(wanted)} and the layer before it, "
                f"{self.point.layers[index - 1].name!r}, gives {_text(given)} "
                "(channels x height x width)"
            )

    @staticmethod
    def read_point(environment: Environment) -> NetworkPoint:
        """Read the layers from the file that the environment names; raises a Failure."""
        return NetworkPoint.from_environment(environment)

    @property
    def in_shape(self) -> Shape:
        """Shape of the first layer's input, NCHW."""
        return self.layers[0].in_shape

    @property
    def out_shape(self) -> Shape:
        """Shape of the last layer's output, NCHW."""
        return self.layers[-1].out_shape

    def _shared_elements(self) -> int:
        """Return the size of the larger of the outputs that a next layer reads."""
        return max((_elements(layer.out_shape) for layer in self.layers[:-1]), default=0)

    def buffer_elements(self) -> dict[str, int]:
        """Return how many float32 elements each device buffer will hold."""
        sizes = {
            f"{layer.name}: {name}": elements
            for layer, operator in zip(self.point.layers, self.layers)
            for name, elements in operator.buffer_elements().items()
            if name not in ("input", "output")
        }
        sizes["input"] = _elements(self.in_shape)
        sizes["outputs"] = sizes["other outputs"] = self._shared_elements()
        sizes["output"] = _elements(self.out_shape)
        return sizes

    def draw(self, seed: int) -> list[Tensors]:
        """Draw the operands of every layer; only the first one's input is used."""
        drawn = []
        for index, layer in enumerate(self.layers):
            tensors = layer.draw(seed + index)
            if isinstance(tensors, WeightedTensors):
                tensors = replace(
                    tensors,
                    weights=tensors.weights * np.float32(WEIGHTS_GAIN),
                    bias=tensors.bias * np.float32(BIAS_GAIN),
                )
            drawn.append(tensors)
        return drawn

    def expected(self, tensors: list[Tensors]) -> Array:
        """Return the last layer's output, and keep every layer's; all layers in float64."""
        self._chain = []
        values: Array = tensors[0].input
        for layer, operands in zip(self.layers, tensors):
            values = layer.expected(replace(operands, input=values.reshape(layer.in_shape)))
            self._chain.append(values.astype(np.float32))
        return values

    def tolerance(self, threshold: float, expected: Array) -> float:
        """Return ``threshold`` times the largest output."""
        return threshold * float(np.abs(expected).max())

    def set_up(self, tensors: list[Tensors], source: Any = None, target: Any = None) -> None:
        """Set up layer by layer; raises BuildFailed."""
        shared = self._shared_elements()
        outputs = [self.allocate(shared), self.allocate(shared)] if shared else []
        self.launches = []
        for index, (layer, operands) in enumerate(zip(self.layers, tensors)):
            is_last = index == len(self.layers) - 1
            layer.set_up(operands, source, target if is_last else outputs[index % 2])
            source = layer.output
            for launch in layer.launches:
                launch.label = f"{self.point.layers[index].name}/{launch.name}"
            self.launches += layer.launches
        self.output = source

    def tune(self, tuners: Tuners) -> None:
        """Choose the local sizes layer by layer, each on what the one before it has written."""
        for point, layer in zip(self.point.layers, self.layers):
            if point.tuner == "NONE":
                layer.enqueue(self.device.queue)
            tuners.apply(self.device, layer.launches, point.tuner)
        self.device.queue.finish()

    def check(self, tensors: list[Tensors], threshold: float) -> dict[str, Any]:
        """Compare each layer's output in one run with the reference; raises WrongOutput."""
        records = []
        for point, layer, expected in zip(self.point.layers, self.layers, self._chain):
            layer.enqueue(self.device.queue)
            output = np.empty(layer.out_shape, np.float32)
            cl.enqueue_copy(self.device.queue, output, layer.output)
            comparison = compare(output, expected, self.tolerance(threshold, expected))
            if not comparison.ok:
                raise WrongOutput(f"layer {point.name!r}: {comparison.explanation}")
            records.append(
                {
                    **{key: getattr(point, key) for key in ("name", "operator", "tuner", "tensor")},
                    "output_check": comparison.as_record(),
                }
            )
        return {"network": {"name": self.point.name, "layers": records}}


def _elements(shape: Shape) -> int:
    return int(np.prod(shape, dtype=object))


def _text(shape: Shape) -> str:
    return "x".join(str(number) for number in shape[1:])
