"""The convolutions: by im2col and GEMM, and direct."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from launch import Launch, divide_up
from layers import ConvolutionPoint
from operator_base import Operator
from point import elements

if TYPE_CHECKING:
    from reference import WeightedTensors

BLOCK = 4  # rows (output channels) of a tile; the same number is in kernels/vectors.cl


class ConvolutionOperator(Operator):
    """What the convolutions share: the point."""

    point_type = ConvolutionPoint
    point: ConvolutionPoint


class Convolution(ConvolutionOperator):
    """``conv``: im2col and one matrix product (GEMM) for each image, with the bias added in it.

    output [out_channels][pixels] = weights [out_channels][depth] x columns [depth][pixels], where
    depth = channels * kernel^2. im2col is left out for a 1x1 kernel with stride 1 and no padding:
    the input, seen as [channels][height * width], already is that matrix.
    """

    def _sizes(self) -> tuple[int, int, int]:
        """Return (panels of BLOCK output channels, depth, output pixels of an image)."""
        point = self.point
        depth = point.channels * point.kernel**2
        return divide_up(point.out_channels, BLOCK), depth, point.out_height * point.out_width

    def buffer_elements(self) -> dict[str, int]:
        """Return how many float32 elements each device buffer will hold."""
        panels, depth, pixels = self._sizes()
        sizes = {
            "input": elements(self.in_shape),
            "weights": panels * BLOCK * depth,
            "bias": panels * BLOCK,
            "output": elements(self.out_shape),
        }
        if not self.point.is_pointwise:
            sizes["columns"] = self.point.batch * depth * pixels
        return sizes

    def set_up(self, tensors: WeightedTensors, source: Any = None, target: Any = None) -> None:
        """Upload, with the weights reshaped into panels, and build; raises BuildFailed."""
        point, sizes = self.point, self.buffer_elements()
        panels, depth, pixels = self._sizes()
        weights = np.zeros((panels * BLOCK, depth), np.float32)
        weights[: point.out_channels] = tensors.weights.reshape(point.out_channels, depth)
        bias = np.zeros(panels * BLOCK, np.float32)
        bias[: point.out_channels] = tensors.bias
        weights_buffer = self.upload(weights.reshape(panels, BLOCK, depth).transpose(0, 2, 1))
        bias_buffer = self.upload(bias)
        columns = source or self.upload(tensors.input)
        self.output = target or self.allocate(sizes["output"])
        self.launches = []
        if not point.is_pointwise:
            unfolded = self.allocate(sizes["columns"])
            self.launches.append(self._im2col(columns, unfolded))
            columns = unfolded
        tile = self.device.tile_width(pixels)
        options = ("-cl-std=CL1.2", f"-DVECTOR={tile}")
        self.launches.append(
            Launch(
                self.device.build(("vectors.cl", "gemm.cl"), options),
                "gemm",
                options,
                (divide_up(pixels, tile), panels, point.batch),
                (weights_buffer, columns, bias_buffer, self.output),
                (point.batch, point.out_channels, depth, pixels, 0),
            )
        )
        self.device.queue.finish()

    def _im2col(self, source: Any, target: Any) -> Launch:
        point = self.point
        options = ("-cl-std=CL1.2", f"-DKERNEL={point.kernel}", f"-DSTRIDE={point.stride}")
        return Launch(
            self.device.build(("im2col.cl",), options),
            "im2col",
            options,
            (point.out_height * point.out_width, point.channels, point.batch),
            (source, target),
            (
                *(point.batch, point.channels, point.height, point.width),
                *(point.out_height, point.out_width, point.pads.top, point.pads.left),
            ),
        )


class DirectConvolution(ConvolutionOperator):
    """``directconv``: one kernel that sums over the input where it lies; weights as they come.

    A 1x1 kernel with stride 1 and no padding does not know rows from columns, so each image is
    then taken as one row of height * width pixels: its tiles are cut off once and not in each row.
    """

    def buffer_elements(self) -> dict[str, int]:
        """Return how many float32 elements each device buffer will hold."""
        point = self.point
        return {
            "input": elements(self.in_shape),
            "weights": point.out_channels * point.channels * point.kernel**2,
            "bias": point.out_channels,
            "output": elements(self.out_shape),
        }

    def set_up(self, tensors: WeightedTensors, source: Any = None, target: Any = None) -> None:
        """Upload the operands and build; raises BuildFailed."""
        point = self.point
        in_h, in_w, out_h, out_w = point.height, point.width, point.out_height, point.out_width
        if point.is_pointwise:
            in_h, in_w, out_h, out_w = 1, in_h * in_w, 1, out_h * out_w
        buffers = (
            source or self.upload(tensors.input),
            self.upload(tensors.weights),
            self.upload(tensors.bias),
            target or self.allocate(self.buffer_elements()["output"]),
        )
        self.output = buffers[-1]
        tile = self.device.tile_width(out_w)
        if point.stride != 1:
            tile = min(tile, 8)  # a strided tile is picked out of a vector of twice its width
        options = (
            *("-cl-std=CL1.2", f"-DVECTOR={tile}"),
            *(f"-DKERNEL={point.kernel}", f"-DSTRIDE={point.stride}"),
        )
        blocks = divide_up(point.out_channels, BLOCK)
        self.launches = [
            Launch(
                self.device.build(("vectors.cl", "pixels.cl", "direct_convolution.cl"), options),
                "direct_convolution",
                options,
                (divide_up(out_w, tile), out_h, point.batch * blocks),
                buffers,
                (
                    *(point.batch, point.channels, in_h, in_w, point.out_channels),
                    *(out_h, out_w, point.pads.top, point.pads.left),
                ),
            )
        ]
        self.device.queue.finish()
