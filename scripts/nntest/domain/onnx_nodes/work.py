"""Multiply-accumulates of an ONNX operator, from the shapes of its inputs and outputs."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

Shape = list[int | None]
"""Dimensions of a value; one that depends on the data is None."""

_WEIGHTS = {"Conv": 1, "ConvInteger": 1, "DeformConv": 1, "QLinearConv": 3}
"""Convolutions: which input has the weights, outputs x (inputs / group) x kernel."""
_PRODUCTS = ("Gemm", "MatMul", "MatMulInteger", "QLinearMatMul")
_RECURRENT = ("RNN", "GRU", "LSTM")
_NOT_COUNTED = ("Attention", "Einsum")


def macs_by_shapes(
    kind: str, transposed: bool, inputs: Sequence[Shape], outputs: int | None
) -> int | None:
    """Multiply-accumulates; 0 for operators that have none, None if they are not known.

    `transposed`: whether a product has `transA`; `outputs`: elements of the first output.
    """
    if kind in _NOT_COUNTED:
        return None
    try:
        factors = _factors(kind, transposed, inputs, outputs)
    except IndexError:  # it lacks an input
        return None
    return None if None in factors else prod(factor or 0 for factor in factors)


def _factors(
    kind: str, transposed: bool, inputs: Sequence[Shape], outputs: int | None
) -> list[int | None]:
    """Numbers of which the product is the multiply-accumulates."""
    if kind in _WEIGHTS:
        return [outputs, *inputs[_WEIGHTS[kind]][1:]]
    if kind == "ConvTranspose":  # weights: inputs x (outputs / group) x kernel
        return [elements(inputs[0]), *inputs[1][1:]]
    if kind in _PRODUCTS:
        return [outputs, inputs[0][0 if transposed else -1]]
    if kind in _RECURRENT:  # batch and steps, in either order; weights of all gates
        weights = [elements(shape) for shape in inputs[1:3]]
        gates = None if None in weights else sum(size or 0 for size in weights)
        return [*inputs[0][:2], gates]
    return [0]


def elements(shape: Shape) -> int | None:
    """How many values a tensor has; None if that depends on the data."""
    return None if None in shape else prod(size or 0 for size in shape)
