"""The operators in NumPy, in float64, and the comparison of an output with them.

A convolution is summed one kernel tap at a time over shifted views of the input. That is neither
of the ways in which the kernels do it, and it needs no unfolded copy of the input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from point import Window


@dataclass(frozen=True)
class Tensors:
    """The operands of an operator without weights, float32."""

    input: np.ndarray[Any, Any]  # [batch][channels][height][width]


@dataclass(frozen=True)
class WeightedTensors(Tensors):
    """The operands of a convolution or of a fully connected layer, float32."""

    weights: np.ndarray[Any, Any]  # [out_channels][channels of a group][rows][columns]
    bias: np.ndarray[Any, Any]  # [out_channels]


def draw_uniform(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Draw float32 numbers uniformly from [-1, 1)."""
    values = generator.random(shape, dtype=np.float32)
    values *= 2
    values -= 1
    return values


def draw_input(seed: int, in_shape: tuple[int, ...], scale: float = 1.0) -> Tensors:
    """Draw the input uniformly from [-scale, scale)."""
    values = draw_uniform(np.random.default_rng(seed), in_shape)
    return Tensors(values * np.float32(scale))


def draw_weighted(
    seed: int, in_shape: tuple[int, ...], weights_shape: tuple[int, ...], fan_in: int
) -> WeightedTensors:
    """Draw the operands uniformly from [-1, 1); the same seed always gives the same ones.

    The weights are divided by the square root of ``fan_in``, the number of products in an output,
    so that the outputs are of the order of 1 for every point and one absolute threshold suits them
    all. There is a bias for each of the weights' first index.
    """
    generator = np.random.default_rng(seed)
    data = draw_uniform(generator, in_shape)
    weights = draw_uniform(generator, weights_shape)
    weights *= np.float32(fan_in**-0.5)
    return WeightedTensors(data, weights, draw_uniform(generator, weights_shape[:1]))


def taps(
    values: np.ndarray[Any, Any], window: Window, padding: float = 0.0
) -> Iterator[tuple[int, int, np.ndarray[Any, Any]]]:
    """Yield, for each tap (y, x) of a kernel, the padded input that it sees, in float64.

    Element [n][c][i][j] of it is what the tap meets when the output element [i][j] is computed.
    """
    pads, (high, wide) = window.pads, window.out_size(*values.shape[2:])
    padded = np.pad(
        values.astype(np.float64),
        ((0, 0), (0, 0), (pads.top, pads.bottom), (pads.left, pads.right)),
        constant_values=padding,
    )
    rows, columns = (high - 1) * window.strides[0] + 1, (wide - 1) * window.strides[1] + 1
    for y in range(window.kernel[0]):
        for x in range(window.kernel[1]):
            top, left = y * window.dilations[0], x * window.dilations[1]
            seen = padded[:, :, top : top + rows, left : left + columns]
            yield y, x, seen[:, :, :: window.strides[0], :: window.strides[1]]


def convolve(tensors: WeightedTensors, window: Window, groups: int) -> np.ndarray[Any, Any]:
    """Return the convolution (as networks use the word: no flipped kernel) plus bias, in float64.

    Each group of output channels sees its own group of input channels.
    """
    batch, channels, height, width = tensors.input.shape
    high, wide = window.out_size(height, width)
    outputs, depth, pixels = len(tensors.weights), channels // groups, high * wide
    weights = tensors.weights.astype(np.float64).reshape(
        groups, outputs // groups, depth, *window.kernel
    )
    total = np.zeros((batch, groups, outputs // groups, pixels))
    for y, x, seen in taps(tensors.input, window):
        factors, images = weights[..., y, x], seen.reshape(batch, groups, depth, pixels)
        total += factors * images if depth == 1 else factors @ images
    total = total.reshape(batch, outputs, high, wide)
    total += tensors.bias.astype(np.float64)[:, None, None]
    return total


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
