"""A network from a TFLite file: its layers, and what becomes of every operator.

As for an ONNX file (`nntest.domain.onnx_files.reading`), but nothing has to be inferred: a TFLite
file says the sizes of all its tensors, and activations stand in the operators before them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from math import prod
from pathlib import Path

from nntest.domain.graph_nodes import LEFT_OUT, GraphNode, with_reads
from nntest.domain.network_files import content_of, refuse_unknown, usable
from nntest.domain.networks import Layer, Network
from nntest.domain.node_sorting import NO_OPERATOR, Host, NodeSorter, Unsupported
from nntest.domain.step_recorder import StepRecorder
from nntest.domain.tensor_suffixes import NO_ACTIVATION
from nntest.domain.tflite_files.data_types import FLOATS, data_type_of
from nntest.domain.tflite_files.layers import LayerMaker
from nntest.domain.tflite_files.model_file import Operator, TfliteGraph, parse
from nntest.domain.tflite_files.work import work_of

_FUSED = {"RELU": "relu", "RELU6": "relu6"}
"""Ours of the activations that stand in other operators."""
_ACTIVATIONS = {**_FUSED, "HARD_SWISH": "hard-swish", "LOGISTIC": "sigmoid"}
"""Ours of those that are operators."""
_CUTS = ("RELU_N1_TO_1", "PRELU", "LEAKY_RELU")
"""Activations that libraries run within the layer before, and that no program of ours has."""
_RESHAPING = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
_QUANTISERS = ("QUANTIZE", "DEQUANTIZE", "FAKE_QUANT")
_PADS = ("PAD", "PADV2")
_ARITHMETIC = ("ADD", "SUB", "MUL", "DIV")
_JOINS = {"ADD": "add", "MUL": "mul", "CONCATENATION": "concat"}


def read_tflite(path: Path, leave_out: Iterable[str] = ()) -> Network:
    """The network of a TFLite file; `leave_out` names operators that are not covered.

    Raises `UserError` for what cannot be read, for open sizes, and for essential operators that
    none of ours computes: one message names them all.
    """
    return usable(path, account_tflite(path, leave_out))


def account_tflite(path: Path, leave_out: Iterable[str] = ()) -> Network:
    """As `read_tflite`, also if there are essential operators that none computes, or no layers."""
    return _read(path, content_of(path), frozenset(leave_out))


@lru_cache(maxsize=64)
def _read(path: Path, content: bytes, leave_out: frozenset[str]) -> Network:
    graph = parse(path, content)
    refuse_unknown(path, leave_out, (operator.name for operator in graph.operators))
    return _Sorted(graph, leave_out).network(path, content, data_type_of(graph))


class _Sorted(NodeSorter):
    """The layers and operators of a graph, in their order."""

    def __init__(self, graph: TfliteGraph, leave_out: frozenset[str]) -> None:
        super().__init__()
        self._graph = graph
        self._maker = LayerMaker(graph)
        self._recorder = StepRecorder(
            name for operator in graph.operators for name in operator.outputs
        )
        running = [operator for operator in graph.operators if not graph.is_constant(operator)]
        self._readers = Counter(name for operator in running for name in set(operator.inputs))
        self._reader = {name: operator for operator in running for name in operator.inputs}
        """The last one that reads a value: the only one, where there is one."""
        self._cut: set[str] = set()
        """First halves of a hard-sigmoid: what is cut off from 0 to 6, to be divided by 6."""
        for operator in graph.operators:
            self.nodes.append(self._taken(operator, operator.name in leave_out))
        ends = [(operator.inputs, operator.outputs) for operator in graph.operators]
        self.nodes = with_reads(self.nodes, ends)
        self.steps = self._recorder.steps(self.layers)

    def _taken(self, operator: Operator, left_out: bool) -> GraphNode:
        """Sort one operator in."""
        if self._graph.is_constant(operator):
            return GraphNode(operator.name, operator.kind, "constant")
        if left_out:
            return self._other(operator, LEFT_OUT)
        try:
            layer = self._maker.layer(operator)
        except Unsupported as error:
            return self._other(operator, str(error), essential=True)
        if layer is not None:
            return self._layer(operator, layer)
        if operator.kind in _PADS and self._is_padding(operator):
            self._recorder.same(operator.inputs[0], operator.outputs[0])
            reader = self._reader[operator.outputs[0]]
            return GraphNode(operator.name, operator.kind, "folded", reader.name)
        source = self._folded_behind(operator)
        if source is None:
            return self._other(operator, NO_OPERATOR)
        output = operator.outputs[0]
        self._maker.pass_through(source, output)
        self._pass(operator, source, output)
        vanishes = self._vanishes(operator)
        return self.passed(operator.name, operator.kind, source, output, vanishes=vanishes)

    def _layer(self, operator: Operator, layer: Layer) -> GraphNode:
        self._recorder.layer(layer, self._maker.source(operator), operator.outputs)
        work = work_of(operator, self._graph)
        node = self.measured(operator.name, operator.kind, operator.outputs, layer, work)
        if operator.activation != "NONE":
            self._note_activation(operator, operator.activation)
        return node

    def _note_activation(self, operator: Operator, word: str) -> None:
        """Note an activation that stands in a layer: it is the layer's, or a step of its own."""
        host, output = self.host_of[operator.outputs[0]], operator.outputs[0]
        if self.is_activated(host):
            self.activate(host, _FUSED.get(word, NO_ACTIVATION))
        else:
            self._activate_on_its_own(operator, word, output)

    def _activate_on_its_own(self, operator: Operator, word: str, value: str) -> None:
        """Record the activation of a value that is no layer's of programs that have one."""
        if word in _ACTIVATIONS:
            self._recorder.activation(f"{operator.name}/{word}", _ACTIVATIONS[word], value, [value])
        else:
            self._recorder.foreign()

    def _other(self, operator: Operator, reason: str, *, essential: bool = False) -> GraphNode:
        """An operator that none of ours computes."""
        self._record_other(operator)
        work = work_of(operator, self._graph)
        shape = self._graph.values[operator.outputs[0]].shape if operator.outputs else ()
        channels = shape[-1] if len(shape) > 1 else None
        self.host_without_layer(operator.name, operator.outputs, channels, work)
        return self.not_covered(operator.name, operator.kind, reason, work, essential=essential)

    # -- steps -----------------------------------------------------------------------------

    def _record_other(self, operator: Operator) -> None:
        kind = self._join(operator)
        if kind is not None:
            sources = list(operator.inputs)
            if kind == "mul" and self._elements(sources[0]) < self._elements(sources[-1]):
                sources.reverse()  # what weighs the channels comes second
            self._recorder.join(operator.name, kind, sources, operator.outputs)
            if operator.activation != "NONE":
                self._activate_on_its_own(operator, operator.activation, operator.outputs[0])
        elif operator.kind in _ACTIVATIONS:
            activation = _ACTIVATIONS[operator.kind]
            self._recorder.activation(
                operator.name, activation, operator.inputs[0], operator.outputs
            )
        elif self._is_hard_sigmoid(operator):
            source = self._moving_inputs(operator)[0]
            self._recorder.activation(operator.name, "hard-sigmoid", source, operator.outputs)
            self._cut.add(operator.outputs[0])
        elif (cut := self._cut.intersection(operator.inputs)) and operator.kind == "MUL":
            self._recorder.same(cut.pop(), operator.outputs[0])
        else:
            self._recorder.foreign()

    def _join(self, operator: Operator) -> str | None:
        kind = _JOINS.get(operator.kind)
        if kind is None or operator.is_custom:
            return None
        if len(self._moving_inputs(operator)) < len(operator.inputs):
            return None
        rank = len(self._graph.values[operator.outputs[0]].shape)
        if kind == "concat" and operator.options.get("Axis", 0) % max(rank, 1) != rank - 1:
            return None
        return kind

    def _moving_inputs(self, operator: Operator) -> list[str]:
        """The inputs that are no constants."""
        return [name for name in operator.inputs if name not in self._graph.constants]

    def _elements(self, value: str) -> int:
        return prod(self._graph.values[value].shape)

    # -- folding ---------------------------------------------------------------------------

    def _is_padding(self, operator: Operator) -> bool:
        """Whether a PAD is the padding of the one operator that reads it."""
        if not operator.outputs or self._readers[operator.outputs[0]] != 1:
            return False
        return self._maker.pad(operator, self._reader[operator.outputs[0]])

    def _folded_behind(self, operator: Operator) -> str | None:
        """The value that an operator is folded behind, or moves nothing of; None if it does work.

        What it does to the layer behind which it is folded is noted there.
        """
        if operator.is_custom or not operator.outputs:
            return None
        moving = self._moving_inputs(operator)
        source = moving[0] if len(moving) == 1 else ""
        if self._vanishes(operator):
            return source or None
        host = self.host_of.get(source)
        if host is None or self._readers[source] != 1:
            return None
        if operator.kind in (*_FUSED, *_CUTS):
            self.activate(host, _FUSED.get(operator.kind, NO_ACTIVATION))
            return source
        if operator.kind in _ACTIVATIONS:
            return source if self._takes(host, _ACTIVATIONS[operator.kind]) else None
        if operator.kind in _ARITHMETIC and host.weighted:
            return source if self._takes_arithmetic(host, operator, source) else None
        return None

    def _takes(self, host: Host, activation: str) -> bool:
        """Give a layer an activation, if programs run it and the layer has none yet."""
        if not self.is_activated(host):
            return False
        assert host.layer is not None
        if self.layers[host.layer].activation != NO_ACTIVATION:
            return False
        self.activate(host, activation)
        return True

    def _takes_arithmetic(self, host: Host, operator: Operator, source: str) -> bool:
        """Whether a constant for each channel is a bias or a scale of the layer before."""
        if source in self._cut:  # the second half of a hard-sigmoid
            return True
        constants = [name for name in operator.inputs if name != source]
        if prod(map(self._elements, constants)) not in (1, host.channels):
            return False
        if self._is_hard_sigmoid(operator) and self._takes(host, "hard-sigmoid"):
            self._cut.add(operator.outputs[0])
        elif operator.activation != "NONE":
            self.activate(host, _FUSED.get(operator.activation, NO_ACTIVATION))
        return True

    def _is_hard_sigmoid(self, operator: Operator) -> bool:
        """Whether it is the first of the two operators that converters write for a hard-sigmoid.

        3 is added, the sum cut off from 0 to 6, and multiplied by a sixth.
        """
        output = operator.outputs[0] if operator.outputs else ""
        if (operator.kind, operator.activation) != ("ADD", "RELU6") or self._readers[output] != 1:
            return False
        second = self._reader[output]
        return (
            second.kind == "MUL"
            and second.activation == "NONE"
            and self._has_constant(operator, 3)
            and self._has_constant(second, 1 / 6)
        )

    def _has_constant(self, operator: Operator, number: float) -> bool:
        """Whether one of its inputs is a constant of this one number."""
        numbers = [self._graph.values[name].numbers for name in operator.inputs if name]
        return any(
            value is not None and value.size == 1 and abs(value.item() - number) < 1e-4
            for value in numbers
        )

    def _pass(self, operator: Operator, source: str, output: str) -> None:
        """Record an operator that is folded or free; behind a pool an activation is a step."""
        host = self.host_of.get(source)
        self._recorder.same(source, output)
        is_activation = operator.kind in (*_FUSED, *_CUTS)
        if is_activation and host is not None and not self.is_activated(host):
            self._activate_on_its_own(operator, operator.kind, output)

    def _vanishes(self, operator: Operator) -> bool:
        """Whether it does nothing where all layers are computed in one data type."""
        if operator.kind == "CAST":
            ends = (*operator.inputs, *operator.outputs)
            return all(self._graph.values[name].kind in FLOATS for name in ends if name)
        return operator.kind in (*_RESHAPING, *_QUANTISERS)
