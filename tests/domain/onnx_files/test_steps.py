"""The steps of ONNX files: how libraries that take no ONNX run them whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from domain.onnx_files.onnx_models import node, weights, write
from nntest.domain.graph_steps import Step
from nntest.domain.networks import Network
from nntest.domain.onnx_files.reading import account_onnx

WEIGHTS = [weights("w", 3, 3, 1, 1), weights("v", 3, 3, 1, 1), weights("b", 3)]
STEM = node("Conv", "x w", "stem")


def read(folder: Path, nodes: list[Any], **more: Any) -> Network:
    return account_onnx(write(folder / "net.onnx", nodes, WEIGHTS, **more))


def joins(network: Network) -> list[tuple[str, str, tuple[str, ...], str]]:
    return [
        (step.name, step.kind, step.inputs, step.activation)
        for step in network.steps
        if step.tensor is None
    ]


def test_a_residual_block(tmp_path: Path) -> None:
    network = read(
        tmp_path,
        [
            STEM, node("Relu", "stem", "first"), node("Conv", "first v", "second"),
            node("BatchNormalization", "second b b b b", "normal"),
            node("Add", "normal first", "sum"), node("Relu", "sum", "out"),
        ],
    )  # fmt: skip
    assert network.why_no_graph() == ""
    assert joins(network) == [
        ("/sum", "add", ("/second", "/stem"), "none"),
        ("/out", "activation", ("/sum",), "relu"),
    ]
    first, second = network.steps[:2]
    assert (first.activation, second.activation) == ("relu", "none")
    assert (first.inputs, second.inputs) == (("",), ("/stem",))
    assert network.uncovered == ["/sum (Add)", "/out (Relu)"]


def test_squeeze_and_excite_whichever_comes_first(tmp_path: Path) -> None:
    for product in ("stem gate", "gate stem"):
        network = read(
            tmp_path,
            [
                STEM, node("GlobalAveragePool", "stem", "mean"), node("Conv", "mean v", "made"),
                node("HardSigmoid", "made", "gate", alpha=1 / 6, beta=0.5),
                node("Mul", product, "weighed"), node("HardSwish", "weighed", "out"),
                node("Concat", "out stem", "both", axis=1),
            ],
        )  # fmt: skip
        assert network.why_no_graph() == ""
        assert joins(network) == [
            ("/gate", "activation", ("/made",), "hard-sigmoid"),
            ("/weighed", "mul", ("/stem", "/gate"), "none"),
            ("/out", "activation", ("/weighed",), "hard-swish"),
            ("/both", "concat", ("/out", "/stem"), "none"),
        ]


@pytest.mark.parametrize(
    "other",
    [
        node("LeakyRelu", "sum", "out"),
        node("Concat", "sum stem", "out", axis=2),
        node("Transpose", "sum", "out", perm=[0, 1, 3, 2]),
        node("Add", "sum b1", "out"),
        node("HardSigmoid", "sum", "out"),
        node("Sub", "sum stem", "out"),
    ],
)
def test_a_node_that_is_no_step_leaves_none(tmp_path: Path, other: Any) -> None:
    nodes = [STEM, node("Add", "stem stem", "sum"), other, node("Conv", "out v", "end")]
    path = write(tmp_path / "net.onnx", nodes, [*WEIGHTS, weights("b1", 1, 3, 1, 1)])
    network = account_onnx(path)
    assert network.steps == ()
    assert "/out" in network.why_no_graph()


def test_a_network_of_two_outputs_does_not_run_from_its_steps(tmp_path: Path) -> None:
    network = read(tmp_path, [STEM, node("Conv", "stem v", "one"), node("Conv", "stem w", "two")])
    assert network.why_no_graph() == "no step reads /one"


def test_a_chain_is_steps_as_well(tmp_path: Path) -> None:
    network = read(tmp_path, [STEM, node("Relu", "stem", "a"), node("Conv", "a v", "end")])
    tensors = [layer.tensor for layer in network.layers]
    assert network.as_steps == (
        Step("/stem", "conv", ("",), tensors[0], "relu"),
        Step("/end", "conv", ("/stem",), tensors[1]),
    )
    assert network.why_no_chain() == network.why_no_graph() == ""
