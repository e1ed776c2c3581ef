"""``avgpool`` and ``maxpool``: the mean or the largest of each square window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from launch import Launch, divide_up
from layers import AveragePoolPoint, LargestPoolPoint, PoolPoint
from operator_base import Operator
from point import elements

if TYPE_CHECKING:
    from reference import Tensors


class Pooling(Operator):
    """What both poolings share: one kernel, by tiles where the output's rows are long enough."""

    largest: bool  # maxpool, else avgpool

    point: PoolPoint

    def buffer_elements(self) -> dict[str, int]:
        """Return how many float32 elements each device buffer will hold."""
        return {
            "input": elements(self.in_shape),
            "output": elements(self.out_shape),
        }

    def set_up(self, tensors: Tensors, source: Any = None, target: Any = None) -> None:
        """Upload the input and build; raises BuildFailed."""
        point = self.point
        _, _, out_h, out_w = self.out_shape
        # Where the divisor differs from pixel to pixel, pixels are computed one by one.
        tiled = out_w >= 4 and not (point.exclude_padding and any(point.pads))
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
                (planes, point.height, point.width, out_h, out_w, *point.pads[::2]),
            )
        ]
        self.device.queue.finish()


class AveragePooling(Pooling):
    """``avgpool``."""

    point_type = AveragePoolPoint
    largest = False


class LargestPooling(Pooling):
    """``maxpool``; padding is never the largest."""

    point_type = LargestPoolPoint
    largest = True
