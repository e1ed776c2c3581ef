"""The steps of an ONNX graph: which nodes join values, or activate one."""

from __future__ import annotations

import onnx

from nntest.domain.onnx_files.activations import activation_of
from nntest.domain.onnx_files.graph import DOMAINS, Graph, node_name
from nntest.domain.onnx_files.model_file import subgraphs
from nntest.domain.step_recorder import StepRecorder
from nntest.domain.tensor_suffixes import NO_ACTIVATION

_JOINS = {"Add": "add", "Sum": "add", "Mul": "mul", "Concat": "concat"}


class OnnxStepRecorder(StepRecorder):
    """Takes the nodes of an ONNX graph in their order."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(name for node in graph.nodes for name in node.output if name)
        self._graph = graph

    def other(self, node: onnx.NodeProto) -> None:
        """A node that no operator of CK-NNTest's species computes."""
        kind = self._join(node)
        activation = self._activation(node)
        if kind is not None:
            names = list(node.input)
            if kind == "mul" and self._pixels(names[0]) < self._pixels(names[-1]):
                names.reverse()  # what weighs the channels comes second
            self.join(node_name(node), kind, names, node.output)
        elif activation != NO_ACTIVATION:
            self.activation(node_name(node), activation, node.input[0], node.output)
        else:
            self.foreign()

    def _join(self, node: onnx.NodeProto) -> str | None:
        kind = _JOINS.get(node.op_type)
        if kind is None or node.domain not in DOMAINS:
            return None
        if any(name in self._graph.constants for name in node.input):
            return None
        if kind == "concat" and [item.i for item in node.attribute if item.name == "axis"] != [1]:
            return None
        return kind

    def _activation(self, node: onnx.NodeProto) -> str:
        if node.domain not in DOMAINS or any(subgraphs(node)):
            return NO_ACTIVATION
        return activation_of(node, self._graph)

    def _pixels(self, value: str) -> int:
        """How many elements a channel of a value has; 1 if that is not known."""
        pixels = 1
        for size in self._graph.shapes.get(value, [])[2:]:
            pixels *= size or 1
        return pixels
