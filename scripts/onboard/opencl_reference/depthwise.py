"""``depthwiseconv``: a 3x3 convolution of each channel with a filter of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from launch import Launch
from operator_base import Operator
from point import BadValue, Pads, read_integer, read_pads
from reference import WeightedTensors, draw_weighted, out_size, taps

if TYPE_CHECKING:
    from point import Environment, Shape

KERNEL = 3  # the only one that CK-NNTest's data sets have
TILE_ROWS = 4  # rows of the output that a work-item computes; where rows are few, all of them


@dataclass(frozen=True)
class DepthwisePoint:
    """One depthwise convolution: NCHW, a 3x3 kernel, as many channels out as in."""

    batch: int
    channels: int
    height: int
    width: int
    stride: int
    pads: Pads

    @classmethod
    def from_environment(cls, environment: Environment) -> DepthwisePoint:
        """Read the point; raises BadValue, also where the kernel is larger than the input."""
        point = cls(
            batch=read_integer(environment, "CK_IN_SHAPE_N", 1, least=1),
            channels=read_integer(environment, "CK_IN_SHAPE_C", least=1),
            height=read_integer(environment, "CK_IN_SHAPE_H", least=1),
            width=read_integer(environment, "CK_IN_SHAPE_W", least=1),
            stride=read_integer(environment, "CK_DEPTHWISE_STRIDE", 1, least=1),
            pads=read_pads(environment, "CK_DEPTHWISE_PAD"),
        )
        if min(point.out_shape) < 1:
            raise BadValue(
                f"CK_IN_SHAPE_H={point.height} and CK_IN_SHAPE_W={point.width} with their padding "
                f"are less than the {KERNEL}x{KERNEL} kernel"
            )
        return point

    @property
    def in_shape(self) -> Shape:
        """Shape of the input, NCHW."""
        return self.batch, self.channels, self.height, self.width

    @property
    def out_shape(self) -> Shape:
        """Shape of the output, NCHW."""
        pads = self.pads
        return (
            *(self.batch, self.channels),
            out_size(self.height + pads.top + pads.bottom, KERNEL, self.stride),
            out_size(self.width + pads.left + pads.right, KERNEL, self.stride),
        )


class DepthwiseConvolution(Operator):
    """One kernel; a work-item computes a tile of a few rows, a vector wide."""

    point_type = DepthwisePoint
    point: DepthwisePoint

    def buffer_elements(self) -> dict[str, int]:
        """Return how many float32 elements each device buffer will hold."""
        return {
            "input": int(np.prod(self.in_shape, dtype=object)),
            "weights": self.point.channels * KERNEL**2,
            "bias": self.point.channels,
            "output": int(np.prod(self.out_shape, dtype=object)),
        }

    def draw(self, seed: int) -> WeightedTensors:
        """Draw input, weights and bias."""
        filters = (self.point.channels, KERNEL, KERNEL)
        return draw_weighted(seed, self.in_shape, filters, KERNEL**2)

    def expected(self, tensors: WeightedTensors) -> np.ndarray[Any, Any]:
        """Return the convolution in float64, a tap of the kernel at a time."""
        weights = tensors.weights.astype(np.float64)
        total = np.zeros(self.out_shape)
        for y, x, seen in taps(tensors.input, KERNEL, self.point.stride, self.point.pads):
            total += weights[None, :, y, x, None, None] * seen
        total += tensors.bias.astype(np.float64)[:, None, None]
        return total

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
            *(f"-DKERNEL={KERNEL}", f"-DSTRIDE={point.stride}"),
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
