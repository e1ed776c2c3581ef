"""Nodes that no operator of CK-NNTest's species computes, each as a single ONNX node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from domain.onnx_files.onnx_models import constant, fates, node, weights, write
from domain.onnx_files.test_model_zoo import MACS, file_of
from nntest.domain.networks import Network
from nntest.domain.onnx_files.reading import read_onnx
from nntest.errors import UserError


def read(path: Path, nodes: list[Any], constants: list[Any], **more: Any) -> Network:
    file = write(path / "m.onnx", nodes, constants, **more)
    return read_onnx(file, single_nodes=True)


def names(network: Network) -> list[str]:
    return [layer.tensor.name for layer in network.layers]


def test_nodes_are_layers_in_their_order(tmp_path: Path) -> None:
    network = read(
        tmp_path,
        [
            node("Conv", "x w", "conv"),
            node("Conv", "conv g", "grouped", group=2),
            node("Relu", "grouped", "relu"),
            node("Add", "relu conv", "sum"),
            node("Add", "sum three", "more"),
            node("Clip", "more zero six", "end"),
        ],
        [
            weights("w", 4, 3, 3, 3), weights("g", 4, 2, 1, 1), constant("three", 3.5, np.float32),
            constant("zero", 0, np.float32), constant("six", 6, np.float32),
        ],
    )  # fmt: skip
    assert fates(network) == {
        "/conv": "measured", "/grouped": "measured", "/relu": "folded", "/sum": "measured",
        "/more": "measured", "/end": "measured",
    }  # fmt: skip
    assert names(network) == [
        "3-32-32-3-4-1-0",
        "Conv@11:1x4x30x30,=4x2x1x1;group=2",
        "Add@14:1x4x30x30,1x4x30x30",
        "Add@14:1x4x30x30,=scalar",  # which number is added does not matter
        "Clip@13:1x4x30x30,=scalar[0.0],=scalar[6.0]",
    ]
    assert network.macs == sum(item.macs or 0 for item in network.nodes)
    assert network.why_no_chain() == "only as ONNX nodes run /grouped, /sum, /more, /end"


def test_attributes_that_go_without_saying_are_in_no_name(tmp_path: Path) -> None:
    said = {"kernel_shape": [3, 3], "strides": [1, 1], "dilations": [1, 1], "pads": [0, 0, 0, 0]}
    network = read(
        tmp_path,
        [
            node("Conv", "x g", "a", group=3, auto_pad="NOTSET", **said),
            node("Conv", "x g", "b", group=3, **{**said, "strides": [2, 1]}),
            node("AveragePool", "x", "c", **{**said, "pads": [1, 1, 1, 1]}),
            node("HardSigmoid", "x", "d", alpha=0.2, beta=0.25),
            node("Concat", "d x", "e", axis=1),
        ],
        [weights("g", 6, 1, 3, 3)],
    )
    assert names(network) == [
        "Conv@11:1x3x32x32,=6x1x3x3;group=3",
        "Conv@11:1x3x32x32,=6x1x3x3;group=3;strides=[2,1]",
        "AveragePool@11:1x3x32x32;kernel_shape=[3,3];pads=[1,1,1,1]",
        "HardSigmoid@6:1x3x32x32;beta=0.25",
        "Concat@13:1x3x32x32,1x3x32x32;axis=1",
    ]


def test_equal_nodes_are_one_tensor(tmp_path: Path) -> None:
    network = read(
        tmp_path,
        [node("Add", "x x", "a"), node("Add", "a x", "b"), node("Mul", "b x", "c")],
        [],
    )
    assert list(network.repeats("onnx").values()) == [2, 1]


def test_a_node_that_the_user_leaves_out_stays_out(tmp_path: Path) -> None:
    file = write(tmp_path / "m.onnx", [node("Add", "x x", "a"), node("Mul", "a x", "b")], [])
    network = read_onnx(file, ["/a"], single_nodes=True)
    assert fates(network) == {"/a": "not covered", "/b": "measured"}


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (node("Mystery", "x", "y", domain="mine"), "of the domain mine"),
        (node("Mystery", "x", "y"), "ONNX has no such operator"),
        (node("NonZero", "x", "y"), "depend on the data"),
        (node("Unique", "x", "y", axis=0, sorted=1), "depend on the data"),
    ],
)
def test_why_a_node_cannot_be_one_of_its_own(tmp_path: Path, made: Any, why: str) -> None:
    nodes = [node("Conv", "x w", "conv"), made]
    file = write(tmp_path / "m.onnx", nodes, [weights("w", 4, 3, 3, 3)], domains=("mine",))
    network = read_onnx(file, single_nodes=True)
    (uncovered,) = [item for item in network.nodes if item.fate == "not covered"]
    assert uncovered.name == "/y"
    assert uncovered.reason.startswith("no operator computes it, nor a model of its own: ")
    assert why in uncovered.reason


def test_what_cannot_be_covered_at_all_is_still_refused(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x w", "conv"),
        node("Einsum", "conv conv", "y", equation="nchw,nchw->n"),
        node("LSTM", "z w", "l"),
    ]
    file = write(tmp_path / "m.onnx", nodes, [weights("w", 4, 3, 3, 3)])
    with pytest.raises(UserError, match="no operator computes 1 of its 3 nodes"):
        read_onnx(file, single_nodes=True)


@pytest.mark.parametrize("name", MACS)
def test_the_model_zoos_graphs_are_covered_to_the_last_node(name: str) -> None:
    network = read_onnx(file_of(name), single_nodes=True)
    assert not network.uncovered
    assert network.macs == MACS[name]
