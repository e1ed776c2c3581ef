"""Sorting the nodes of a network's file, whatever its format: layers, and what becomes of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path

from nntest.domain.graph_nodes import GraphNode
from nntest.domain.graph_steps import Step
from nntest.domain.networks import Layer, Network
from nntest.domain.tensor_suffixes import ACTIVATED
from nntest.domain.tensors import Tensor

Work = tuple[int | None, int | None]
"""Multiply-accumulates and bytes of a node in one run; None for what is not known."""

NO_OPERATOR = "no operator computes it"


class Unsupported(Exception):
    """Why no operator computes a node that does much work."""


@dataclass(frozen=True)
class Host:
    """What a value comes from, and what stands behind it may be folded into."""

    name: str
    layer: int | None
    """Its index; None for a node with weights that is single, or not covered."""
    weighted: bool
    channels: int


class NodeSorter:
    """The layers and nodes of a graph, in their order."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.nodes: list[GraphNode] = []
        self.host_of: dict[str, Host] = {}
        """By the value that it made, followed through what is folded."""
        self.steps: tuple[Step, ...] = ()

    def network(self, path: Path, content: bytes, data_type: str) -> Network:
        """The network of a file whose nodes are all sorted."""
        digest = hashlib.sha256(content).hexdigest()
        layers, nodes = tuple(self.layers), tuple(self.nodes)
        return Network(path.stem, layers, nodes, data_type, digest, self.steps)

    def measured(
        self, name: str, kind: str, outputs: Iterable[str], layer: Layer, work: Work
    ) -> GraphNode:
        """A node that is a layer, into which what stands behind it may be folded."""
        host = Host(name, len(self.layers), layer.parameters > 0, layer.tensor.out_shape[0])
        self.host_of.update(dict.fromkeys(outputs, host))
        self.layers.append(layer)
        return GraphNode(name, kind, "measured", layer.name, *work)

    def not_covered(
        self, name: str, kind: str, reason: str, work: Work, *, essential: bool = False
    ) -> GraphNode:
        """A node that no operator computes."""
        return GraphNode(name, kind, "not covered", "", *work, reason, essential)

    def host_without_layer(
        self, name: str, outputs: Iterable[str], channels: int | None, work: Work
    ) -> None:
        """Let be folded into a node with weights, that is no layer, what stands behind it."""
        if work[0] and channels is not None:
            host = Host(name, None, weighted=True, channels=channels)
            self.host_of.update(dict.fromkeys(outputs, host))

    def passed(
        self, name: str, kind: str, source: str, output: str, *, vanishes: bool
    ) -> GraphNode:
        """A node that is folded into what makes `source`, or that is free."""
        before = self.host_of.get(source)
        if before is not None:
            self.host_of[output] = before
        if before is None or vanishes:
            return GraphNode(name, kind, "free")
        return GraphNode(name, kind, "folded", before.name)

    def activate(self, host: Host, activation: str) -> None:
        """Note the activation of a layer, if operator programs have it."""
        if self.is_activated(host):
            assert host.layer is not None
            self.layers[host.layer] = replace(self.layers[host.layer], activation=activation)

    def is_activated(self, host: Host) -> bool:
        """Whether operator programs apply an activation to a host's output."""
        return host.layer is not None and self.layers[host.layer].species in ACTIVATED


def refuse_other_output(tensor: Tensor, expected: Iterable[int], is_image: bool) -> None:
    """Raise `Unsupported` unless a layer gives the output that its file says, without the batch.

    An output that is no image may have as many elements in any shape.
    """
    given, said = tensor.out_shape, tuple(expected)
    if prod(said) != prod(given) or (is_image and said != given):
        raise Unsupported(
            f"its output is {size_text(said)}, but our operators give {size_text(given)} "
            "(ceil_mode?)"
        )


def size_text(sizes: Iterable[int]) -> str:
    """Sizes as messages have them: 3 x 224 x 224."""
    return " x ".join(map(str, sizes))
