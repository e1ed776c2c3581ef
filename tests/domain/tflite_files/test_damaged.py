"""Damaged TFLite files end with a message, never with a traceback."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from domain.network_file_samples import OTHER_BYTES, damaged
from domain.tflite_files.tflite_models import PADS, Model, padded
from hypothesis import given
from nntest.domain.onnx_files.reading import account_onnx
from nntest.domain.tflite_files.reading import account_tflite
from nntest.errors import UserError


@pytest.fixture(scope="module")
def content() -> bytes:
    return padded(PADS, "conv").content()


def test_a_file_that_is_cut_off(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    for length in range(8, len(content), 97):
        path.write_bytes(content[:length])
        with suppress(UserError):
            account_tflite(path)
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"net\.tflite: a TFLite file that is cut off or damaged"):
        account_tflite(path)


@given(bytes_at=OTHER_BYTES)
def test_any_bytes(
    content: bytes, bytes_at: dict[float, int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "net.tflite"
    path.write_bytes(damaged(content, bytes_at))
    with suppress(UserError):
        account_tflite(path)


@pytest.mark.parametrize("wrong", [b"", b"TFL3", b"\x08\x0a\x12", os.urandom(4096)])
def test_a_file_of_another_kind(wrong: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(wrong)
    with pytest.raises(UserError, match="not a TFLite file"):
        account_tflite(path)


def test_a_file_under_the_wrong_name(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        account_onnx(path)
    assert "it is a TFLite file: `family: tflite`" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: No such file"):
        account_tflite(tmp_path / "net.tflite")


def test_a_circle(tmp_path: Path) -> None:
    model = Model((1, 8))
    model.add("RESHAPE", "x", "row", (1, 8))
    model.weights("w", 5, 8)
    model.add("FULLY_CONNECTED", "row w -", "dense", (1, 5), "FullyConnectedOptions")
    model._graph.operators[0].inputs = [1]  # its own output
    network = account_tflite(model.write(tmp_path))
    assert [node.fate for node in network.nodes] == ["free", "measured"]
