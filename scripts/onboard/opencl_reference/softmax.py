"""``softmax`` over the channels of each pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from launch import Launch, divide_up
from layers import SoftmaxPoint
from operator_base import Operator
from point import elements

if TYPE_CHECKING:
    from reference import Tensors


class Softmax(Operator):
    """One kernel: vectors along the channels for a single pixel, along the pixels for many."""

    point_type = SoftmaxPoint
    point: SoftmaxPoint

    def buffer_elements(self) -> dict[str, int]:
        """Return how many float32 elements each device buffer will hold."""
        size = elements(self.in_shape)
        return {"input": size, "output": size}

    def set_up(self, tensors: Tensors, source: Any = None, target: Any = None) -> None:
        """Upload the input and build; raises BuildFailed."""
        batch, channels, height, width = self.in_shape
        pixels = height * width
        tile = self.device.tile_width(channels if pixels == 1 else pixels)
        options = ("-cl-std=CL1.2", f"-DVECTOR={tile}")
        self.output = target or self.allocate(self.buffer_elements()["output"])
        self.launches = [
            Launch(
                self.device.build(("vectors.cl", "softmax.cl"), options),
                "softmax_row" if pixels == 1 else "softmax_pixels",
                options,
                (1 if pixels == 1 else divide_up(pixels, tile), batch, 1),
                (source or self.upload(tensors.input), self.output),
                (batch, channels, pixels),
            )
        ]
        self.device.queue.finish()
