"""A graph in ncnn's format: layers as lines of text, weights as raw floats behind each other.

Numbers of parameters are those of ncnn's wiki, "operators".  Images have no batch there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from graph import Graph, Node

MAGIC = "7767517"
INPUT, OUTPUT = "input", "output"
RAW_FLOATS = np.zeros(1, "<i4").tobytes()  # says how the weights behind it are coded
RAW_INTEGERS = np.array([0x000D4B38], "<i4").tobytes()
FUSED = {"relu": "9=1", "relu6": "9=3 -23310=2,0.0,6.0", "sigmoid": "9=4"}
HARD_SWISH = f"9=6 -23310=2,{1 / 6:.9f},0.5"  # x min(max(alpha x + beta, 0), 1)


def write_ncnn(graph: Graph) -> tuple[str, bytes]:
    """Return what the `.param` file and the `.bin` file hold."""
    _, channels, height, width = graph.in_shape
    lines = [f"Input input 0 1 {INPUT} 0={width} 1={height} 2={channels}"]
    weights = []
    source = INPUT
    for index, node in enumerate(graph.nodes):
        target = OUTPUT if index == len(graph.nodes) - 1 else f"blob{index}"
        kind, parameters = _layer(node)
        lines.append(f"{kind} layer{index} 1 1 {source} {target} {parameters}".rstrip())
        if node.weights is not None:
            weights += _constants(node)
        source = target
    return "\n".join([MAGIC, f"{len(lines)} {len(lines)}", *lines, ""]), b"".join(weights)


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
    if point.activation == "none":
        return ""
    return HARD_SWISH if point.activation == "hard-swish" else FUSED[point.activation]
