"""What joins outputs of layers: sums, products, concatenations; and activations on their own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from failures import NotSupported
from layers import ACTIVATIONS, Layer
from reference import Tensors

if TYPE_CHECKING:
    from point import Shape

    Array = np.ndarray[Any, Any]

JOINS = ("add", "mul", "concat", "activation")
GATE = 0.25
"""The square of what a sigmoid gives for 0."""


@dataclass(frozen=True)
class JoinPoint(Layer):
    """A join of several outputs; its shapes are those of what it reads, NCHW.

    The second input of a `mul` may be a number for each channel.
    """

    kind: str
    in_shapes: tuple[Shape, ...]
    activation: str = "none"

    @classmethod
    def of(cls, kind: str, in_shapes: tuple[Shape, ...], activation: str) -> JoinPoint:
        """Return the join; raises NotSupported where the shapes do not fit together.

        An activation behind a sum is a join of its own.
        """
        first, *others = in_shapes
        if kind == "activation":
            fits = not others and activation in ACTIVATIONS and activation != "none"
        elif kind == "concat":
            fits = all((*shape[:1], *shape[2:]) == (first[0], *first[2:]) for shape in others)
        elif kind == "mul":
            fits = len(others) == 1 and others[0] in (first, (*first[:2], 1, 1))
        else:
            fits = others == [first]
        if not fits or (kind != "activation" and activation != "none"):
            texts = ", ".join("x".join(map(str, shape)) for shape in in_shapes)
            raise NotSupported(f"{kind} {activation} does not take outputs of {texts} (NCHW)")
        return cls(kind, in_shapes, activation)

    @classmethod
    def from_environment(cls, environment: Any) -> JoinPoint:
        """A join is known by what it reads, not by variables."""
        raise NotSupported("what joins layers is no operator of its own")

    @property
    def in_shape(self) -> Shape:  # type: ignore[override]
        """Shape of the first input, NCHW."""
        return self.in_shapes[0]

    @property
    def out_shape(self) -> Shape:  # type: ignore[override]
        """Shape of the output, NCHW."""
        batch, channels, height, width = self.in_shapes[0]
        if self.kind == "concat":
            channels = sum(shape[1] for shape in self.in_shapes)
        return batch, channels, height, width

    def draw(self, seed: int) -> Tensors:
        """It has no operands of its own."""
        return Tensors(np.empty(0, np.float32))

    def expected(self, inputs: list[Array]) -> Array:
        """Return the right output, float64, for what it reads."""
        given = [values.reshape(shape) for values, shape in zip(inputs, self.in_shapes)]
        joined: Array = given[0]
        if self.kind == "add":
            joined = given[0] + given[1]
        elif self.kind == "mul":
            joined = given[0] * given[1]
        elif self.kind == "concat":
            joined = np.concatenate(given, 1)
        return ACTIVATIONS[self.activation](joined)

    def variance(self, given: list[float]) -> float:
        """Return about how much the output varies, by how much the inputs do."""
        if self.kind == "add":
            return sum(given)
        if self.kind == "mul":
            return math.prod(given) if self.in_shapes[1] == self.in_shapes[0] else given[0] * GATE
        if self.kind == "concat":
            return sum(given) / len(given)
        return GATE if self.activation in ("sigmoid", "hard-sigmoid") else given[0] / 2
