"""The steps of an ONNX graph, where all of its nodes are layers, joins and activations of ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import onnx

from nntest.domain.graph_steps import INPUT, Step
from nntest.domain.networks import Layer
from nntest.domain.onnx_files.activations import activation_of
from nntest.domain.onnx_files.graph import DOMAINS, Graph, node_name
from nntest.domain.onnx_files.model_file import subgraphs
from nntest.domain.tensor_suffixes import NO_ACTIVATION

_JOINS = {"Add": "add", "Sum": "add", "Mul": "mul", "Concat": "concat"}


class StepRecorder:
    """Takes the nodes of a graph in their order."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._steps: list[Step] = []
        self._step_of: dict[str, str] = {}
        """The step that makes each value, followed through what is folded or free."""
        self._made = {name for node in graph.nodes for name in node.output if name}
        self._inputs: set[str] = set()
        self._foreign = False
        """Whether a node is none of our steps."""

    def layer(self, node: onnx.NodeProto, layer: Layer) -> None:
        """A node that is a layer."""
        self._add(node, Step(layer.name, layer.species, (self._read(node.input[0]),), layer.tensor))

    def same(self, node: onnx.NodeProto, source: str) -> None:
        """A node that is folded into what makes `source`, or that is free."""
        self._step_of[node.output[0]] = self._read(source)

    def other(self, node: onnx.NodeProto) -> None:
        """A node that no operator of CK-NNTest's species computes."""
        step = self._join(node) or self._activation(node)
        if step is None:
            self._foreign = True
        else:
            self._add(node, step)

    def steps(self, layers: Iterable[Layer]) -> tuple[Step, ...]:
        """All steps, layers with their activations; none if a node is no step, or of two inputs."""
        if self._foreign or len(self._inputs) != 1:
            return ()
        activations = {layer.name: layer.activation for layer in layers}
        return tuple(
            replace(step, activation=activations[step.name]) if step.tensor else step
            for step in self._steps
        )

    def _read(self, value: str) -> str:
        if value in self._step_of:
            return self._step_of[value]
        if value in self._made:  # by a node that is no step
            self._foreign = True
        self._inputs.add(value)
        return INPUT

    def _add(self, node: onnx.NodeProto, step: Step) -> None:
        self._steps.append(step)
        self._step_of.update(dict.fromkeys((name for name in node.output if name), step.name))

    def _join(self, node: onnx.NodeProto) -> Step | None:
        kind = _JOINS.get(node.op_type)
        if kind is None or node.domain not in DOMAINS:
            return None
        if any(name in self._graph.constants for name in node.input):
            return None
        if kind == "concat" and [item.i for item in node.attribute if item.name == "axis"] != [1]:
            return None
        names = list(node.input)
        if kind == "mul" and self._pixels(names[0]) < self._pixels(names[-1]):
            names.reverse()  # what weighs the channels comes second
        return Step(node_name(node), kind, tuple(map(self._read, names)))

    def _activation(self, node: onnx.NodeProto) -> Step | None:
        if node.domain not in DOMAINS or any(subgraphs(node)):
            return None
        activation = activation_of(node, self._graph)
        if activation == NO_ACTIVATION:
            return None
        inputs = (self._read(node.input[0]),)
        return Step(node_name(node), "activation", inputs, activation=activation)

    def _pixels(self, value: str) -> int:
        """How many elements a channel of a value has; 1 if that is not known."""
        pixels = 1
        for size in self._graph.shapes.get(value, [])[2:]:
            pixels *= size or 1
        return pixels
