"""``network``: the layers of a network one after the other, each one's output the next one's input.

The layers, and the operator and tuner of each, come from the file that ``NNTEST_NETWORK`` names.
Everything stays on the device; a run is all kernels of all layers in one in-order queue, and is
over when the queue has finished.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyopencl as cl
from failures import NotSupported, WrongOutput
from network_point import NetworkPoint
from operator_base import Operator
from operators import OPERATORS, find_operator
from point import elements
from reference import compare

if TYPE_CHECKING:
    from device import Device
    from layers import Layer
    from point import Environment
    from reference import Tensors
    from tuner import Tuners

    Array = np.ndarray[Any, Any]


def read_layer(operator: str, tuner: str, environment: Environment) -> Layer:
    """Read the point of a layer; raises a Failure."""
    kind = find_operator(operator)
    if tuner not in kind.tuner_types:
        raise NotSupported(f"the tuner {tuner!r} is not one of {', '.join(kind.tuner_types)}")
    point: Layer = kind.read_point(environment)
    return point


class Network(Operator):
    """All layers in order, on one device.

    Outputs are written to two buffers in turn, as far as a next layer reads them; the last one has
    a buffer of its own, so that the NaNs in it stay until the last layer has written it.
    """

    tuner_types = ("NONE", "DEFAULT", "CUSTOM", "SCHEDULE")

    def __init__(self, point: NetworkPoint, device: Device) -> None:
        """Make the layers; raises NotSupported where two do not fit together."""
        point.check_chain()
        self.point = point
        self.device = device
        self.launches = []
        self.layers = [OPERATORS[layer.operator](layer.point, device) for layer in point.layers]
        self._chain: list[Array] = []

    @classmethod
    def read_point(cls, environment: Environment) -> NetworkPoint:
        """Read the layers from the file that the environment names; raises a Failure."""
        return NetworkPoint.from_environment(environment, read_layer)

    def _shared_elements(self) -> int:
        """Return the size of the larger of the outputs that a next layer reads."""
        return max((elements(layer.out_shape) for layer in self.layers[:-1]), default=0)

    def buffer_elements(self) -> dict[str, int]:
        """Return how many float32 elements each device buffer will hold."""
        sizes = {
            f"{layer.name}: {name}": size
            for layer, operator in zip(self.point.layers, self.layers)
            for name, size in operator.buffer_elements().items()
            if name not in ("input", "output")
        }
        sizes["input"] = elements(self.in_shape)
        sizes["outputs"] = sizes["other outputs"] = self._shared_elements()
        sizes["output"] = elements(self.out_shape)
        return sizes

    def expected(self, tensors: list[Tensors]) -> Array:
        """Return the last layer's output, and keep every layer's."""
        outputs = self.point.outputs(tensors)
        self._chain = [values.astype(np.float32) for values in outputs]
        return outputs[-1]

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
