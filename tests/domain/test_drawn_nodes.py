"""The graph that is drawn: nodes that do work, through what is folded or free."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from domain.onnx_files.onnx_models import node, weights, write
from domain.tflite_files.tflite_models import Model
from nntest.config.load import load_network
from nntest.domain.drawn_nodes import drawn_nodes
from nntest.domain.networks import Network
from nntest.domain.onnx_files.reading import account_onnx
from nntest.domain.tflite_files.reading import account_tflite

NETWORKS = Path(__file__).parents[2] / "config" / "networks"


def described(network: Network) -> list[tuple[str, tuple[int, ...], tuple[str, ...]]]:
    return [(shown.node.name, shown.reads, shown.folded) for shown in drawn_nodes(network)]


def test_an_onnx_file(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x w", "a"), node("Relu", "a", "b"), node("Conv", "b v", "c"),
        node("Identity", "b", "same"), node("Shape", "c", "shape"), node("Size", "c", "size"),
        node("Add", "c same", "sum"), node("Reshape", "sum shape", "row"),
        node("Mystery", "row", "end", domain="mine"),
    ]  # fmt: skip
    path = write(
        tmp_path / "net.onnx", nodes, [weights("w", 4, 3, 1, 1), weights("v", 4, 4, 1, 1)],
        (1, 3, 8, 8), domains=("mine",),
    )  # fmt: skip
    network = account_onnx(path)
    assert described(network) == [
        ("/a", (), ("Relu",)),
        ("/c", (0,), ()),
        ("/sum", (1, 0), ()),
        ("/end", (2,), ()),
    ]
    shown = drawn_nodes(network)
    assert [one.operations for one in shown] == [2 * 64 * 12, 2 * 64 * 16, 0, None]


def test_a_tflite_file(tmp_path: Path) -> None:
    model = Model((1, 8, 8, 4))
    model.constant("half", np.zeros((4, 1, 1, 4), np.float16))
    model.add("DEQUANTIZE", "half", "w", (4, 1, 1, 4))
    model.window("CONV_2D", "x w", "conv", (1, 8, 8, 4))
    model.add("RELU", "conv", "relu", (1, 8, 8, 4))
    model.add("ADD", "relu x", "sum", (1, 8, 8, 4))
    network = account_tflite(model.write(tmp_path))
    assert described(network) == [("conv", (), ("RELU",)), ("sum", (0,), ())]


def test_a_chain_and_a_family() -> None:
    chain = drawn_nodes(load_network(NETWORKS / "mobilenet-v1-0.25-128.yaml").build())
    assert [shown.reads for shown in chain[:3]] == [(), (0,), (1,)]
    family = described(load_network(NETWORKS / "resnet-18.yaml").build())
    assert family[:5] == [
        ("conv1", (), ()),
        ("maxpool", (0,), ()),
        ("layer1.0.conv1", (1,), ()),
        ("layer1.0.conv2", (2,), ()),
        ("layer1.0.add", (3, 1), ()),
    ]
