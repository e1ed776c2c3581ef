"""``softmax`` over the channels of each pixel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from launch import Launch, divide_up
from operator_base import Operator
from point import read_integer
from reference import Tensors, draw_input

if TYPE_CHECKING:
    from point import Environment, Shape

SPREAD = 4.0  # inputs are from [-4, 4): the largest output is e^8 times the smallest


@dataclass(frozen=True)
class SoftmaxPoint:
    """One softmax: NCHW, over C."""

    batch: int
    channels: int
    height: int
    width: int

    @classmethod
    def from_environment(cls, environment: Environment) -> SoftmaxPoint:
        """Read the point; raises BadValue."""
        return cls(
            batch=read_integer(environment, "CK_IN_SHAPE_N", 1, least=1),
            channels=read_integer(environment, "CK_IN_SHAPE_C", least=1),
            height=read_integer(environment, "CK_IN_SHAPE_H", 1, least=1),
            width=read_integer(environment, "CK_IN_SHAPE_W", 1, least=1),
        )

    @property
    def in_shape(self) -> Shape:
        """Shape of the input, NCHW."""
        return self.batch, self.channels, self.height, self.width

    @property
    def out_shape(self) -> Shape:
        """Shape of the output: the input's."""
        return self.in_shape


class Softmax(Operator):
    """One kernel: vectors along the channels for a single pixel, along the pixels for many."""

    point_type = SoftmaxPoint
    point: SoftmaxPoint

    def buffer_elements(self) -> dict[str, int]:
        """Return how many float32 elements each device buffer will hold."""
        elements = int(np.prod(self.in_shape, dtype=object))
        return {"input": elements, "output": elements}

    def draw(self, seed: int) -> Tensors:
        """Draw the input."""
        return draw_input(seed, self.in_shape, SPREAD)

    def expected(self, tensors: Tensors) -> np.ndarray[Any, Any]:
        """Return the softmax in float64."""
        values = tensors.input.astype(np.float64)
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        softmax: np.ndarray[Any, Any] = powers / powers.sum(axis=1, keepdims=True)
        return softmax

    def tolerance(self, threshold: float, expected: np.ndarray[Any, Any]) -> float:
        """Return ``threshold`` times the largest output: with many channels all are small."""
        return threshold * float(np.abs(expected).max())

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
