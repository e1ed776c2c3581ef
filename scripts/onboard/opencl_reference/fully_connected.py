"""``fullyconnected``: every output is a weighted sum over all elements of the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from launch import Launch, divide_up
from operator_base import Operator
from point import read_integer
from reference import WeightedTensors, draw_weighted

if TYPE_CHECKING:
    from point import Environment, Shape

SUMS = 4  # sums that a work-item keeps: of four images, or of four parts of one


@dataclass(frozen=True)
class FullyConnectedPoint:
    """One fully connected layer; the input is taken as one vector for each image."""

    in_shape: Shape
    out_shape: Shape

    @classmethod
    def from_environment(cls, environment: Environment) -> FullyConnectedPoint:
        """Read the point; raises BadValue."""
        batch = read_integer(environment, "CK_IN_SHAPE_N", 1, least=1)

        def shape(prefix: str) -> Shape:
            return (
                batch,
                read_integer(environment, f"{prefix}_C", least=1),
                read_integer(environment, f"{prefix}_H", 1, least=1),
                read_integer(environment, f"{prefix}_W", 1, least=1),
            )

        return cls(shape("CK_IN_SHAPE"), shape("CK_OUT_SHAPE"))

    @property
    def depth(self) -> int:
        """Elements of an image."""
        return int(np.prod(self.in_shape[1:], dtype=object))

    @property
    def outputs(self) -> int:
        """Outputs for each image."""
        return int(np.prod(self.out_shape[1:], dtype=object))


class FullyConnected(Operator):
    """One kernel; a work-item computes a vector of outputs, for up to SUMS images at once."""

    point_type = FullyConnectedPoint
    point: FullyConnectedPoint

    def _panels(self) -> tuple[int, int]:
        """Return (panels of weights, outputs of a panel)."""
        width = self.device.tile_width(self.point.outputs)
        return divide_up(self.point.outputs, width), width

    def buffer_elements(self) -> dict[str, int]:
        """Return how many float32 elements each device buffer will hold."""
        panels, width = self._panels()
        return {
            "input": int(np.prod(self.in_shape, dtype=object)),
            "weights": panels * width * self.point.depth,
            "bias": panels * width,
            "output": int(np.prod(self.out_shape, dtype=object)),
        }

    def draw(self, seed: int) -> WeightedTensors:
        """Draw input, weights [outputs][depth] and bias."""
        point = self.point
        return draw_weighted(seed, self.in_shape, (point.outputs, point.depth), point.depth)

    def expected(self, tensors: WeightedTensors) -> np.ndarray[Any, Any]:
        """Return the matrix product plus bias in float64."""
        batch = self.in_shape[0]
        images = tensors.input.reshape(batch, self.point.depth).astype(np.float64)
        total = images @ tensors.weights.astype(np.float64).T + tensors.bias.astype(np.float64)
        return total.reshape(self.out_shape)

    def set_up(self, tensors: WeightedTensors, source: Any = None, target: Any = None) -> None:
        """Upload, with the weights reshaped into panels, and build; raises BuildFailed."""
        point, batch = self.point, self.in_shape[0]
        panels, width = self._panels()
        weights = np.zeros((panels * width, point.depth), np.float32)
        weights[: point.outputs] = tensors.weights
        bias = np.zeros(panels * width, np.float32)
        bias[: point.outputs] = tensors.bias
        images = min(batch, SUMS)
        options = (
            *("-cl-std=CL1.2", f"-DVECTOR={width}"),
            *(f"-DIMAGES={images}", f"-DPARTS={SUMS // images}"),
        )
        self.output = target or self.allocate(self.buffer_elements()["output"])
        self.launches = [
            Launch(
                self.device.build(("vectors.cl", "fully_connected.cl"), options),
                "fully_connected",
                options,
                (panels, divide_up(batch, images), 1),
                (
                    source or self.upload(tensors.input),
                    self.upload(weights.reshape(panels, width, point.depth).transpose(0, 2, 1)),
                    self.upload(bias),
                    self.output,
                ),
                (batch, point.depth, point.outputs),
            )
        ]
        self.device.queue.finish()
