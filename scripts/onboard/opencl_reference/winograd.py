"""``winogradconv``: 3x3 convolutions with stride 1 by Winograd's minimal filtering F(4x4, 3x3).

The matrices are those of Lavin and Gray 2016 (arXiv:1509.09308), section 4.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from convolutions import BLOCK, ConvolutionOperator
from failures import NotSupported
from launch import Launch, divide_up
from point import elements

if TYPE_CHECKING:
    from layers import ConvolutionPoint
    from point import Environment
    from reference import WeightedTensors

TILE = 4  # rows and columns of the output that a tile computes
POINTS = (TILE + 2) ** 2  # elements of a tile's input, and products for each channel
# A filter's transform is G f G^T.
G = np.array(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1],
    ]
)


class WinogradConvolution(ConvolutionOperator):
    """Three kernels: transform the input, 36 matrix products over the channels, transform back.

    The weights are transformed in set-up. A tile of 4x4 outputs takes 36 multiplications for each
    channel instead of 144.
    """

    @classmethod
    def read_point(cls, environment: Environment) -> ConvolutionPoint:
        """Read the point; raises BadValue, and NotSupported for another kernel or stride."""
        point: ConvolutionPoint = super().read_point(environment)
        if (point.kernel, point.stride) != (3, 1):
            raise NotSupported(
                f"CK_CONV_KERNEL={point.kernel} with CK_CONV_STRIDE={point.stride} is not "
                "supported; winogradconv has 3 with 1"
            )
        return point

    def _sizes(self) -> tuple[int, int, int, int]:
        """Return (panels of BLOCK output channels, rows and columns of tiles, tiles in all)."""
        point = self.point
        high, wide = divide_up(point.out_height, TILE), divide_up(point.out_width, TILE)
        return divide_up(point.out_channels, BLOCK), high, wide, point.batch * high * wide

    def buffer_elements(self) -> dict[str, int]:
        """Return how many float32 elements each device buffer will hold."""
        point = self.point
        panels, _, _, tiles = self._sizes()
        return {
            "input": elements(self.in_shape),
            "weights": POINTS * panels * BLOCK * point.channels,
            "bias": point.out_channels,
            "no bias": panels * BLOCK,
            "transformed": POINTS * point.channels * tiles,
            "products": POINTS * point.out_channels * tiles,
            "output": elements(self.out_shape),
        }

    def _transformed_weights(self, tensors: WeightedTensors) -> np.ndarray[Any, Any]:
        """Return the transformed filters, [POINTS][panels][channels][BLOCK]."""
        point, panels = self.point, self._sizes()[0]
        filters = np.einsum("iy,mcyx,jx->ijmc", G, tensors.weights.astype(np.float64), G)
        weights = np.zeros((POINTS, panels * BLOCK, point.channels), np.float32)
        weights[:, : point.out_channels] = filters.reshape(POINTS, point.out_channels, -1)
        return weights.reshape(POINTS, panels, BLOCK, point.channels).transpose(0, 1, 3, 2)

    def set_up(self, tensors: WeightedTensors, source: Any = None, target: Any = None) -> None:
        """Upload, with the weights transformed and in panels, and build; raises BuildFailed."""
        point, sizes = self.point, self.buffer_elements()
        panels, high, wide, tiles = self._sizes()
        transformed, products = (
            self.allocate(sizes["transformed"]),
            self.allocate(sizes["products"]),
        )
        self.output = target or self.allocate(sizes["output"])
        plain = ("-cl-std=CL1.2",)
        program = self.device.build(("winograd.cl",), plain)
        vectors = (*plain, f"-DVECTOR={self.device.tile_width(tiles)}")
        self.launches = [
            Launch(
                program,
                "winograd_input",
                plain,
                (wide, high, point.batch * point.channels),
                (source or self.upload(tensors.input), transformed),
                (
                    *(point.batch, point.channels, point.height, point.width),
                    *(high, wide, point.pads.top, point.pads.left),
                ),
            ),
            Launch(
                self.device.build(("vectors.cl", "gemm.cl"), vectors),
                "gemm",
                vectors,
                (divide_up(tiles, self.device.tile_width(tiles)), panels, POINTS),
                (
                    self.upload(self._transformed_weights(tensors)),
                    transformed,
                    self.upload(np.zeros(panels * BLOCK, np.float32)),
                    products,
                ),
                (POINTS, point.out_channels, point.channels, tiles, sizes["weights"] // POINTS),
            ),
            Launch(
                program,
                "winograd_output",
                plain,
                (wide, high, point.batch * point.out_channels),
                (products, self.upload(tensors.bias), self.output),
                (
                    *(point.batch, point.out_channels, point.out_height, point.out_width),
                    *(high, wide),
                ),
            ),
        ]
        self.device.queue.finish()
