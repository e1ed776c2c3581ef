"""Nodes that ONNX Runtime computes as one, of those that would each be measured on their own.

Its optimiser (level `extended`, which has no layouts of its own) is given the part of the graph
that has neither layers nor products, so weights matter little.  Values keep their names in what it
saves, unless they are within a node that it has fused: what lies between a fused node's inputs and
its outputs is a group.  Whatever cannot be told so stays a node on its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from nntest.domain.graph_nodes import GraphNode
from nntest.domain.networks import Layer
from nntest.domain.onnx_files.data_types import QUANTISERS
from nntest.domain.onnx_files.graph import DOMAINS, Graph, node_name
from nntest.domain.onnx_files.single_nodes import NotSingle, node_group
from nntest.domain.onnx_files.whole_model import dtype_of
from nntest.domain.onnx_files.work import bytes_of_values
from nntest.domain.tensors import NODE, Tensor

_LARGEST_PARAMETER = 2**20
"""Elements; a node with a larger one, such as a table of words, is in no group."""
_WEIGHT = 0.5
"""In the place of weights, which reading drops: an optimiser may take out additions of 0 and
products with 1."""
_NEVER = ("Cast", *QUANTISERS)
"""In no group: it has one data type, since a library measures what is of its own."""


def grouped(
    graph: Graph, nodes: Sequence[GraphNode], layers: Sequence[Layer]
) -> tuple[list[GraphNode], list[Layer]]:
    """What becomes of the nodes of a graph, and its layers, with each group as one layer.

    The layer has the name of the group's last node; the others are folded into it.
    """
    running = [at for at, node in enumerate(nodes) if node.fate == "measured"]
    layer_at = dict(zip(running, layers, strict=True))
    found = list(nodes)
    for members in _groups(graph, nodes, layer_at):
        try:
            group = node_group([graph.nodes[at] for at in members], graph)
        except NotSingle:
            continue
        name = node_name(graph.nodes[members[-1]])
        for at in members:
            found[at] = replace(nodes[at], fate="folded", layer=name, macs=0, bytes=0)
            layer_at.pop(at, None)
        size = bytes_of_values(_ends([graph.nodes[at] for at in members]), graph)
        found[members[-1]] = replace(found[members[-1]], fate="measured", bytes=size)
        layer_at[members[-1]] = Layer(name, Tensor.of_nodes(group), group.parameters)
    return found, [layer_at[at] for at in sorted(layer_at)]


def _ends(nodes: Sequence[onnx.NodeProto]) -> set[str]:
    """The values that nodes of a group read from outside, and the one that they make."""
    made = {name for node in nodes for name in node.output}
    read = {name for node in nodes for name in node.input}
    return {*(read - made - {""}), nodes[-1].output[0]}


def _groups(
    graph: Graph, nodes: Sequence[GraphNode], layer_at: Mapping[int, Layer]
) -> Iterator[list[int]]:
    """Places of the nodes of each group, in order."""
    single = {at for at, layer in layer_at.items() if layer.species == NODE and not layer.macs}
    if len(single) < 2:
        return
    free = {at for at, node in enumerate(nodes) if node.fate == "free"}
    parts = [at for at in sorted(single | free) if _may_be_grouped(graph, graph.nodes[at])]
    readers: dict[str, set[int]] = {}
    for at, node in enumerate(graph.nodes):
        if nodes[at].fate != "constant":
            for name in node.input:
                readers.setdefault(name, set()).add(at)
    made = {name: at for at in parts for name in graph.nodes[at].output if name}
    for members in _fused(graph, parts, made, readers):
        inside = {name for at in members for name in graph.nodes[at].output if name}
        inside.discard(graph.nodes[members[-1]].output[0])
        alone = not inside & graph.outputs and all(
            readers.get(name, set()) <= set(members) for name in inside
        )
        in_order = all(made.get(name, -1) < at for at in members for name in graph.nodes[at].input)
        if alone and in_order and len(single.intersection(members)) > 1:
            yield members


def _may_be_grouped(graph: Graph, node: onnx.NodeProto) -> bool:
    if node.domain not in DOMAINS or node.op_type in _NEVER:
        return False
    for name in filter(None, (*node.input, *node.output)):
        shape = graph.shapes.get(name, [None])
        if None in shape or not graph.types.get(name):
            return False
        if name in graph.constants and prod(size or 0 for size in shape) > _LARGEST_PARAMETER:
            return False
    return True


def _fused(
    graph: Graph, parts: Iterable[int], made: Mapping[str, int], readers: Mapping[str, set[int]]
) -> Iterator[list[int]]:
    """For each output of the optimised graph's nodes the places of the nodes that make it."""
    optimised = _optimised(_model(graph, parts, made, readers))
    weights = {tensor.name for tensor in optimised.initializer}
    for node in optimised.node:
        outputs = {name for name in node.output if name}
        inputs = {name for name in node.input if name} - weights
        reached: set[str] = set()
        found = []
        for output in sorted(outputs & made.keys()):
            found.append(_between(graph, made, output, inputs | outputs, reached))
        # Some inputs are made otherwise than in the file: which nodes do it cannot be told.
        if reached - outputs == inputs:
            yield from (members for members in found if members)


def _between(
    graph: Graph, made: Mapping[str, int], output: str, ends: set[str], reached: set[str]
) -> list[int]:
    """Places of the nodes that make a value from some ends, which are noted; none if others do."""
    members: set[int] = set()
    waiting = [made[output]]
    while waiting:
        at = waiting.pop()
        if at in members:
            continue
        members.add(at)
        for name in filter(None, graph.nodes[at].input):
            if name in ends and name != output:
                reached.add(name)
            elif name in made:
                waiting.append(made[name])
            elif name not in graph.constants:
                return []
    found = sorted(members)
    return found if graph.nodes[found[-1]].output[0] == output else []


def _model(
    graph: Graph, parts: Iterable[int], made: Mapping[str, int], readers: Mapping[str, set[int]]
) -> onnx.ModelProto:
    """A model of some nodes of a graph; what other nodes make are its inputs."""
    nodes = [graph.nodes[at] for at in parts]
    inside = set(parts)
    read = dict.fromkeys(name for node in nodes for name in node.input if name)
    outputs = [
        name
        for name in made
        if name in graph.outputs or name not in readers or not readers[name] <= inside
    ]

    def described(name: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, graph.types[name], graph.shapes[name])

    model = helper.make_model(
        helper.make_graph(
            nodes,
            "part",
            [described(name) for name in read if name not in graph.constants | made.keys()],
            [described(name) for name in outputs],
            [numpy_helper.from_array(_value(graph, n), n) for n in read if n in graph.constants],
        ),
        opset_imports=[helper.make_opsetid("", graph.opset)],
    )
    model.ir_version = max(helper.find_min_ir_version_for(model.opset_import), 4)
    return model


def _value(graph: Graph, name: str) -> np.ndarray[Any, Any]:
    """A constant: its own values, or any."""
    if name in graph.values:
        return graph.values[name]
    sizes = [size or 0 for size in graph.shapes[name]]
    return np.full(sizes, _WEIGHT).astype(dtype_of(graph.types[name]))


def _optimised(model: onnx.ModelProto) -> onnx.GraphProto:
    """What ONNX Runtime makes of a model; nothing if it does not run it."""
    # Not at the top: importing it takes a fifth of a second, and few networks need it.
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.log_severity_level = 4  # it warns of kernels that only its own processor has
    options.intra_op_num_threads = 1
    with TemporaryDirectory() as folder:
        path = Path(folder) / "optimised.onnx"
        options.optimized_model_filepath = str(path)
        try:
            onnxruntime.InferenceSession(
                model.SerializeToString(), options, ["CPUExecutionProvider"]
            )
            return onnx.load(path).graph
        except Exception:  # a class for each status, in a module of its own
            return onnx.GraphProto()
