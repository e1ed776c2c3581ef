"""A network from an ONNX file: its layers, and what becomes of every node.

A node that does much work (a convolution, a pool) and that no operator of ours computes ends the
reading, unless the user leaves it out by name: without it an estimate would be far too small.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from math import prod
from pathlib import Path

import onnx

from nntest.domain.git_lfs import refuse_pointer
from nntest.domain.graph_nodes import Fate, GraphNode, leave_out_line, share
from nntest.domain.networks import Layer, Network
from nntest.domain.onnx_files.activations import activation_of
from nntest.domain.onnx_files.data_types import FLOATS, QUANTISERS, data_type_of
from nntest.domain.onnx_files.graph import Graph, node_name, read_graph
from nntest.domain.onnx_files.input_sizes import Sizes, fix_sizes
from nntest.domain.onnx_files.layers import LayerMaker, Unsupported
from nntest.domain.onnx_files.model_file import parse
from nntest.domain.onnx_files.work import bytes_of, macs_of
from nntest.domain.tensors import ACTIVATED
from nntest.errors import UserError

_RESHAPING = ("Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Dropout")
_ACTIVATIONS = ("Relu", "Clip", "LeakyRelu", "PRelu")
_ARITHMETIC = ("Add", "Sum", "Sub", "Mul", "Div")


def read_onnx(path: Path, leave_out: Iterable[str] = (), inputs: Sizes | None = None) -> Network:
    """The network of an ONNX file; weights may be missing, their shapes may not.

    `inputs` gives the sizes that the file leaves open; a batch that stays open is 1.  `leave_out`
    names nodes that are not covered whatever they are.

    Raises `UserError` for what cannot be read, for open sizes, and for essential nodes that no
    operator computes: one message names them all.
    """
    network = account_onnx(path, leave_out, inputs)
    essential = [node for node in network.nodes if node.essential]
    if not network.layers:
        raise UserError(f"{path}: has no node that an operator computes{_by_reason(network.nodes)}")
    if essential:
        raise UserError(
            f"{path}: no operator computes {len(essential)} of its {len(network.nodes)} nodes, "
            f"with {share(essential, network.nodes)}{_by_reason(essential)}",
            "to leave them out of the network and of its estimate: "
            f"{leave_out_line(essential, leave_out)}",
        )
    return network


def account_onnx(path: Path, leave_out: Iterable[str] = (), inputs: Sizes | None = None) -> Network:
    """As `read_onnx`, also if there are essential nodes that no operator computes, or no layers."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    refuse_pointer(path, content)
    sizes = tuple((name, tuple(given)) for name, given in (inputs or {}).items())
    return _read(path, content, frozenset(leave_out), sizes)


@lru_cache(maxsize=64)
def _read(
    path: Path,
    content: bytes,
    leave_out: frozenset[str],
    inputs: tuple[tuple[str, tuple[int, ...]], ...],
) -> Network:
    model = parse(path, content)
    fix_sizes(path, model, dict(inputs))
    graph = read_graph(path, model)
    unknown = leave_out - {node_name(node) for node in graph.nodes}
    if unknown:
        raise UserError(f"{path}: `leave_out` names '{min(unknown)}', but it has no such node")
    sorted_in = _Sorted(graph, leave_out)
    return Network(
        path.stem,
        tuple(sorted_in.layers),
        tuple(sorted_in.nodes),
        data_type_of(graph),
        hashlib.sha256(content).hexdigest(),
    )


def _by_reason(nodes: Iterable[GraphNode]) -> str:
    """A line for each reason, with the nodes that it is true of."""
    reasons: dict[str, list[str]] = {}
    for node in nodes:
        if node.reason:
            reasons.setdefault(node.reason, []).append(node.label)
    return "".join(f"\n  {reason}: {', '.join(labels)}" for reason, labels in reasons.items())


class _Sorted:
    """The layers and nodes of a graph, in their order."""

    def __init__(self, graph: Graph, leave_out: frozenset[str]) -> None:
        self.layers: list[Layer] = []
        self.nodes: list[GraphNode] = []
        self._graph = graph
        self._maker = LayerMaker(graph)
        self._layer_of: dict[str, int] = {}
        """Index of the layer that made a value, followed through what is folded."""
        running = [node for node in graph.nodes if not graph.is_constant(node)]
        self._readers = Counter(name for node in running for name in set(node.input))
        for node in graph.nodes:
            self.nodes.append(self._taken(node, node_name(node) in leave_out))

    def _taken(self, node: onnx.NodeProto, left_out: bool) -> GraphNode:
        """Sort one node in."""
        if self._graph.is_constant(node):
            return GraphNode(node_name(node), node.op_type, "constant")
        if left_out:
            return self._runs(node, "not covered", reason="left out by the user")
        try:
            layer = self._maker.layer(node)
        except Unsupported as error:
            return self._runs(node, "not covered", reason=str(error), essential=True)
        if layer is not None:
            for name in node.output:
                self._layer_of[name] = len(self.layers)
            self.layers.append(layer)
            return self._runs(node, "measured", layer=layer.name)
        source = self._folded_behind(node)
        if source is None:
            return self._runs(node, "not covered", reason="no operator computes it")
        self._maker.pass_through(source, node.output[0])
        before = self._layer_of.get(source)
        if before is not None:
            self._layer_of[node.output[0]] = before
        if before is None or self._vanishes(node):
            return GraphNode(node_name(node), node.op_type, "free")
        return GraphNode(node_name(node), node.op_type, "folded", self.layers[before].name)

    def _runs(
        self,
        node: onnx.NodeProto,
        fate: Fate,
        *,
        layer: str = "",
        reason: str = "",
        essential: bool = False,
    ) -> GraphNode:
        """A node that does work of its own."""
        macs, size = macs_of(node, self._graph), bytes_of(node, self._graph)
        return GraphNode(node_name(node), node.op_type, fate, layer, macs, size, reason, essential)

    # -- folding ---------------------------------------------------------------------------

    def _folded_behind(self, node: onnx.NodeProto) -> str | None:
        """The value that a node is folded behind, or moves nothing of; None if it does work.

        What it does to the layer behind which it is folded is noted there.
        """
        source = node.input[0] if node.input else ""
        if node.op_type in _ARITHMETIC:
            # With a constant for each channel: a bias or a scale, part of the layer before.
            others = [name for name in node.input if name not in self._graph.constants]
            if len(others) != 1 or not self._has_one_reader(others[0]):
                return None
            source = others[0]
            layer = self._weighted_layer(source)
            if layer is None or self._constant_elements(node) not in (1, self._channels(layer)):
                return None
        elif node.op_type == "BatchNormalization":
            layer = self._weighted_layer(source)
            if layer is None or not self._has_one_reader(source):
                return None
            old = self.layers[layer]
            self.layers[layer] = replace(
                old, batch_norm_parameters=old.batch_norm_parameters + 2 * self._channels(layer)
            )
        elif node.op_type in _ACTIVATIONS:
            if source not in self._layer_of or not self._has_one_reader(source):
                return None
            layer = self._layer_of[source]
            if self.layers[layer].species in ACTIVATED:
                activation = activation_of(node, self._graph)
                self.layers[layer] = replace(self.layers[layer], activation=activation)
        elif not self._vanishes(node):
            return None
        return source

    def _weighted_layer(self, value: str) -> int | None:
        """Index of the layer with weights that made a value; None if another made it."""
        index = self._layer_of.get(value)
        return index if index is not None and self.layers[index].parameters else None

    def _channels(self, layer: int) -> int:
        return self.layers[layer].tensor.out_shape[0]

    def _constant_elements(self, node: onnx.NodeProto) -> int:
        """Product of the sizes of a node's constants; 0 if one is not known."""
        shapes = [self._graph.shapes.get(n) for n in node.input if n in self._graph.constants]
        return prod(size or 0 for shape in shapes for size in (shape if shape is not None else [0]))

    def _has_one_reader(self, value: str) -> bool:
        return self._readers[value] == 1

    def _vanishes(self, node: onnx.NodeProto) -> bool:
        """Whether it does nothing where all layers are computed in one data type."""
        if node.op_type == "Cast":
            types = (self._graph.types.get(name) for name in (*node.input, *node.output))
            return all(element_type in FLOATS for element_type in types)
        return node.op_type in (*_RESHAPING, *QUANTISERS)
