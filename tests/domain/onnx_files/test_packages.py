"""ONNX files of packages on the Python package index, with the sizes that they leave open."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from domain.network_file_samples import unpacked_wheel
from nntest.domain.onnx_files.reading import account_onnx, read_onnx
from nntest.domain.onnx_files.whole_model import WholeModel
from nntest.domain.tensors import Tensor
from nntest.errors import UserError
from nntest.measuring.model_files import reference_outputs

pytestmark = pytest.mark.network

OCR = "rapidocr_onnxruntime/models"
WHEEL = "rapidocr-onnxruntime==1.4.4"
SIZES = {
    f"{OCR}/ch_PP-OCRv4_det_infer.onnx": [1, 3, 480, 640],
    f"{OCR}/ch_PP-OCRv4_rec_infer.onnx": [1, 3, 48, 320],
    f"{OCR}/ch_ppocr_mobile_v2.0_cls_infer.onnx": [1, 3, 48, 192],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files."""
    return unpacked_wheel(WHEEL, tmp_path_factory.mktemp("wheel"))


@pytest.mark.parametrize("name", SIZES)
def test_a_network_for_texts_in_images(folder: Path, name: str) -> None:
    path = folder / name
    with pytest.raises(UserError, match=r'inputs: \{"x": \[1, 3, '):
        read_onnx(path)
    inputs = {"x": SIZES[name]}
    network = account_onnx(path, inputs=inputs)
    assert all(node.macs is not None and node.bytes is not None for node in network.nodes)
    measured = [node.macs for node in network.nodes if node.fate == "measured"]
    assert measured == [layer.macs for layer in network.layers]
    with pytest.raises(UserError) as caught:
        read_onnx(path, inputs=inputs)
    line = re.search(r"leave_out: .*", str(caught.value))
    assert line is not None
    without = read_onnx(path, yaml.safe_load(line[0])["leave_out"], inputs)
    assert without.layers == network.layers


@pytest.mark.parametrize("name", SIZES)
def test_with_single_nodes_all_of_it_is_covered(folder: Path, name: str) -> None:
    network = read_onnx(folder / name, inputs={"x": SIZES[name]}, single_nodes=True)
    assert not network.uncovered
    assert network.macs == sum(node.macs or 0 for node in network.nodes)
    nodes = network.repeats("onnx")
    assert sum(nodes.values()) > len(nodes)
    for tensor in nodes:
        assert Tensor.parse("onnx", tensor.name) == tensor


def test_what_onnx_runtime_fuses_is_one_layer(folder: Path) -> None:
    name = next(name for name in SIZES if "rec" in name)
    network = read_onnx(folder / name, inputs={"x": SIZES[name]}, single_nodes=True)
    kinds = Counter(layer.tensor.node.kind for layer in network.layers if layer.tensor.node)
    assert kinds["Mul+Sigmoid+Mul"] == 7
    assert kinds["ReduceMean+Sub+Pow+ReduceMean+Add+Sqrt+Div+Mul+Add"] == 3


@pytest.mark.parametrize("name", SIZES)
def test_it_runs_whole_with_its_own_weights(folder: Path, name: str) -> None:
    whole = WholeModel(folder / name, {"x": SIZES[name]}, "file", {})
    model = whole.build(1, 42)
    outputs = reference_outputs(name, model.SerializeToString(), whole.draw_inputs(model, 42))
    assert [output.shape[0] for output in outputs.values()] == [1]
