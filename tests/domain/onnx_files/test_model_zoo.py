"""The nine model-zoo graphs inside the onnx package: all read, every node accounted for."""

from __future__ import annotations

import re
from pathlib import Path

import onnx
import pytest
import yaml
from nntest.domain.graph_nodes import RUNNING, share
from nntest.domain.onnx_files.reading import account_onnx, read_onnx
from nntest.errors import UserError

FOLDER = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"

MACS = {
    "bvlc_alexnet": 654_560_384,
    "densenet121": 2_834_161_664,
    "inception_v1": 1_431_556_352,
    "inception_v2": 2_018_851_840,
    "resnet50": 4_089_184_256,
    "shufflenet": 124_664_528,
    "squeezenet": 349_151_936,
    "vgg19": 19_632_062_464,
    "zfnet512": 1_481_727_008,
}
"""Multiply-accumulates of one image.  As published: ResNet-50's 4.1, DenseNet-121's 2.83 and
VGG-19's 19.6 thousand million, SqueezeNet 1.1's 349 million."""

REFUSED = {"bvlc_alexnet": 3, "inception_v1": 1, "inception_v2": 7, "shufflenet": 35}
"""Grouped convolutions and means with padding, which no operator computes."""


def file_of(name: str) -> Path:
    return FOLDER / f"light_{name}.onnx"


def test_all_of_them_are_here() -> None:
    assert {path.stem for path in FOLDER.glob("*.onnx")} == {f"light_{name}" for name in MACS}


@pytest.mark.parametrize("name", MACS)
def test_every_node_is_accounted_for(name: str) -> None:
    network = account_onnx(file_of(name))
    assert [(node.name, node.kind) for node in network.nodes] == [
        (node.name or node.output[0], node.op_type) for node in onnx.load(file_of(name)).graph.node
    ]
    assert sum(node.macs or 0 for node in network.nodes) == MACS[name]
    measured = [node for node in network.nodes if node.fate == "measured"]
    assert [node.layer for node in measured] == [layer.name for layer in network.layers]
    assert [node.macs for node in measured] == [layer.macs for layer in network.layers]
    for node in network.nodes:
        assert (node.fate == "not covered") == bool(node.reason)
        assert (node.fate in RUNNING) == bool(node.bytes)
        assert node.fate != "folded" or node.layer in {other.name for other in network.nodes}
    assert "ConstantOfShape" not in {n.kind for n in network.nodes if n.fate != "constant"}


@pytest.mark.parametrize("name", MACS)
def test_one_message_names_all_that_is_refused_and_its_line_makes_it_readable(name: str) -> None:
    try:
        network = read_onnx(file_of(name))
    except UserError as error:
        line = re.search(r"leave_out: .*", str(error))
        assert line is not None
        names = yaml.safe_load(line[0])["leave_out"]
        assert len(names) == REFUSED[name]
        network = read_onnx(file_of(name), names)
        assert {node.name for node in network.nodes if node.fate == "not covered"} >= set(names)
    else:
        assert name not in REFUSED
    assert not any(node.essential for node in network.nodes)


def test_the_message_has_a_line_for_each_reason() -> None:
    with pytest.raises(UserError) as caught:
        read_onnx(file_of("bvlc_alexnet"))
    assert str(caught.value) == (
        f"{file_of('bvlc_alexnet')}: no operator computes 3 of its 40 nodes, with 56.1 % of the "
        "multiply-accumulates and 2.92 % of the bytes\n"
        "  2 groups of 96 channels into 256: grouped, not depthwise: n4 (Conv)\n"
        "  2 groups of 384 channels into 384: grouped, not depthwise: n10 (Conv)\n"
        "  2 groups of 384 channels into 256: grouped, not depthwise: n12 (Conv)\n"
        "  hint: to leave them out of the network and of its estimate: "
        'leave_out: ["n4", "n10", "n12"]'
    )


def test_what_is_not_covered_has_its_share_of_the_work() -> None:
    nodes = account_onnx(file_of("squeezenet")).nodes
    joined = [node for node in nodes if node.fate == "not covered"]
    assert {node.kind for node in joined} == {"Concat"}
    part = share(joined, nodes)
    assert part.macs == 0
    assert part.bytes == pytest.approx(
        sum(node.bytes or 0 for node in joined) / sum(node.bytes or 0 for node in nodes)
    )
