"""The integers of a graph in int8, and the numbers that they stand for.

A number is ``scale * (integer - zero)`` (Jacob et al., CVPR 2018, arXiv:1712.05877).
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Integers:
    """The integers that a library takes for activations."""

    kind: str = "int8"  # or uint8
    symmetric: bool = False  # no zero point, and as many negative ones as positive
    everywhere: bool = True  # else a convolution alone hands them on, and to another one alone

    @property
    def limits(self) -> tuple[int, int]:
        """The least and the largest one."""
        info = np.iinfo(self.kind)
        return -info.max if self.symmetric else info.min, info.max


UNSIGNED_ON_X86 = Integers("uint8" if platform.machine() in ("x86_64", "AMD64") else "int8")
"""As ONNX Runtime and OpenVINO want them: x86 multiplies unsigned by signed bytes, Arm signed ones.

With the others both compute a layer in fp32 on x86.
"""


@dataclass(frozen=True)
class Steps:
    """How the integers of a tensor stand for numbers: ``scale * (integer - zero)``."""

    scale: float  # a float32, as models have it
    zero: int
    integers: Integers

    @classmethod
    def covering(cls, values: Array, integers: Integers) -> Steps:
        """Return the finest steps that have all of ``values``, and 0."""
        least, most = integers.limits
        low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
        if integers.symmetric:
            return cls(_single(max(-low, high) / most), 0, integers)
        scale = _single((high - low) / (most - least))
        return cls(scale, int(np.clip(round(least - low / scale), least, most)), integers)

    def quantise(self, values: Array) -> Array:
        """Return the nearest integers."""
        integers = np.rint(np.asarray(values, np.float64) / self.scale) + self.zero
        return np.clip(integers, *self.integers.limits).astype(self.integers.kind)

    def numbers(self, integers: Array) -> Array:
        """Return what ``integers`` stand for, float64."""
        return (integers.astype(np.float64) - self.zero) * self.scale


NCNN = Integers(symmetric=True, everywhere=False)
"""Its other layers take and give floats, which a layer with weights quantises for itself."""


@dataclass(frozen=True)
class Quantised:
    """The integers of a node."""

    source: Steps
    target: Steps | None  # None: its output is float32
    linear: Steps | None = None  # before an activation of STEEPEST
    weights: Array | None = None  # int8, as `reference.WeightedTensors` has them
    weight_scales: Array | None = None  # float32, one for each of the weights' first index
    bias: Array | None = None  # int32

    @property
    def bias_scales(self) -> Array:
        """The bias' scales, float32: the input's times the weights'."""
        assert self.weight_scales is not None
        scales: Array = np.float32(self.source.scale) * self.weight_scales
        return scales


def _single(value: float) -> float:
    """Round to float32; 1 for 0, of a tensor that is all zero."""
    return float(np.float32(value)) or 1.0


def far_from(integers: Array) -> Array:
    """Return 8-bit integers that each differ by half of their range."""
    return (integers.view(np.uint8) ^ 0x80).view(integers.dtype)
