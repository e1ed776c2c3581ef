"""A graph in ncnn's format: layers as lines of text, weights as raw floats behind each other.

Numbers of parameters are those of ncnn's wiki, "operators".  Images have no batch there.  A blob
has one reader: what several layers read goes through a Split.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from graph import Graph, Node

MAGIC = "7767517"
INPUT, OUTPUT = "input", "output"
RAW_FLOATS = np.zeros(1, "<i4").tobytes()  # says how the weights behind it are coded
RAW_INTEGERS = np.array([0x000D4B38], "<i4").tobytes()
FUSED = {
    "relu": "9=1",
    "relu6": "9=3 -23310=2,0.0,6.0",
    "sigmoid": "9=4",
    "hard-swish": f"9=6 -23310=2,{1 / 6:.9f},0.5",  # x min(max(alpha x + beta, 0), 1)
}
ALONE = {
    "relu": "ReLU", "relu6": "Clip", "sigmoid": "Sigmoid", "hard-swish": "HardSwish",
    "hard-sigmoid": "HardSigmoid",
}  # fmt: skip
"""Layers of activations."""
ALONE_PARAMETERS = {
    "relu6": "0=0.0 1=6.0",
    "hard-swish": f"0={1 / 6:.9f} 1=0.5",
    "hard-sigmoid": f"0={1 / 6:.9f} 1=0.5",
}
JOINS = {"add": ("BinaryOp", "0=0"), "mul": ("BinaryOp", "0=2"), "concat": ("Concat", "0=0")}


@dataclass(frozen=True)
class NcnnFiles:
    """What the `.param` file and the `.bin` file hold."""

    parameters: str
    weights: bytes
    nodes: tuple[Node | None, ...]
    """Which node each layer behind the Input computes; None for one that only hands on."""


def write_ncnn(graph: Graph) -> NcnnFiles:
    """Return the files of a graph."""
    writer = _Writer(graph)
    for index, node in enumerate(graph.nodes):
        writer.add(index, node)
    return writer.files()


class _Writer:
    def __init__(self, graph: Graph) -> None:
        _, channels, height, width = graph.in_shape
        self._readers = graph.readers()
        self._last = len(graph.nodes) - 1
        self._lines = [f"Input input 0 1 {INPUT} 0={width} 1={height} 2={channels}"]
        self._blobs = 1
        self._nodes: list[Node | None] = []
        self._weights: list[bytes] = []
        self._given: dict[int, list[str]] = {}
        """Names under which each node's output can still be read; of the input by -1."""
        self._hand_on(-1, INPUT)

    def add(self, index: int, node: Node) -> None:
        """Add the layers of a node."""
        sources = [self._given[source].pop() for source in node.sources]
        target = OUTPUT if index == self._last else f"blob{index}"
        separate = node.weights is not None and node.point.activation not in ("none", *FUSED)
        linear = f"{target}:linear" if separate else target
        kind, parameters = _layer(node)
        self._line(kind, f"layer{index}", sources, [linear], parameters, node)
        if node.weights is not None:
            self._weights += _constants(node)
        if separate:
            kind, parameters = _alone(node.point.activation)
            self._line(kind, f"layer{index}:activation", [linear], [target], parameters, node)
        self._hand_on(index, target)

    def files(self) -> NcnnFiles:
        """Return what was added."""
        head = [MAGIC, f"{len(self._lines)} {self._blobs}"]
        text = "\n".join([*head, *self._lines, ""])
        return NcnnFiles(text, b"".join(self._weights), tuple(self._nodes))

    def _hand_on(self, index: int, blob: str) -> None:
        readers = len(self._readers[index])
        self._given[index] = [blob]
        if readers > 1:
            self._given[index] = [f"{blob}:{number}" for number in range(readers)]
            self._line("Split", f"split:{blob}", [blob], self._given[index], "", None)

    def _line(
        self,
        kind: str,
        name: str,
        sources: list[str],
        targets: list[str],
        parameters: str,
        node: Node | None,
    ) -> None:
        fields = [kind, name, str(len(sources)), str(len(targets)), *sources, *targets, parameters]
        self._lines.append(" ".join(fields).rstrip())
        self._blobs += len(targets)
        self._nodes.append(node)


def _alone(activation: str) -> tuple[str, str]:
    return ALONE[activation], ALONE_PARAMETERS.get(activation, "")


def _constants(node: Node) -> list[bytes]:
    """Return weights and bias; in int8 also the scales, which are steps in 1 here."""
    own = node.quantised
    if own is None:
        assert node.weights is not None
        weights = [RAW_FLOATS, node.weights.astype("<f4").tobytes()]
        return [*weights, np.asarray(node.bias, "<f4").tobytes()]
    assert own.weights is not None and own.weight_scales is not None
    integers = own.weights.tobytes()
    steps = [own.source] if own.target is None else [own.source, own.target]
    floats = (
        own.bias * own.bias_scales,
        1 / own.weight_scales.astype(np.float64),
        *(1 / one.scale for one in steps),
    )
    padding = bytes(-len(integers) % 4)
    return [
        RAW_INTEGERS, integers, padding, *(np.asarray(one, "<f4").tobytes() for one in floats)
    ]  # fmt: skip


def _int8(node: Node) -> str:
    """Return the parameter that says which scales there are."""
    if node.quantised is None:
        return ""
    return "8=1 " if node.quantised.target is None else "8=101 "


def _layer(node: Node) -> tuple[str, str]:
    """Return the type of the layer and its parameters."""
    point = node.point
    if node.operator == "activation":
        return _alone(point.activation)
    if node.operator in JOINS:
        return JOINS[node.operator]
    if node.operator == "softmax":
        return "Softmax", "0=0 1=1"
    if node.operator == "fullyconnected":
        assert node.weights is not None
        own = f"0={point.outputs} 1=1 2={node.weights.size}"
        return "InnerProduct", f"{own} {_int8(node)}{_activation(point)}"
    window, pads = point.window, point.pads
    if node.operator in ("avgpool", "maxpool"):
        include = int(node.operator == "avgpool" and not point.exclude_padding)
        return "Pooling", (
            f"0={int(node.operator == 'avgpool')} 1={window.kernel[1]} 11={window.kernel[0]} "
            f"2={window.strides[1]} 12={window.strides[0]} 3={pads.left} 14={pads.right} "
            f"13={pads.top} 15={pads.bottom} 5=1 6={include}"
        )
    assert node.weights is not None
    own = (
        f"0={point.out_channels} 1={window.kernel[1]} 11={window.kernel[0]} "
        f"2={window.dilations[1]} 12={window.dilations[0]} "
        f"3={window.strides[1]} 13={window.strides[0]} 4={pads.left} 15={pads.right} "
        f"14={pads.top} 16={pads.bottom} 5=1 6={node.weights.size}"
    )
    grouped = point.groups > 1
    own += f" 7={point.groups}" if grouped else ""
    kind = "ConvolutionDepthWise" if grouped else "Convolution"
    return kind, f"{own} {_int8(node)}{_activation(point)}"


def _activation(point: Any) -> str:
    return FUSED.get(point.activation, "")
