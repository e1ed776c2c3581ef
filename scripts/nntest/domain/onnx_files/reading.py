"""A network from an ONNX file: its layers, and what becomes of every node.

A node that does much work (a convolution, a pool) and that no operator of ours computes ends the
reading, unless the user leaves it out by name: without it an estimate would be far too small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from math import prod
from pathlib import Path

import onnx

from nntest.domain.graph_nodes import LEFT_OUT, GraphNode, with_reads
from nntest.domain.network_files import content_of, refuse_unknown, usable
from nntest.domain.networks import Layer, Network
from nntest.domain.node_sorting import NO_OPERATOR, Host, NodeSorter, Unsupported, Work
from nntest.domain.onnx_files.activations import activation_of
from nntest.domain.onnx_files.data_types import FLOATS, QUANTISERS, data_type_of
from nntest.domain.onnx_files.fused_groups import grouped
from nntest.domain.onnx_files.graph import Graph, node_name, read_graph
from nntest.domain.onnx_files.input_sizes import Sizes, fix_sizes
from nntest.domain.onnx_files.layers import LayerMaker
from nntest.domain.onnx_files.model_file import parse, refuse_invalid
from nntest.domain.onnx_files.single_nodes import NotSingle, node_group
from nntest.domain.onnx_files.steps import OnnxStepRecorder
from nntest.domain.onnx_files.work import bytes_of, macs_of
from nntest.domain.tensors import Tensor

_RESHAPING = ("Flatten", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Dropout")
_ACTIVATIONS = ("Relu", "Clip", "LeakyRelu", "PRelu")
_ARITHMETIC = ("Add", "Sum", "Sub", "Mul", "Div")


def read_onnx(
    path: Path,
    leave_out: Iterable[str] = (),
    inputs: Sizes | None = None,
    *,
    single_nodes: bool = False,
) -> Network:
    """The network of an ONNX file; weights may be missing, their shapes may not.

    `inputs` gives the sizes that the file leaves open; a batch that stays open is 1.  `leave_out`
    names nodes that are not covered whatever they are.  With `single_nodes` each node that would
    not be covered is a layer of the species onnx, where it can be, or is in one with those that
    ONNX Runtime fuses it with.

    Raises `UserError` for what cannot be read, for open sizes, and for essential nodes that no
    operator computes: one message names them all.
    """
    return usable(path, account_onnx(path, leave_out, inputs, single_nodes=single_nodes))


def account_onnx(
    path: Path,
    leave_out: Iterable[str] = (),
    inputs: Sizes | None = None,
    *,
    single_nodes: bool = False,
) -> Network:
    """As `read_onnx`, also if there are essential nodes that no operator computes, or no layers."""
    content = content_of(path)
    sizes = tuple((name, tuple(given)) for name, given in (inputs or {}).items())
    return _read(path, content, frozenset(leave_out), sizes, single_nodes)


@lru_cache(maxsize=64)
def _read(
    path: Path,
    content: bytes,
    leave_out: frozenset[str],
    inputs: tuple[tuple[str, tuple[int, ...]], ...],
    single_nodes: bool,
) -> Network:
    try:
        return _read_valid(path, content, leave_out, dict(inputs), single_nodes)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        refuse_invalid(path, content)
        raise


def _read_valid(
    path: Path, content: bytes, leave_out: frozenset[str], inputs: Sizes, single_nodes: bool
) -> Network:
    model = parse(path, content)
    fix_sizes(path, model, inputs)
    graph = read_graph(path, model)
    refuse_unknown(path, leave_out, map(node_name, graph.nodes))
    return _Sorted(graph, leave_out, single_nodes).network(path, content, data_type_of(graph))


class _Sorted(NodeSorter):
    """The layers and nodes of a graph, in their order."""

    def __init__(self, graph: Graph, leave_out: frozenset[str], single_nodes: bool) -> None:
        super().__init__()
        self._graph = graph
        self._single_nodes = single_nodes
        self._maker = LayerMaker(graph)
        running = [node for node in graph.nodes if not graph.is_constant(node)]
        self._readers = Counter(name for node in running for name in set(node.input))
        self._recorder = OnnxStepRecorder(graph)
        for node in graph.nodes:
            self.nodes.append(self._taken(node, node_name(node) in leave_out))
        self.nodes = with_reads(self.nodes, [(node.input, node.output) for node in graph.nodes])
        self.steps = self._recorder.steps(self.layers)
        if single_nodes:
            self.nodes, self.layers = grouped(graph, self.nodes, self.layers)

    def _taken(self, node: onnx.NodeProto, left_out: bool) -> GraphNode:
        """Sort one node in."""
        if self._graph.is_constant(node):
            return GraphNode(node_name(node), node.op_type, "constant")
        if left_out:
            self._recorder.other(node)
            return self._not_covered(node, LEFT_OUT)
        try:
            layer = self._maker.layer(node)
        except Unsupported as error:
            return self._single(node, str(error), essential=True)
        if layer is not None:
            self._recorder.layer(layer, node.input[0], node.output)
            return self.measured(
                node_name(node), node.op_type, node.output, layer, self._work(node)
            )
        source = self._folded_behind(node)
        if source is None:
            return self._single(node, NO_OPERATOR)
        self._maker.pass_through(source, node.output[0])
        self._recorder.same(source, node.output[0])
        return self.passed(
            node_name(node), node.op_type, source, node.output[0], vanishes=self._vanishes(node)
        )

    def _single(self, node: onnx.NodeProto, reason: str, *, essential: bool = False) -> GraphNode:
        """A node with no operator of its own: single if that is asked for, else not covered."""
        self._recorder.other(node)
        if not self._single_nodes:
            return self._not_covered(node, reason, essential=essential)
        try:
            group = node_group([node], self._graph)
        except NotSingle as error:
            reason = f"{reason}, nor a model of its own: {error}"
            return self._not_covered(node, reason, essential=essential)
        self._host(node)
        name = node_name(node)
        self.layers.append(Layer(name, Tensor.of_nodes(group), group.parameters))
        return GraphNode(name, node.op_type, "measured", name, *self._work(node))

    def _not_covered(
        self, node: onnx.NodeProto, reason: str, *, essential: bool = False
    ) -> GraphNode:
        self._host(node)
        return self.not_covered(
            node_name(node), node.op_type, reason, self._work(node), essential=essential
        )

    def _host(self, node: onnx.NodeProto) -> None:
        shape = self._graph.shapes.get(node.output[0]) or []
        channels = (shape[1] or 0) if len(shape) > 1 else None
        self.host_without_layer(node_name(node), node.output, channels, self._work(node))

    def _work(self, node: onnx.NodeProto) -> Work:
        return macs_of(node, self._graph), bytes_of(node, self._graph)

    # -- folding ---------------------------------------------------------------------------

    def _folded_behind(self, node: onnx.NodeProto) -> str | None:
        """The value that a node is folded behind, or moves nothing of; None if it does work.

        What it does to the layer behind which it is folded is noted there.
        """
        source = node.input[0] if node.input else ""
        if self._vanishes(node):
            return source
        if node.op_type in _ARITHMETIC:
            # With a constant for each channel: a bias or a scale, part of the layer before.
            others = [name for name in node.input if name not in self._graph.constants]
            source = others[0] if len(others) == 1 else ""
        elif node.op_type not in ("BatchNormalization", *_ACTIVATIONS):
            return None
        host = self.host_of.get(source)
        if host is None or self._readers[source] != 1:
            return None
        if node.op_type in _ACTIVATIONS:
            self.activate(host, activation_of(node, self._graph))
        elif not host.weighted:
            return None
        elif node.op_type == "BatchNormalization":
            self._normalise(host)
        elif self._constant_elements(node) not in (1, host.channels):
            return None
        return source

    def _normalise(self, host: Host) -> None:
        """Note the parameters of a batch normalisation behind a layer."""
        if host.layer is not None:
            old = self.layers[host.layer]
            parameters = old.batch_norm_parameters + 2 * host.channels
            self.layers[host.layer] = replace(old, batch_norm_parameters=parameters)

    def _constant_elements(self, node: onnx.NodeProto) -> int:
        """Product of the sizes of a node's constants; 0 if one is not known."""
        shapes = [self._graph.shapes.get(n) for n in node.input if n in self._graph.constants]
        return prod(size or 0 for shape in shapes for size in (shape if shape is not None else [0]))

    def _vanishes(self, node: onnx.NodeProto) -> bool:
        """Whether it does nothing where all layers are computed in one data type."""
        if node.op_type == "Cast":
            types = (self._graph.types.get(name) for name in (*node.input, *node.output))
            return all(element_type in FLOATS for element_type in types)
        return node.op_type in (*_RESHAPING, *QUANTISERS)
