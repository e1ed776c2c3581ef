"""The operators in NumPy, in float64, and the comparison of an output with them.

The convolution is summed one kernel tap at a time over shifted views of the input. That is neither
of the ways in which the kernels do it, and it needs no unfolded copy of the input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from point import ConvolutionPoint


@dataclass(frozen=True)
class ConvolutionTensors:
    """A convolution's operands, float32."""

    input: np.ndarray[Any, Any]  # [batch][channels][height][width]
    weights: np.ndarray[Any, Any]  # [out_channels][channels][kernel][kernel]
    bias: np.ndarray[Any, Any]  # [out_channels]


def draw_convolution(point: ConvolutionPoint, seed: int) -> ConvolutionTensors:
    """Draw the operands uniformly from [-1, 1); the same seed always gives the same ones.

    The weights are divided by the square root of the fan-in (channels * kernel^2), so that the
    outputs are of the order of 1 for every point and one absolute threshold suits them all.
    """
    generator = np.random.default_rng(seed)

    def uniform(*shape: int) -> np.ndarray[Any, Any]:
        values = generator.random(shape, dtype=np.float32)
        values *= 2
        values -= 1
        return values

    fan_in = point.channels * point.kernel**2
    data = uniform(*point.in_shape)
    weights = uniform(point.out_channels, point.channels, point.kernel, point.kernel)
    weights *= np.float32(fan_in**-0.5)
    return ConvolutionTensors(data, weights, uniform(point.out_channels))


def convolve(point: ConvolutionPoint, tensors: ConvolutionTensors) -> np.ndarray[Any, Any]:
    """Return the convolution (as networks use the word: no flipped kernel) plus bias.

    float64, [batch][out_channels][out_height][out_width].
    """
    pads = point.pads
    padded = np.pad(
        tensors.input.astype(np.float64),
        ((0, 0), (0, 0), (pads.top, pads.bottom), (pads.left, pads.right)),
    )
    weights = tensors.weights.astype(np.float64)
    batch, channels = point.batch, point.out_channels
    pixels = point.out_height * point.out_width
    total = np.zeros((batch, channels, pixels))
    rows = (point.out_height - 1) * point.stride + 1
    columns = (point.out_width - 1) * point.stride + 1
    for y in range(point.kernel):
        for x in range(point.kernel):
            seen = padded[:, :, y : y + rows : point.stride, x : x + columns : point.stride]
            total += weights[:, :, y, x] @ seen.reshape(batch, point.channels, pixels)
    total += tensors.bias.astype(np.float64)[:, None]
    return total.reshape(point.out_shape)


@dataclass(frozen=True)
class Comparison:
    """How far an output is from the reference."""

    ok: bool
    max_abs_diff: float  # NaN where any element is NaN
    threshold: float
    explanation: str  # empty if ok

    def as_record(self) -> dict[str, Any]:
        """Return the ``output_check`` of a repetition that passed."""
        return {"ok": self.ok, "max_abs_diff": self.max_abs_diff, "threshold": self.threshold}


def compare(
    output: np.ndarray[Any, Any], expected: np.ndarray[Any, Any], threshold: float
) -> Comparison:
    """Compare two tensors of one shape: every |output - expected| must be <= ``threshold``."""
    difference = np.abs(output - expected)
    largest = float(difference.max())  # NaN if any element is, and then no comparison holds
    if largest <= threshold:
        return Comparison(True, largest, threshold, "")
    wrong = int(np.count_nonzero(~(difference <= threshold)))
    missing = int(np.count_nonzero(np.isnan(output)))
    worst = np.unravel_index(int(difference.argmax()), difference.shape)
    position = ", ".join(str(int(i)) for i in worst)
    explanation = (
        f"{wrong} of {output.size} elements differ from the reference by more than {threshold:g}, "
        f"{missing} of them are NaN; the worst is at [{position}]: "
        f"{float(output[worst]):g} instead of {float(expected[worst]):g}"
    )
    return Comparison(False, largest, threshold, explanation)
