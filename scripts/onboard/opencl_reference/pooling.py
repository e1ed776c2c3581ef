"""``avgpool`` and ``maxpool``: the mean or the largest of each square window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from launch import Launch, divide_up
from operator_base import Operator
from point import BadValue, Pads, read_integer
from reference import Tensors, draw_input, out_size, taps

if TYPE_CHECKING:
    from point import Environment, Shape


@dataclass(frozen=True)
class PoolPoint:
    """One pooling: NCHW, a square window, one stride for both directions."""

    batch: int
    channels: int
    height: int
    width: int
    kernel: int
    stride: int
    pad: int
    exclude_padding: bool  # whether a mean is over the window's part inside the input only

    @classmethod
    def from_environment(cls, environment: Environment) -> PoolPoint:
        """Read the point; raises BadValue, also for a window that could lie in padding alone."""
        point = cls(
            batch=read_integer(environment, "CK_IN_SHAPE_N", 1, least=1),
            channels=read_integer(environment, "CK_IN_SHAPE_C", least=1),
            height=read_integer(environment, "CK_IN_SHAPE_H", least=1),
            width=read_integer(environment, "CK_IN_SHAPE_W", least=1),
            kernel=read_integer(environment, "CK_POOL_KERNEL", least=1),
            stride=read_integer(environment, "CK_POOL_STRIDE", 1, least=1),
            pad=read_integer(environment, "CK_POOL_PAD", 0),
            exclude_padding=bool(read_integer(environment, "CK_EXCLUDE_PADDING", 0)),
        )
        if point.pad >= point.kernel:
            raise BadValue(
                f"CK_POOL_PAD={point.pad} is not less than CK_POOL_KERNEL={point.kernel}: "
                "windows would lie outside of the input"
            )
        if min(point.out_shape) < 1:
            raise BadValue(
                f"CK_POOL_KERNEL={point.kernel} is larger than the padded input of "
                f"{point.height + 2 * point.pad}x{point.width + 2 * point.pad}"
            )
        return point

    @property
    def in_shape(self) -> Shape:
        """Shape of the input, NCHW."""
        return self.batch, self.channels, self.height, self.width

    @property
    def out_shape(self) -> Shape:
        """Shape of the output, NCHW."""
        return (
            *(self.batch, self.channels),
            out_size(self.height + 2 * self.pad, self.kernel, self.stride),
            out_size(self.width + 2 * self.pad, self.kernel, self.stride),
        )

    @property
    def pads(self) -> Pads:
        """The padding of each side."""
        return Pads(self.pad, self.pad, self.pad, self.pad)


class Pooling(Operator):
    """What both poolings share: one kernel, by tiles where the output's rows are long enough."""

    largest: bool  # maxpool, else avgpool

    point_type = PoolPoint
    point: PoolPoint

    def buffer_elements(self) -> dict[str, int]:
        """Return how many float32 elements each device buffer will hold."""
        return {
            "input": int(np.prod(self.in_shape, dtype=object)),
            "output": int(np.prod(self.out_shape, dtype=object)),
        }

    def set_up(self, tensors: Tensors, source: Any = None, target: Any = None) -> None:
        """Upload the input and build; raises BuildFailed."""
        point = self.point
        _, _, out_h, out_w = self.out_shape
        # Where the divisor differs from pixel to pixel, pixels are computed one by one.
        tiled = out_w >= 4 and not (point.exclude_padding and point.pad)
        tile = self.device.tile_width(out_w)
        if point.stride != 1:
            tile = min(tile, 8)  # a strided tile is picked out of a vector of twice its width
        options = (
            *("-cl-std=CL1.2", f"-DVECTOR={tile}"),
            *(f"-DKERNEL={point.kernel}", f"-DSTRIDE={point.stride}"),
            *(("-DLARGEST",) if self.largest else ()),
            *(("-DEXCLUDE_PADDING",) if point.exclude_padding else ()),
        )
        planes = point.batch * point.channels
        self.output = target or self.allocate(self.buffer_elements()["output"])
        self.launches = [
            Launch(
                self.device.build(("vectors.cl", "pixels.cl", "pool.cl"), options),
                "pool_tiles" if tiled else "pool_pixels",
                options,
                (divide_up(out_w, tile) if tiled else out_w, out_h, planes),
                (source or self.upload(tensors.input), self.output),
                (planes, point.height, point.width, out_h, out_w, point.pad, point.pad),
            )
        ]
        self.device.queue.finish()


class AveragePooling(Pooling):
    """``avgpool``."""

    largest = False

    def draw(self, seed: int) -> Tensors:
        """Draw the input, so large that the means of the windows are of the order of 1."""
        return draw_input(seed, self.in_shape, float(self.point.kernel))

    def expected(self, tensors: Tensors) -> np.ndarray[Any, Any]:
        """Return the means in float64."""
        point = self.point
        total = np.zeros(self.out_shape)
        for _, _, seen in taps(tensors.input, point.kernel, point.stride, point.pads):
            total += seen
        if not point.exclude_padding:
            return total / point.kernel**2
        inside = np.zeros(self.out_shape[2:])
        ones = np.ones((1, 1, point.height, point.width))
        for _, _, seen in taps(ones, point.kernel, point.stride, point.pads):
            inside += seen[0, 0]
        return total / inside


class LargestPooling(Pooling):
    """``maxpool``; padding is never the largest."""

    largest = True

    def draw(self, seed: int) -> Tensors:
        """Draw the input."""
        return draw_input(seed, self.in_shape)

    def expected(self, tensors: Tensors) -> np.ndarray[Any, Any]:
        """Return the largest of each window, float64."""
        point = self.point
        largest = np.full(self.out_shape, -np.inf)
        for _, _, seen in taps(tensors.input, point.kernel, point.stride, point.pads, -np.inf):
            np.maximum(largest, seen, out=largest)
        return largest
