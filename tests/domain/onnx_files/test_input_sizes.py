"""Sizes that ONNX files leave open: asked for in one message, and given."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import onnx
import pytest
import yaml
from domain.onnx_files.onnx_models import node, reported, weights, write
from nntest.config.load import load_network
from nntest.domain.onnx_files.reading import read_onnx
from nntest.errors import UserError
from onnx import TensorProto, helper

CONV = [node("Conv", "x w", "conv")]
W = [weights("w", 4, 3, 3, 3)]


def input_of(name: str, *shape: Any) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def test_one_message_lists_every_input_and_has_lines_to_paste(tmp_path: Path) -> None:
    nodes = [*CONV, node("Add", "conv y", "sum"), node("Mul", "sum z", "product")]
    inputs = (input_of("y", 1, 4, "rows", 30), input_of("z", 4, 1, 1), input_of("unused", 1, "n"))
    path = write(tmp_path / "net.onnx", nodes, W, ("n", 3, "in height", None), inputs=inputs)
    with pytest.raises(UserError) as caught:
        read_onnx(path)
    assert str(caught.value) == (
        f"{path}: sizes of its inputs are open:\n"
        "  x: n x 3 x in height x ?\n"
        "  y: 1 x 4 x rows x 30\n"
        "  z: 4 x 1 x 1\n"
        "  hint: give numbers for the words in\n"
        '    inputs: {"x": [1, 3, in_height, size3], "y": [1, 4, rows, 30]}\n'
        "  beside `file` in the network's YAML; on the command line of a run\n"
        """    --config 'inputs={"x": [1, 3, in_height, size3], "y": [1, 4, rows, 30]}'\n"""
        "  and for `nntest network`\n"
        "    --input x=1,3,in_height,size3 --input y=1,4,rows,30"
    )


def test_what_the_message_asks_for_can_be_pasted(tmp_path: Path) -> None:
    path = write(tmp_path / "net.onnx", CONV, W, ("n", 3, "h", "w"))
    with pytest.raises(UserError) as caught:
        read_onnx(path)
    pasted = re.search(r"inputs: \{.*\}", str(caught.value))
    assert pasted is not None
    filled = pasted[0].replace("h]", "20]").replace("h,", "20,").replace("w]", "30]")
    lines = ["definition:", "  family: onnx", "  file: net.onnx", f"  {filled}"]
    (tmp_path / "mine.yaml").write_text("\n".join(lines), encoding="utf-8")
    network = load_network(tmp_path / "mine.yaml").build()
    assert reported(network) == [("/conv", "conv", "3-20-30-3-4-1-0")]


def test_dimensions_of_one_name_have_one_size(tmp_path: Path) -> None:
    nodes = [*CONV, node("Conv", "y w", "other")]
    inputs = (input_of("y", "n", 3, "h", 16),)
    path = write(tmp_path / "net.onnx", nodes, W, ("n", 3, "h", "w"), inputs=inputs)
    network = read_onnx(path, inputs={"x": [1, 3, 20, 30]})
    assert [layer.tensor.in_shape for layer in network.layers] == [(3, 20, 30), (3, 20, 16)]


def test_a_question_mark_is_not_a_name(tmp_path: Path) -> None:
    path = write(tmp_path / "net.onnx", CONV, W, ("?", 3, "?", "?"))
    with pytest.raises(UserError, match=r"\[1, 3, size2, size3\]"):
        read_onnx(path)
    (layer,) = read_onnx(path, inputs={"x": [1, 3, 20, 30]}).layers
    assert layer.tensor.in_shape == (3, 20, 30)


def test_an_input_without_sizes_needs_all_of_them(tmp_path: Path) -> None:
    path = write(tmp_path / "net.onnx", CONV, W, None)
    with pytest.raises(UserError, match=r'x: no sizes at all(.|\n)*inputs: \{"x": \[...\]\}'):
        read_onnx(path)
    (layer,) = read_onnx(path, inputs={"x": [1, 3, 20, 30]}).layers
    assert layer.tensor.in_shape == (3, 20, 30)


@pytest.mark.parametrize(
    ("inputs", "why"),
    [
        (
            {"y": [1, 3, 8, 8]},
            "`inputs` names 'y', but it has no such input\n  hint: it has x: n",
        ),
        ({"x": [1, 3, 8]}, "`inputs` gives x 1 x 3 x 8, but the file says n x 3 x h x 32"),
        ({"x": [1, 4, 8, 32]}, "`inputs` gives x 1 x 4 x 8 x 32, but the file says n x 3 x h"),
        ({"w": [4, 3, 3, 3]}, "`inputs` names 'w', but it has no such input"),
    ],
)
def test_sizes_that_the_file_contradicts(
    tmp_path: Path, inputs: dict[str, list[int]], why: str
) -> None:
    path = write(tmp_path / "net.onnx", CONV, W, ("n", 3, "h", 32))
    with pytest.raises(UserError, match=re.escape(f"{path}: {why}")):
        read_onnx(path, inputs=inputs)


def test_a_size_in_the_yaml_is_a_positive_number(tmp_path: Path) -> None:
    content = {"definition": {"family": "onnx", "file": "net.onnx", "inputs": {"x": [1, 3, 0, 8]}}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(UserError, match=r"`definition\.onnx\.inputs\.x\[2\]`: .* greater than"):
        load_network(tmp_path / "mine.yaml")


def test_sizes_that_the_file_notes_inside_give_way(tmp_path: Path) -> None:
    """An exporter's notes are of the size that it was run with."""
    nodes = [node("Relu", "x", "relu"), node("Conv", "relu w", "conv")]
    path = write(tmp_path / "net.onnx", nodes, W, (1, 3, "h", "w"))
    model = onnx.load(path)
    model.graph.value_info.append(input_of("relu", 1, 3, 224, 224))
    path.write_bytes(model.SerializeToString())
    (layer,) = read_onnx(path, inputs={"x": [1, 3, 20, 30]}).layers
    assert layer.tensor.in_shape == (3, 20, 30)
