"""Values of inputs and weights that stand for real ones, drawn from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

DRAWN_INTEGERS = (0, 1)
"""Values of integer inputs: right as an index of anything, and as a mask."""


def draw(
    generator: np.random.Generator,
    dims: Sequence[int],
    dtype: np.dtype[Any],
    limits: tuple[int, int] = DRAWN_INTEGERS,
) -> np.ndarray[Any, Any]:
    """Uniform values: floats in [-1, 1), booleans, integers within limits, both included."""
    if dtype == np.bool_:
        return generator.integers(0, 2, dims).astype(dtype)
    if np.issubdtype(dtype, np.integer):
        return generator.integers(*limits, dims, endpoint=True).astype(dtype)
    return (2 * generator.random(dims, np.float32) - 1).astype(dtype)
