"""Multiply-accumulates and bytes of single nodes, against sums written out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from domain.onnx_files.onnx_models import constant, node, weights, write
from nntest.domain.onnx_files.reading import account_onnx

FLOAT = 4


@pytest.mark.parametrize(
    ("made", "in_shape", "constants", "macs"),
    [
        (
            node("Conv", "x w", "y", dilations=[2]),
            (2, 3, 10),
            [weights("w", 4, 3, 3)],
            2 * 4 * 6 * 9,
        ),
        (
            node("Conv", "x w", "y", group=3, strides=[1, 2, 1]),
            (1, 3, 4, 5, 6),
            [weights("w", 6, 1, 2, 3, 1)],
            6 * 3 * 2 * 6 * 6,
        ),
        (
            node("ConvTranspose", "x w", "y", group=2, strides=[3, 3]),
            (1, 4, 5, 5),
            [weights("w", 4, 2, 3, 3)],
            25 * 4 * 2 * 9,
        ),
        (node("Gemm", "x w", "y", transA=1), (7, 5), [weights("w", 7, 3)], 5 * 3 * 7),
        (node("MatMul", "x w", "y"), (2, 6, 5, 7), [weights("w", 7, 3)], 2 * 6 * 5 * 3 * 7),
        (
            node("LSTM", "x w r", "y", hidden_size=8),
            (9, 2, 5),
            [weights("w", 1, 32, 5), weights("r", 1, 32, 8)],
            9 * 2 * (32 * 5 + 32 * 8),
        ),
        (node("Einsum", "x w", "y", equation="ij,jk->ik"), (7, 5), [weights("w", 5, 3)], None),
        (node("Sqrt", "x", "y"), (7, 5), [], 0),
    ],
)
def test_multiply_accumulates(
    made: Any, in_shape: tuple[int, ...], constants: list[Any], macs: int | None, tmp_path: Path
) -> None:
    network = account_onnx(write(tmp_path / "net.onnx", [made], constants, in_shape))
    assert network.nodes[0].macs == macs


def test_a_quantised_convolution_has_its_weights_behind_its_scales(tmp_path: Path) -> None:
    nodes = [
        node("QuantizeLinear", "x s z", "xq"),
        node("QLinearConv", "xq s z wq s z s z", "y"),
    ]
    constants = [
        constant("s", 0.1, np.float32), constant("z", 0, np.uint8),
        constant("wq", np.zeros((4, 3, 3, 3)), np.uint8),
    ]  # fmt: skip
    convolution = account_onnx(write(tmp_path / "net.onnx", nodes, constants)).nodes[1]
    assert convolution.macs == 4 * 30 * 30 * 27
    # The scale and the zero point are single values, each once.
    assert convolution.bytes == 3 * 32 * 32 + 4 * 27 + 4 * 30 * 30 + FLOAT + 1


def test_a_value_that_is_read_twice_counts_once(tmp_path: Path) -> None:
    (added,) = account_onnx(
        write(tmp_path / "net.onnx", [node("Add", "x x", "y")], [], (5, 3))
    ).nodes
    assert added.bytes == FLOAT * 2 * 15
