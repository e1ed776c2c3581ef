"""``fullyconnected``: every output is a weighted sum over all elements of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from launch import Launch, divide_up
from layers import FullyConnectedPoint
from operator_base import Operator
from point import elements

if TYPE_CHECKING:
    from reference import WeightedTensors

SUMS = 4  # sums that a work-item keeps: of four images, or of four parts of one


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
            "input": elements(self.in_shape),
            "weights": panels * width * self.point.depth,
            "bias": panels * width,
            "output": elements(self.out_shape),
        }

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
