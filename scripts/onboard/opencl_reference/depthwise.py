"""``depthwiseconv``: a 3x3 convolution of each channel with a filter of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from launch import Launch
from layers import DEPTHWISE_KERNEL, DepthwisePoint
from operator_base import Operator
from point import elements

if TYPE_CHECKING:
    from reference import WeightedTensors

TILE_ROWS = 4  # rows of the output that a work-item computes; where rows are few, all of them


class DepthwiseConvolution(Operator):
    """One kernel; a work-item computes a tile of a few rows, a vector wide."""

    point_type = DepthwisePoint
    point: DepthwisePoint

    def buffer_elements(self) -> dict[str, int]:
        """Return how many float32 elements each device buffer will hold."""
        return {
            "input": elements(self.in_shape),
            "weights": self.point.channels * DEPTHWISE_KERNEL**2,
            "bias": self.point.channels,
            "output": elements(self.out_shape),
        }

    def set_up(self, tensors: WeightedTensors, source: Any = None, target: Any = None) -> None:
        """Upload the operands and build; raises BuildFailed."""
        point = self.point
        _, _, out_h, out_w = self.out_shape
        tile = self.device.tile_width(out_w)
        if point.stride != 1:
            tile = min(tile, 8)  # a strided tile is picked out of a vector of twice its width
        rows = min(TILE_ROWS, out_h)
        options = (
            *("-cl-std=CL1.2", f"-DVECTOR={tile}", f"-DROWS={rows}"),
            *(f"-DKERNEL={DEPTHWISE_KERNEL}", f"-DSTRIDE={point.stride}"),
        )
        self.output = target or self.allocate(self.buffer_elements()["output"])
        self.launches = [
            Launch(
                self.device.build(("vectors.cl", "pixels.cl", "depthwise_convolution.cl"), options),
                "depthwise_convolution",
                options,
                (-(-out_w // tile), -(-out_h // rows), point.batch * point.channels),
                (
                    source or self.upload(tensors.input),
                    self.upload(tensors.weights),
                    self.upload(tensors.bias),
                    self.output,
                ),
                (
                    *(point.batch * point.channels, point.channels, point.height, point.width),
                    *(out_h, out_w, point.pads.top, point.pads.left),
                ),
            )
        ]
        self.device.queue.finish()
