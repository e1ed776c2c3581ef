"""The right outputs, against the definition of each layer written out element by element."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from nntest.domain.tensor_suffixes import ACTIVATIONS, NO_ACTIVATION

Array = np.ndarray[Any, Any]
ONE = st.integers(1, 3)
PAIRS = st.tuples(ONE, ONE)
WINDOWS = st.fixed_dictionaries(
    {
        "kernel": PAIRS,
        "strides": PAIRS,
        "dilations": PAIRS,
        "pads": st.tuples(*[st.integers(0, 2)] * 4),  # top, bottom, left, right
    }
)
PLANES = st.tuples(st.integers(1, 2), st.integers(1, 6), st.integers(1, 6))  # batch, rows, columns
few = settings(max_examples=60, deadline=None)


def text(values: tuple[int, ...]) -> str:
    return ",".join(str(value) for value in values)


def environment(
    plane: tuple[int, int, int], channels: int, window: dict[str, Any], **more: Any
) -> dict[str, str]:
    batch, height, width = plane
    variables = {
        "CK_IN_SHAPE_N": batch, "CK_IN_SHAPE_C": channels,
        "CK_IN_SHAPE_H": height, "CK_IN_SHAPE_W": width,
        "NNTEST_KERNEL": text(window["kernel"]), "NNTEST_STRIDES": text(window["strides"]),
        "NNTEST_DILATIONS": text(window["dilations"]), "NNTEST_CONV_PADS": text(window["pads"]),
        **more,
    }  # fmt: skip
    return {name: str(value) for name, value in variables.items()}


def out_size(size: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> int:
    """How many places a kernel has: counted, not computed."""
    starts = range(-before, size + after, stride)
    return sum(start + (kernel - 1) * dilation < size + after for start in starts)


def planes_out(plane: tuple[int, int, int], window: dict[str, Any]) -> tuple[int, int]:
    top, bottom, left, right = window["pads"]
    (rows, columns), (down, along) = window["kernel"], window["strides"]
    apart, beside = window["dilations"]
    return (
        out_size(plane[1], rows, down, apart, top, bottom),
        out_size(plane[2], columns, along, beside, left, right),
    )


def inside(
    plane: tuple[int, int, int], window: dict[str, Any], row: int, column: int
) -> Iterator[tuple[int, int, int, int]]:
    """(y, x) of each tap and (row, column) of the input that it meets, those in padding left out.

    For the output element at `row` and `column`.
    """
    top, _, left, _ = window["pads"]
    for y, x in itertools.product(*map(range, window["kernel"])):
        i = row * window["strides"][0] + y * window["dilations"][0] - top
        j = column * window["strides"][1] + x * window["dilations"][1] - left
        if 0 <= i < plane[1] and 0 <= j < plane[2]:
            yield y, x, i, j


def convolution(
    plane: tuple[int, int, int], window: dict[str, Any], groups: int, tensors: Any
) -> Array:
    images, weights = tensors.input.astype(float), tensors.weights.astype(float)
    outputs, depth = weights.shape[:2]
    result = np.empty((plane[0], outputs, *planes_out(plane, window)))
    for n, m, row, column in np.ndindex(result.shape):
        first = m // (outputs // groups) * depth
        result[n, m, row, column] = float(tensors.bias[m]) + math.fsum(
            weights[m, c, y, x] * images[n, first + c, i, j]
            for y, x, i, j in inside(plane, window, row, column)
            for c in range(depth)
        )
    return result


@few
@given(PLANES, WINDOWS, st.integers(1, 3), st.integers(1, 2), st.integers(1, 3), st.integers(0, 9))
def test_a_convolution_with_groups(
    common: SimpleNamespace,
    plane: tuple[int, int, int], window: dict[str, Any], groups: int, depth: int, outputs: int,
    seed: int,
) -> None:  # fmt: skip
    assume(min(planes_out(plane, window)) > 0)
    env = environment(
        plane, groups * depth, window, NNTEST_GROUPS=groups, CK_OUT_SHAPE_C=groups * outputs
    )
    point = common.layers.ConvolutionPoint.from_environment(env)
    tensors = point.draw(seed)
    expected = convolution(plane, window, groups, tensors)
    assert point.out_shape == expected.shape
    np.testing.assert_allclose(point.expected(tensors), expected, rtol=0, atol=1e-12)


@few
@given(PLANES, WINDOWS, st.integers(1, 4), st.integers(0, 9))
def test_a_depthwise_convolution(
    common: SimpleNamespace,
    plane: tuple[int, int, int], window: dict[str, Any], channels: int, seed: int,
) -> None:  # fmt: skip
    assume(min(planes_out(plane, window)) > 0)
    point = common.layers.DepthwisePoint.from_environment(environment(plane, channels, window))
    tensors = point.draw(seed)
    expected = convolution(plane, window, channels, tensors)
    assert point.out_shape == expected.shape
    np.testing.assert_allclose(point.expected(tensors), expected, rtol=0, atol=1e-12)


@few
@given(PLANES, WINDOWS, st.integers(1, 2), st.booleans(), st.integers(0, 9))
def test_poolings_with_padding(
    common: SimpleNamespace,
    plane: tuple[int, int, int], window: dict[str, Any], channels: int, exclude: bool, seed: int,
) -> None:  # fmt: skip
    assume(min(planes_out(plane, window)) > 0)
    env = environment(plane, channels, window, CK_EXCLUDE_PADDING=int(exclude))
    empty = any(
        not any(inside(plane, window, row, column))
        for row, column in np.ndindex(planes_out(plane, window))
    )
    try:
        mean = common.layers.AveragePoolPoint.from_environment(env)
    except common.failures.BadValue:
        top, bottom, left, right = window["pads"]
        spans = [
            (k - 1) * d + 1 for k, d in zip(window["kernel"], window["dilations"], strict=True)
        ]
        assert empty or max(top, bottom) >= spans[0] or max(left, right) >= spans[1]
        return
    assert not empty
    largest = common.layers.LargestPoolPoint.from_environment(env)
    tensors = mean.draw(seed)
    images = tensors.input.astype(float)
    means, tops = (np.empty((plane[0], channels, *planes_out(plane, window))) for _ in "ab")
    elements = math.prod(window["kernel"])
    for n, c, row, column in np.ndindex(means.shape):
        seen = [images[n, c, i, j] for _, _, i, j in inside(plane, window, row, column)]
        means[n, c, row, column] = math.fsum(seen) / (len(seen) if exclude else elements)
        tops[n, c, row, column] = max(seen)
    assert mean.out_shape == largest.out_shape == means.shape
    np.testing.assert_allclose(mean.expected(tensors), means, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(largest.expected(tensors), tops)


@pytest.mark.parametrize(
    ("activation", "right"),
    [
        ("none", lambda x: x),
        ("relu", lambda x: x if x > 0 else 0.0),
        ("relu6", lambda x: min(max(x, 0.0), 6.0)),
        ("hard-swish", lambda x: 0.0 if x <= -3 else x if x >= 3 else x * (x + 3) / 6),
        ("sigmoid", lambda x: math.exp(x) / (math.exp(x) + 1)),
    ],
)
def test_activations(common: SimpleNamespace, activation: str, right: Any) -> None:
    values = np.linspace(-9, 9, 73)
    found = common.layers.ACTIVATIONS[activation](values)
    np.testing.assert_allclose(found, [right(float(value)) for value in values], atol=1e-15)


def test_the_activations_are_those_that_names_of_tensors_have(common: SimpleNamespace) -> None:
    assert set(common.layers.ACTIVATIONS) == {NO_ACTIVATION, *ACTIVATIONS}
