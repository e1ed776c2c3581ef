"""A graph as a Relax module of TVM, built with its own block builder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from joins import JoinPoint

if TYPE_CHECKING:
    from graph import Graph, Node


def write_relax(graph: Graph, tvm: Any) -> Any:
    """Return the module; its function ``main`` takes the input and returns the output."""
    op = tvm.relax.op
    kind = "float16" if graph.data_type == "fp16" else "float32"
    made = _Layers(tvm, kind)
    first = made.variable(graph.nodes[0].in_dims)
    with made.builder.function("main", [first]):
        with made.builder.dataflow():
            values: list[Any] = []
            for node in graph.nodes:
                inputs = []
                for source, given, dims in graph.inputs_of(node):
                    value = values[source] if source >= 0 else first
                    inputs.append(value if given == dims else made.emit(op.reshape(value, dims)))
                joins = isinstance(node.point, JoinPoint)
                value = made.join(node, inputs) if joins else made.layer(node, inputs[0])
                values.append(made.activate(node, value))
            result = made.builder.emit_output(values[-1])
        made.builder.emit_func_output(result)
    return made.builder.finalize()


class _Layers:
    def __init__(self, tvm: Any, kind: str) -> None:
        self._relax, self._kind = tvm.relax, kind
        self.builder = tvm.relax.BlockBuilder()

    def variable(self, dims: tuple[int, ...]) -> Any:
        """Return the input's variable; its type is called otherwise before TVM 0.24."""
        kind = getattr(self._relax, "TensorType", None) or self._relax.TensorStructInfo
        return self._relax.Var("input", kind(dims, self._kind))

    def emit(self, value: Any) -> Any:
        """Add an expression to the block."""
        return self.builder.emit(value)

    def join(self, node: Node, values: list[Any]) -> Any:
        """Add a join without its activation."""
        op = self._relax.op
        if node.operator == "add":
            return self.emit(op.add(*values))
        if node.operator == "mul":
            return self.emit(op.multiply(*values))
        return self.emit(op.concat(values, axis=1)) if node.operator == "concat" else values[0]

    def layer(self, node: Node, value: Any) -> Any:
        """Add a layer without its activation."""
        op, point = self._relax.op, node.point
        if node.operator == "softmax":
            return self.emit(op.nn.softmax(value, axis=1))
        if node.operator == "fullyconnected":
            assert node.weights is not None
            product = self.emit(op.matmul(value, self._constant(node.weights.T)))
            return self.emit(op.add(product, self._constant(node.bias)))
        window = point.window
        common = {
            "strides": window.strides,
            "padding": (point.pads.top, point.pads.left, point.pads.bottom, point.pads.right),
            "dilation": window.dilations,
        }
        if node.operator == "maxpool":
            return self.emit(op.nn.max_pool2d(value, pool_size=window.kernel, **common))
        if node.operator == "avgpool":
            include = not point.exclude_padding
            return self.emit(
                op.nn.avg_pool2d(
                    value, pool_size=window.kernel, count_include_pad=include, **common
                )
            )
        weights = self._constant(node.weights)
        sum_ = self.emit(op.nn.conv2d(value, weights, groups=point.groups, **common))
        assert node.bias is not None
        return self.emit(op.add(sum_, self._constant(node.bias.reshape(1, -1, 1, 1))))

    def activate(self, node: Node, value: Any) -> Any:
        """Add the activation of a layer."""
        op, name = self._relax.op, node.point.activation
        if name == "relu":
            return self.emit(op.nn.relu(value))
        if name == "relu6":
            return self.emit(op.clip(value, 0, 6))
        if name == "sigmoid":
            return self.emit(op.sigmoid(value))
        if name in ("hard-swish", "hard-sigmoid"):
            three, sixth = (self._constant(np.array(x)) for x in (3.0, 1 / 6))
            cut = self.emit(op.clip(self.emit(op.add(value, three)), 0, 6))
            if name == "hard-swish":
                cut = self.emit(op.multiply(value, cut))
            return self.emit(op.multiply(cut, sixth))
        return value

    def _constant(self, values: Any) -> Any:
        return self._relax.const(np.ascontiguousarray(values, self._kind), self._kind)
