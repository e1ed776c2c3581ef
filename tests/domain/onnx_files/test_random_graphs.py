"""Any small graph is read, accounted for to the last node, and its work is that of its layers."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from domain.onnx_files.onnx_models import constant, node, weights, write
from hypothesis import given
from hypothesis import strategies as st
from nntest.domain.graph_nodes import RUNNING
from nntest.domain.onnx_files.reading import account_onnx
from nntest.domain.tensors import NODE, Tensor
from nntest.domain.traffic import tensor_work

Shape = tuple[int, ...]


@dataclass
class Made:
    """A graph as it grows: its nodes, and what each must turn out to be."""

    batch: int
    values: dict[str, Shape]
    """Values that a next node may read."""
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    macs: list[int] = field(default_factory=list)
    fates: list[set[str]] = field(default_factory=list)

    def add(
        self, kind: str, inputs: str, shape: Shape, fate: str, macs: int = 0, **attributes: Any
    ) -> str:
        """A node behind the others; several words of `fate` where it depends on its neighbours."""
        output = f"v{len(self.nodes)}"
        self.nodes.append(node(kind, inputs, output, **attributes))
        self.macs.append(macs)
        self.fates.append(set(fate.split("|")))
        self.values[output] = shape
        return output

    def weights(self, *shape: int) -> str:
        self.constants.append(weights(f"w{len(self.constants)}", *shape))
        return str(self.constants[-1].name)

    def keep(self, value: Any) -> str:
        """A constant of these values."""
        self.constants.append(constant(f"w{len(self.constants)}", value, value.dtype))
        return str(self.constants[-1].name)

    def integers(self, *values: int) -> str:
        return self.keep(np.array(values, np.int64))

    @property
    def last(self) -> str:
        return f"v{len(self.nodes) - 1}"

    def images(self) -> list[str]:
        """Values of four dimensions, the first of which is the batch."""
        return [
            name
            for name, shape in self.values.items()
            if len(shape) == 4 and shape[0] == self.batch
        ]


def convolution(draw: Any, made: Made) -> None:
    source = draw(st.sampled_from(made.images()))
    channels, height, width = made.values[source][1:]
    groups = draw(st.sampled_from([1, 1, channels, 2 if channels % 2 == 0 else 1]))
    kernel = draw(st.integers(1, 3))
    other = draw(st.sampled_from([kernel, kernel, 4 - kernel]))
    dilation = draw(st.sampled_from([1, 1, 2]))
    stride = draw(st.integers(1, 2))
    pads = draw(st.lists(st.integers(1, 2), min_size=4, max_size=4))
    out_c = groups * draw(st.integers(1, 3))
    out_h = (height + pads[0] + pads[2] - dilation * (kernel - 1) - 1) // stride + 1
    out_w = (width + pads[1] + pads[3] - dilation * (other - 1) - 1) // stride + 1
    if min(out_h, out_w) < 1:
        return
    ours = (groups == 1 or groups == channels == out_c) and kernel == other and dilation == 1
    bias = f" {made.weights(out_c)}" if draw(st.booleans()) else ""
    made.add(
        "Conv",
        f"{source} {made.weights(out_c, channels // groups, kernel, other)}{bias}",
        (made.batch, out_c, out_h, out_w),
        "measured" if ours else "not covered",
        made.batch * out_c * out_h * out_w * kernel * other * channels // groups,
        group=groups, strides=[stride, stride], pads=pads, dilations=[dilation, dilation],
    )  # fmt: skip


def transposed_convolution(draw: Any, made: Made) -> None:
    source = draw(st.sampled_from(made.images()))
    channels, height, width = made.values[source][1:]
    out_c = draw(st.integers(1, 3))
    made.add(
        "ConvTranspose", f"{source} {made.weights(channels, out_c, 2, 2)}",
        (made.batch, out_c, 2 * height, 2 * width), "not covered",
        made.batch * channels * height * width * out_c * 4, strides=[2, 2],
    )  # fmt: skip


def pool(draw: Any, made: Made) -> None:
    source = draw(st.sampled_from(made.images()))
    channels, height, width = made.values[source][1:]
    kind = draw(st.sampled_from(["MaxPool", "AveragePool"]))
    padded = draw(st.booleans())
    kernel = draw(st.integers(2 if padded else 1, 2))
    sizes = [size + 2 * padded - kernel + 1 for size in (height, width)]
    if min(sizes) >= 1:
        made.add(
            kind, source, (made.batch, channels, *sizes),
            "not covered" if padded and kind == "AveragePool" else "measured",
            kernel_shape=[kernel, kernel], pads=[int(padded)] * 4,
        )  # fmt: skip


def behind(draw: Any, made: Made) -> None:
    """What a library may fold into the layer before."""
    source = draw(st.sampled_from(made.images()))
    shape = made.values[source]
    kind = draw(st.sampled_from(["Relu", "LeakyRelu", "HardSwish", "BatchNormalization", "Mul"]))
    inputs = source
    if kind == "BatchNormalization":
        inputs += f" {made.weights(shape[1])}" * 4
    elif kind == "Mul":
        inputs += f" {made.weights(shape[1], 1, 1)}"
    made.add(kind, inputs, shape, "not covered" if kind == "HardSwish" else "folded|not covered")


def residual(draw: Any, made: Made) -> None:
    source = draw(st.sampled_from(made.images()))
    shape = made.values[source]
    other = draw(st.sampled_from([name for name in made.images() if made.values[name] == shape]))
    made.add("Add", f"{source} {other}", shape, "not covered")


def joined(draw: Any, made: Made) -> None:
    source = draw(st.sampled_from(made.images()))
    batch, channels, height, width = made.values[source]
    made.add(
        "Concat", f"{source} {source}", (batch, 2 * channels, height, width), "not covered", axis=1
    )


def sequence(draw: Any, made: Made) -> None:
    """Rows of an image as steps in time, through a recurrent layer or a product."""
    source = draw(st.sampled_from(made.images()))
    batch, channels, height, width = made.values[source]
    steps, kind = height * width, draw(st.sampled_from(["LSTM", "GRU", "MatMul"]))
    sizes = made.integers(steps, batch, channels)
    rows = made.add("Reshape", f"{source} {sizes}", (steps, batch, channels), "free")
    hidden = draw(st.integers(1, 3))
    if kind == "MatMul":
        inputs, gates = made.weights(channels, hidden), channels * hidden
    else:
        count = hidden * {"LSTM": 4, "GRU": 3}[kind]
        inputs = f"{made.weights(1, count, channels)} {made.weights(1, count, hidden)}"
        gates = count * (channels + hidden)
    attributes = {} if kind == "MatMul" else {"hidden_size": hidden}
    shape = (steps, batch, hidden) if kind == "MatMul" else (steps, 1, batch, hidden)
    made.add(
        kind, f"{rows} {inputs}", shape, "not covered", steps * batch * gates, **attributes
    )  # fmt: skip


def moved(draw: Any, made: Made) -> None:
    """What moves or reduces values, or weighs them over any axis."""
    source = draw(st.sampled_from(made.images()))
    batch, channels, height, width = made.values[source]
    kind = draw(st.sampled_from(["Resize", "Slice", "ReduceMax", "Softmax"]))
    if kind == "Resize":
        scales = made.keep(np.array([1, 1, 2, 2], np.float32))
        roi = made.keep(np.zeros(0, np.float32))
        shape = (batch, channels, 2 * height, 2 * width)
        made.add(kind, f"{source} {roi} {scales}", shape, "not covered", mode="nearest")
    elif kind == "Slice":
        ends = " ".join(made.integers(value) for value in (0, 1, 1))
        made.add(kind, f"{source} {ends}", (batch, 1, height, width), "not covered")
    elif kind == "ReduceMax":
        made.add(kind, source, (batch, channels, 1, 1), "not covered", axes=[2, 3])
    else:
        axis = draw(st.integers(1, 3))
        fate = "measured" if axis == 1 else "not covered"
        made.add(kind, source, made.values[source], fate, axis=axis)


def chain(draw: Any, made: Made) -> None:
    """Element-wise nodes that a runtime may compute as one, and of which one may be read again."""
    source = draw(st.sampled_from(made.images()))
    shape = made.values[source]
    before = dict(made.values)

    def add(kind: str, *inputs: str, out: Shape = shape, **attributes: Any) -> str:
        return made.add(kind, " ".join(inputs), out, "not covered", **attributes)

    kind = draw(st.sampled_from(["swish", "gelu", "normalisation"]))
    if kind == "swish":
        add("Mul", source, add("Sigmoid", source))
    elif kind == "gelu":
        root, one, half = (made.keep(np.float32(value)) for value in (2**0.5, 1, 0.5))
        error = add("Erf", add("Div", source, root))
        add("Mul", add("Mul", source, add("Add", error, one)), half)
    else:
        two, epsilon = (made.keep(np.float32(value)) for value in (2, 1e-5))
        means = (*shape[:-1], 1)
        centred = add("Sub", source, add("ReduceMean", source, out=means, axes=[-1]))
        variance = add("ReduceMean", add("Pow", centred, two), out=means, axes=[-1])
        root = add("Sqrt", add("Add", variance, epsilon, out=means), out=means)
        scaled = add("Mul", add("Div", centred, root), made.weights(shape[-1]))
        add("Add", scaled, made.weights(shape[-1]))
    if not draw(st.booleans()):
        made.values = {**before, made.last: shape}


def classifier(draw: Any, made: Made) -> None:
    """A row of each image by sizes that the graph computes, and layers on it."""
    source = draw(st.sampled_from(made.images()))
    elements, outputs = prod(made.values[source][1:]), draw(st.integers(1, 4))
    shape = made.add("Shape", source, (4,), "constant")
    first = made.add("Gather", f"{shape} {made.integers(0)}", (1,), "constant")
    sizes = made.add("Concat", f"{first} {made.integers(-1)}", (2,), "constant", axis=0)
    row = made.add("Reshape", f"{source} {sizes}", (made.batch, elements), "free")
    kind = draw(st.sampled_from(["Gemm", "MatMul"]))
    product = made.add(
        kind, f"{row} {made.weights(elements, outputs)}", (made.batch, outputs), "measured",
        made.batch * elements * outputs,
    )  # fmt: skip
    made.add("Softmax", product, (made.batch, outputs), "measured", axis=1)


STEPS = (
    convolution,
    convolution,
    transposed_convolution,
    pool,
    behind,
    behind,
    residual,
    joined,
    sequence,
    moved,
    chain,
    chain,
    classifier,
)


@st.composite
def graphs(draw: Any) -> Made:
    sizes = draw(st.lists(st.integers(3, 8), min_size=3, max_size=3))
    batch = draw(st.integers(1, 3))
    made = Made(batch, {"x": (batch, *sizes)})
    convolution(draw, made)
    for step in draw(st.lists(st.sampled_from(STEPS), max_size=8)):
        step(draw, made)
    return made


@given(made=graphs())
def test_any_small_graph_is_accounted_for_to_the_last_node(
    made: Made, tmp_path_factory: Any
) -> None:
    path: Path = tmp_path_factory.mktemp("graph") / "net.onnx"
    network = account_onnx(write(path, made.nodes, made.constants, made.values["x"]))
    assert [node.name for node in network.nodes] == [f"/v{n}" for n in range(len(made.nodes))]
    for becomes, fates, macs in zip(network.nodes, made.fates, made.macs, strict=True):
        assert becomes.fate in fates
        assert becomes.macs == macs
        assert (becomes.fate in RUNNING) == bool(becomes.bytes)
        assert bool(becomes.reason) == (becomes.fate == "not covered")
    measured = [node for node in network.nodes if node.fate == "measured"]
    assert [node.layer for node in measured] == [layer.name for layer in network.layers]
    assert [node.macs for node in measured] == [made.batch * item.macs for item in network.layers]
    operations = sum(item.tensor.executed_flops(made.batch) for item in network.layers if item.macs)
    left_out = sum(macs for node, macs in zip(network.nodes, made.macs, strict=True) if node.reason)
    assert operations + 2 * left_out == 2 * sum(made.macs)
    weighted = {node.name for node in network.nodes if node.macs or node.fate == "measured"}
    assert {node.layer for node in network.nodes if node.fate == "folded"} <= weighted


@given(made=graphs())
def test_with_single_nodes_every_node_is_in_one_layer(made: Made, tmp_path_factory: Any) -> None:
    path: Path = tmp_path_factory.mktemp("graph") / "net.onnx"
    network = account_onnx(
        write(path, made.nodes, made.constants, made.values["x"]), single_nodes=True
    )
    assert not network.uncovered
    assert sum(item.macs or 0 for item in network.nodes) == sum(made.macs)
    measured = [node for node in network.nodes if node.fate == "measured"]
    assert [node.layer for node in measured] == [layer.name for layer in network.layers]
    folded = {node.layer for node in network.nodes if node.fate == "folded"}
    assert folded <= {node.layer for node in measured}
    for becomes, layer in zip(measured, network.layers, strict=True):
        group = layer.tensor.node
        assert becomes.macs == layer.macs * (1 if group else made.batch)
        if group is None:
            continue
        assert Tensor.parse(NODE, layer.tensor.name) == layer.tensor
        parts = [node for node in network.nodes if node.layer == layer.name]
        kinds = [node.kind for node in parts]
        if len(group.nodes) > 1:
            assert sorted(kinds) == sorted(part.kind for part in group.nodes)
            work = tensor_work(layer.tensor)
            assert becomes.bytes == 4 * (work.weights + work.inputs + work.outputs)
        else:
            assert group.kind in kinds
