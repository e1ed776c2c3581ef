"""A network's graph as it is drawn: the nodes that do work, with what is folded into each.

What is free or constant is left out, and its readers read what it reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nntest.domain.graph_nodes import RUNNING, GraphNode
from nntest.domain.networks import Layer, Network
from nntest.domain.traffic import tensor_work


@dataclass(frozen=True)
class DrawnNode:
    """A node that does work."""

    node: GraphNode
    layer: Layer | None
    """None for a node that is not covered."""
    folded: tuple[str, ...]
    """Kinds of the nodes that are folded into it."""
    reads: tuple[int, ...]
    """Places of the drawn nodes that it reads."""

    @property
    def operations(self) -> int | None:
        """Of one image if it is a layer, else of the file's batch; None if they are not known."""
        if self.layer is not None:
            return tensor_work(self.layer.tensor).operations
        return None if self.node.macs is None else 2 * self.node.macs


def drawn_nodes(network: Network) -> list[DrawnNode]:
    """The nodes of a network in their order; of one that is no file's graph, its layers."""
    nodes = network.nodes or tuple(_chain(network))
    layers = {layer.name: layer for layer in network.layers}
    folded: dict[str, list[str]] = {}
    for node in nodes:
        if node.fate == "folded":
            folded.setdefault(node.layer, []).append(node.kind)
    drawn: list[DrawnNode] = []
    behind: list[tuple[int, ...]] = []
    """For each node what reads it reads: itself, or through it."""
    for node in nodes:
        # A damaged file may have a node that reads one behind it.
        read = [place for at in node.reads if at < len(behind) for place in behind[at]]
        reads = tuple(dict.fromkeys(read))
        if node.fate in RUNNING:
            behind.append((len(drawn),))
            kinds = tuple(folded.get(node.layer or node.name, ()))
            drawn.append(DrawnNode(node, layers.get(node.layer), kinds, reads))
        else:
            behind.append(() if node.fate == "constant" else reads)
    return drawn


def _chain(network: Network) -> Iterator[GraphNode]:
    for place, layer in enumerate(network.layers):
        work = tensor_work(layer.tensor)
        size = 4 * (work.weights + work.inputs + work.outputs)
        reads = (place - 1,) if place else ()
        yield GraphNode(
            layer.name, layer.species, "measured", layer.name, layer.macs, size, reads=reads
        )
