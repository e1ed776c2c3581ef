"""The layers that programs measure: their points, operands and right outputs.

Each class reads its point from the environment, knows the shapes that follow from it, draws the
operands from a seed and computes the right output in float64.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from failures import BadValue
from point import Pads, Window, elements, read_integer, read_pads, read_pair
from reference import Tensors, WeightedTensors, convolve, draw_input, draw_weighted, taps

if TYPE_CHECKING:
    from collections.abc import Callable

    from point import Environment, Pair, Shape

    Array = np.ndarray[Any, Any]

DEPTHWISE_KERNEL = 3  # the only one that CK-NNTest's data sets have
SOFTMAX_SPREAD = 4.0  # inputs are from [-4, 4): the largest output is e^8 times the smallest

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "none": lambda values: values,
    "relu": lambda values: np.maximum(values, 0),
    "relu6": lambda values: np.clip(values, 0, 6),
    "hard-swish": lambda values: values * np.clip(values + 3, 0, 6) / 6,
    "hard-sigmoid": lambda values: np.clip(values + 3, 0, 6) / 6,
    "sigmoid": lambda values: 1 / (1 + np.exp(-values)),
}


class Layer(ABC):
    """A layer at one point."""

    in_shape: Shape  # NCHW
    out_shape: Shape
    activation = "none"

    @classmethod
    @abstractmethod
    def from_environment(cls, environment: Environment) -> Any:
        """Read the point; raises BadValue."""

    @abstractmethod
    def draw(self, seed: int) -> Any:
        """Draw the operands, float32."""

    @abstractmethod
    def expected(self, tensors: Any) -> Array:
        """Return the right output, float64, of shape :attr:`out_shape`."""

    def tolerance(self, threshold: float, expected: Array) -> float:
        """Return the largest right difference from ``expected``: ``threshold`` as it is.

        Layers whose outputs cannot be of the order of 1 scale it by the size of ``expected``.
        """
        return threshold

    def unusual(self) -> list[str]:
        """Return what CK-NNTest's own variables cannot say of it, in words."""
        return [f"the activation {self.activation}"] if self.activation != "none" else []


@dataclass(frozen=True)
class WindowLayer(Layer):
    """A layer whose kernel moves over planes, NCHW."""

    batch: int
    channels: int
    height: int
    width: int

    window: Window

    @property
    def in_shape(self) -> Shape:
        """Shape of the input, NCHW."""
        return self.batch, self.channels, self.height, self.width

    @property
    def kernel(self) -> int:
        """Side of the kernel, if it is square."""
        return self.window.kernel[0]

    @property
    def stride(self) -> int:
        """The stride, if it is the same in both directions."""
        return self.window.strides[0]

    @property
    def pads(self) -> Pads:
        """The padding of each side."""
        return self.window.pads

    def unusual(self) -> list[str]:
        """See `Layer.unusual`."""
        return super().unusual() + self.window.unusual()


@dataclass(frozen=True)
class ConvolutionPoint(WindowLayer):
    """One convolution; with as many groups as channels, a depthwise one."""

    out_channels: int
    groups: int = 1
    activation: str = "none"

    @classmethod
    def from_environment(cls, environment: Environment) -> ConvolutionPoint:
        """Read the point; raises BadValue, also where the kernel is larger than the input."""
        point = cls(
            *_read_input(environment),
            out_channels=read_integer(environment, "CK_OUT_SHAPE_C", least=1),
            window=_read_window(
                environment, _side(environment, "CK_CONV_KERNEL"), "CK_CONV_STRIDE", "CK_CONV_PAD"
            ),
            groups=read_integer(environment, "NNTEST_GROUPS", 1, least=1),
            activation=_read_activation(environment),
        )
        if point.channels % point.groups or point.out_channels % point.groups:
            raise BadValue(
                f"NNTEST_GROUPS={point.groups} does not divide both CK_IN_SHAPE_C="
                f"{point.channels} and CK_OUT_SHAPE_C={point.out_channels}"
            )
        high, wide = point.window.padded(point.height, point.width)
        if min(point.out_shape) < 1:
            raise BadValue(
                f"CK_CONV_KERNEL={_kernel_text(point.window)} is larger than the padded input of "
                f"{high}x{wide}"
            )
        return point

    @property
    def out_height(self) -> int:
        """Rows of the output."""
        return self.window.out_size(self.height, self.width)[0]

    @property
    def out_width(self) -> int:
        """Columns of the output."""
        return self.window.out_size(self.height, self.width)[1]

    @property
    def out_shape(self) -> Shape:
        """Shape of the output, NCHW."""
        return self.batch, self.out_channels, self.out_height, self.out_width

    @property
    def is_pointwise(self) -> bool:
        """Whether output pixel i depends on input pixel i alone: kernel 1, stride 1, no padding."""
        window = self.window
        return window.kernel == (1, 1) and window.strides == (1, 1) and not any(window.pads)

    def draw(self, seed: int) -> WeightedTensors:
        """Draw input, weights and bias."""
        depth = self.channels // self.groups
        filters = (self.out_channels, depth, *self.window.kernel)
        return draw_weighted(seed, self.in_shape, filters, depth * self.window.taps)

    def expected(self, tensors: WeightedTensors) -> Array:
        """Return the convolution in float64."""
        return ACTIVATIONS[self.activation](convolve(tensors, self.window, self.groups))

    def unusual(self) -> list[str]:
        """See `Layer.unusual`."""
        groups = [f"{self.groups} groups"] if self.groups != 1 else []
        return super().unusual() + groups


class DepthwisePoint(ConvolutionPoint):
    """One depthwise convolution: as many channels out as in, each with a filter of its own."""

    @classmethod
    def from_environment(cls, environment: Environment) -> DepthwisePoint:
        """Read the point; raises BadValue, also where the kernel is larger than the input."""
        batch, channels, height, width = _read_input(environment)
        square = (DEPTHWISE_KERNEL, DEPTHWISE_KERNEL)
        point = cls(
            *(batch, channels, height, width),
            window=_read_window(environment, square, "CK_DEPTHWISE_STRIDE", "CK_DEPTHWISE_PAD"),
            out_channels=channels,
            groups=channels,
            activation=_read_activation(environment),
        )
        if min(point.out_shape) < 1:
            rows, columns = point.window.kernel
            raise BadValue(
                f"CK_IN_SHAPE_H={height} and CK_IN_SHAPE_W={width} with their padding "
                f"are less than the {rows}x{columns} kernel"
            )
        return point

    def unusual(self) -> list[str]:
        """See `Layer.unusual`."""
        found = WindowLayer.unusual(self)
        rows, columns = self.window.kernel
        if rows == columns != DEPTHWISE_KERNEL:
            found.append(f"a kernel of {rows}x{columns}")
        return found


@dataclass(frozen=True)
class PoolPoint(WindowLayer):
    """One pooling of each channel by itself."""

    exclude_padding: bool  # whether a mean is over the window's part inside the input only

    @classmethod
    def from_environment(cls, environment: Environment) -> Any:
        """Read the point; raises BadValue, also for a window that could lie in padding alone."""
        point = cls(
            *_read_input(environment),
            window=_read_window(
                environment, _side(environment, "CK_POOL_KERNEL"), "CK_POOL_STRIDE", "CK_POOL_PAD"
            ),
            exclude_padding=bool(read_integer(environment, "CK_EXCLUDE_PADDING", 0)),
        )
        (rows, columns), pads = point.window.reach, point.pads
        if max(pads.top, pads.bottom) >= rows or max(pads.left, pads.right) >= columns:
            raise BadValue(
                f"CK_POOL_PAD={max(pads)} is not less than CK_POOL_KERNEL="
                f"{_kernel_text(point.window)}: windows would lie outside of the input"
            )
        if min(point.out_shape) < 1:
            high, wide = point.window.padded(point.height, point.width)
            raise BadValue(
                f"CK_POOL_KERNEL={_kernel_text(point.window)} is larger than the padded input of "
                f"{high}x{wide}"
            )
        if not point.elements_inside().all():
            down, along = point.window.dilations
            raise BadValue(
                f"NNTEST_DILATIONS={down},{along}: windows would meet nothing but padding"
            )
        return point

    @property
    def out_shape(self) -> Shape:
        """Shape of the output, NCHW."""
        return self.batch, self.channels, *self.window.out_size(self.height, self.width)

    def elements_inside(self) -> Array:
        """Return how many elements of the input each window meets, [rows][columns]."""
        inside: Array = np.zeros(self.out_shape[2:])
        for _, _, seen in taps(np.ones((1, 1, self.height, self.width)), self.window):
            inside += seen[0, 0]
        return inside


class AveragePoolPoint(PoolPoint):
    """The mean of each window."""

    def draw(self, seed: int) -> Tensors:
        """Draw the input, so large that the means of the windows are of the order of 1."""
        return draw_input(seed, self.in_shape, float(self.window.taps**0.5))

    def expected(self, tensors: Tensors) -> Array:
        """Return the means in float64."""
        total: Array = np.zeros(self.out_shape)
        for _, _, seen in taps(tensors.input, self.window):
            total += seen
        if not self.exclude_padding:
            return total / self.window.taps
        return total / self.elements_inside()


class LargestPoolPoint(PoolPoint):
    """The largest of each window; padding is never the largest."""

    def draw(self, seed: int) -> Tensors:
        """Draw the input."""
        return draw_input(seed, self.in_shape)

    def expected(self, tensors: Tensors) -> Array:
        """Return the largest of each window, float64."""
        largest = np.full(self.out_shape, -np.inf)
        for _, _, seen in taps(tensors.input, self.window, -np.inf):
            np.maximum(largest, seen, out=largest)
        return largest


@dataclass(frozen=True)
class FullyConnectedPoint(Layer):
    """One fully connected layer; the input is taken as one vector for each image."""

    in_shape: Shape
    out_shape: Shape
    activation: str = "none"

    @classmethod
    def from_environment(cls, environment: Environment) -> FullyConnectedPoint:
        """Read the point; raises BadValue."""
        batch = read_integer(environment, "CK_IN_SHAPE_N", 1, least=1)

        def shape(prefix: str) -> Shape:
            return (
                batch,
                read_integer(environment, f"{prefix}_C", least=1),
                read_integer(environment, f"{prefix}_H", 1, least=1),
                read_integer(environment, f"{prefix}_W", 1, least=1),
            )

        return cls(shape("CK_IN_SHAPE"), shape("CK_OUT_SHAPE"), _read_activation(environment))

    @property
    def depth(self) -> int:
        """Elements of an image."""
        return elements(self.in_shape[1:])

    @property
    def outputs(self) -> int:
        """Outputs for each image."""
        return elements(self.out_shape[1:])

    def draw(self, seed: int) -> WeightedTensors:
        """Draw input, weights [outputs][depth] and bias."""
        return draw_weighted(seed, self.in_shape, (self.outputs, self.depth), self.depth)

    def expected(self, tensors: WeightedTensors) -> Array:
        """Return the matrix product plus bias in float64."""
        images = tensors.input.reshape(self.in_shape[0], self.depth).astype(np.float64)
        total = images @ tensors.weights.astype(np.float64).T + tensors.bias.astype(np.float64)
        return ACTIVATIONS[self.activation](total.reshape(self.out_shape))


@dataclass(frozen=True)
class SoftmaxPoint(Layer):
    """One softmax: NCHW, over C."""

    batch: int
    channels: int
    height: int
    width: int

    @classmethod
    def from_environment(cls, environment: Environment) -> SoftmaxPoint:
        """Read the point; raises BadValue."""
        return cls(*_read_input(environment, 1))

    @property
    def in_shape(self) -> Shape:
        """Shape of the input, NCHW."""
        return self.batch, self.channels, self.height, self.width

    @property
    def out_shape(self) -> Shape:
        """Shape of the output: the input's."""
        return self.in_shape

    def draw(self, seed: int) -> Tensors:
        """Draw the input."""
        return draw_input(seed, self.in_shape, SOFTMAX_SPREAD)

    def expected(self, tensors: Tensors) -> Array:
        """Return the softmax in float64."""
        values = tensors.input.astype(np.float64)
        powers = np.exp(values - values.max(axis=1, keepdims=True))
        softmax: Array = powers / powers.sum(axis=1, keepdims=True)
        return softmax

    def tolerance(self, threshold: float, expected: Array) -> float:
        """Return ``threshold`` times the largest output: with many channels all are small."""
        return threshold * float(np.abs(expected).max())


def _read_input(environment: Environment, side: int | None = None) -> Shape:
    return (
        read_integer(environment, "CK_IN_SHAPE_N", 1, least=1),
        read_integer(environment, "CK_IN_SHAPE_C", least=1),
        read_integer(environment, "CK_IN_SHAPE_H", side, least=1),
        read_integer(environment, "CK_IN_SHAPE_W", side, least=1),
    )


def _side(environment: Environment, name: str) -> Pair | None:
    """Return the square kernel of ``name``; None where NNTEST_KERNEL stands in its place."""
    if environment.get("NNTEST_KERNEL", "").strip():
        return None
    side = read_integer(environment, name, least=1)
    return side, side


def _read_window(environment: Environment, kernel: Pair | None, stride: str, pad: str) -> Window:
    side = read_integer(environment, stride, 1, least=1)
    return Window(
        read_pair(environment, "NNTEST_KERNEL", kernel or (0, 0)),
        read_pair(environment, "NNTEST_STRIDES", (side, side)),
        read_pads(environment, pad),
        read_pair(environment, "NNTEST_DILATIONS", (1, 1)),
    )


def _read_activation(environment: Environment) -> str:
    name = environment.get("NNTEST_ACTIVATION", "").strip() or "none"
    if name not in ACTIVATIONS:
        raise BadValue(f"NNTEST_ACTIVATION={name!r} is none of {', '.join(ACTIVATIONS)}")
    return name


def _kernel_text(window: Window) -> str:
    rows, columns = window.kernel
    return str(rows) if rows == columns else f"{rows},{columns}"
