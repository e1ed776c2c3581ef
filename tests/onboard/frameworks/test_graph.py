"""Which layers a library's node belongs to, by the names that the writers gave them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest


@pytest.mark.parametrize(
    ("names", "layers"),
    [
        (["conv"], ["conv"]),
        (["conv/relu6"], ["conv"]),
        (["conv:out", "conv/WithoutBiases"], ["conv"]),
        (["conv/second"], ["conv/second"]),
        (["conv/second/relu6"], ["conv/second"]),
        (["pool", "conv", "conv/relu6"], ["pool", "conv"]),
        (["convolution"], None),
        (["input_abcd_acdb_conv/WithoutBiases", ""], None),
        ([], None),
    ],
)
def test_layers_by_names(
    frameworks: SimpleNamespace, names: list[str], layers: list[str] | None
) -> None:
    node = frameworks.graph.Node
    nodes = tuple(node(name, "conv", None) for name in ("conv", "conv/second", "pool"))
    graph = frameworks.graph.Graph("small", nodes, "fp32", np.zeros(1), np.zeros(1), 0.0)
    assert graph.layers_named(names) == layers
