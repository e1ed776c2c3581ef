"""Damaged ONNX files end with a message, never with a traceback."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import onnx
import pytest
from domain.network_file_samples import OTHER_BYTES, damaged
from domain.onnx_files.onnx_models import constant, node, weights, write
from hypothesis import given
from nntest.domain.onnx_files.reading import account_onnx, read_onnx
from nntest.errors import UserError

NODES = [
    node("Conv", "x w", "conv", pads=[1, 1, 1, 1]),
    node("MaxPool", "conv", "pool", kernel_shape=[2, 2]),
    node("Shape", "pool", "shape"),
    node("Slice", "shape zero one", "batch"),
    node("Concat", "batch rest", "sizes", axis=0),
    node("Reshape", "pool sizes", "row"),
    node("Gemm", "row v", "fc"),
]
CONSTANTS = [
    weights("w", 4, 3, 3, 3), weights("v", 36, 5), constant("zero", [0]), constant("one", [1]),
    constant("rest", [-1]),
]  # fmt: skip


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = write(tmp_path_factory.mktemp("sound") / "net.onnx", NODES, CONSTANTS, ("n", 3, 4, 4))
    assert len(read_onnx(path).layers) == 3
    return path.read_bytes()


def no_outputs(graph: Any) -> None:
    del graph.node[1].output[:]


def no_shape_to_look_at(graph: Any) -> None:
    del graph.node[2].input[:]


def sizes_of_other_weights(graph: Any) -> None:
    graph.initializer[0].dims[3] = 2


def a_branch_that_is_not_there(graph: Any) -> None:
    graph.initializer.append(constant("yes", True, bool))
    graph.node[0].CopyFrom(node("If", "yes", "conv"))


def a_circle(graph: Any) -> None:
    graph.node[0].input[0] = "row"


@pytest.mark.parametrize(
    "damage",
    [
        *(no_outputs, no_shape_to_look_at, sizes_of_other_weights, a_branch_that_is_not_there),
        a_circle,
    ],
)
def test_a_damaged_graph(content: bytes, damage: Callable[[Any], None], tmp_path: Path) -> None:
    model = onnx.load_model_from_string(content)
    damage(model.graph)
    path = tmp_path / "net.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(UserError, match=r"net\.onnx: "):
        read_onnx(path)


@given(bytes_at=OTHER_BYTES)
def test_any_bytes(
    content: bytes, bytes_at: dict[float, int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "net.onnx"
    path.write_bytes(damaged(content, bytes_at))
    with suppress(UserError):
        account_onnx(path)
