"""ONNX and TFLite files by their paths in `networks`, and sizes for them in `inputs`."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from domain.onnx_files.onnx_models import node, weights, write
from domain.tflite_files.tflite_models import PADS, padded
from nntest.config import load_study
from nntest.config.network import OnnxFile
from nntest.errors import UserError
from onnx import TensorProto, helper

HOME = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """open.onnx, other.onnx and lite.tflite in the working directory, and a file for the first."""
    monkeypatch.chdir(tmp_path)
    conv, w = [node("Conv", "x w", "conv")], [weights("w", 4, 3, 3, 3)]
    write(tmp_path / "open.onnx", conv, w, ("n", 3, "h", "w"))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 3, "h", "w"))
    other = [node("Conv", "y w", "first"), *conv]
    write(tmp_path / "other.onnx", other, w, ("n", 3, "rows", "columns"), inputs=(y,))
    padded(PADS, "conv").write(tmp_path).rename("lite.tflite")
    (tmp_path / "mine.yaml").write_text(
        "definition: {family: onnx, file: open.onnx, inputs: {x: [1, 3, 8, 10]}}\n", "utf-8"
    )


def load(*networks: str, **more: Any) -> Any:
    config = {
        "study": "own", "networks": list(networks), "boards": ["localhost"],
        "libraries": ["onnxruntime"], "operators": ["conv"], "tuners": ["DEFAULT"], **more,
    }  # fmt: skip
    return load_study(config, HOME)


def test_a_graph_is_a_network_by_its_path() -> None:
    study = load("open.onnx", "lite.tflite", inputs={"x": [1, 3, 12, 14]})
    tensors = {n.name: [layer.tensor.name for layer in n.layers] for n in study.networks}
    assert tensors == {"open": ["3-12-14-3-4-1-0"], "lite": ["4-8-8-3-6-1-1_2_0_1"]}


def test_sizes_of_the_config_go_over_those_of_the_networks_file() -> None:
    assert [layer.tensor.name for layer in load("mine.yaml").networks[0].layers] == [
        "3-8-10-3-4-1-0"
    ]
    study = load("mine.yaml", inputs={"x": [2, 3, 12, 14]})
    definition = study.network_file("mine").definition
    assert isinstance(definition, OnnxFile)
    assert definition.whole_model().inputs == {"x": [2, 3, 12, 14]}


def test_what_the_message_has_for_the_command_line_can_be_pasted() -> None:
    with pytest.raises(UserError) as caught:
        load("open.onnx")
    line = re.search(r"--config (.*)", str(caught.value))
    assert line is not None
    (setting,) = shlex.split(line[1])
    key, _, value = setting.partition("=")
    filled = yaml.safe_load(value.replace("h,", "20,").replace("w]", "30]"))
    assert load("open.onnx", **{key: filled}).networks[0].layers[0].tensor.in_shape == (3, 20, 30)


@pytest.mark.parametrize(
    ("networks", "hint"),
    [(["open.onnx"], "they have x"), (["lite.tflite"], "none of its networks is from ONNX")],
)
def test_an_input_that_no_file_has(networks: list[str], hint: str) -> None:
    with pytest.raises(UserError) as caught:
        load(*networks, inputs={"z": [1, 3, 8, 8]})
    assert "config: inputs: no ONNX file of the study has an input 'z'" in str(caught.value)
    assert hint in str(caught.value)


def test_a_file_has_the_sizes_of_its_own_inputs_alone() -> None:
    study = load("open.onnx", "other.onnx", inputs={"x": [1, 3, 12, 14], "y": [1, 3, 6, 6]})
    shapes = {n.name: [layer.tensor.in_shape for layer in n.layers] for n in study.networks}
    assert shapes == {"open": [(3, 12, 14)], "other": [(3, 6, 6), (3, 12, 14)]}


@pytest.mark.parametrize("name", ["none.onnx", "none.tflite"])
def test_a_file_that_is_not_there(name: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"{name}: cannot be read")):
        load(name)


def test_sizes_are_positive_numbers() -> None:
    with pytest.raises(UserError, match=r"`inputs\.x\[2\]`: .* greater than"):
        load("open.onnx", inputs={"x": [1, 3, 0, 8]})
