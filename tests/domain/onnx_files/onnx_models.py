"""ONNX files that tests write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from nntest.domain.networks import Network
from onnx import NodeProto, TensorProto, helper, numpy_helper


def weights(name: str, *shape: int) -> TensorProto:
    return numpy_helper.from_array(np.zeros(shape, np.float32), name)


def constant(name: str, value: Any, data_type: Any = np.int64) -> TensorProto:
    return numpy_helper.from_array(np.array(value, data_type), name)


def node(kind: str, inputs: str, outputs: str, **attributes: Any) -> NodeProto:
    """A node that is named as its first output."""
    names = outputs.split()
    return helper.make_node(kind, inputs.split(), names, name=f"/{names[0]}", **attributes)


def write(
    path: Path,
    nodes: list[NodeProto],
    constants: list[TensorProto],
    in_shape: tuple[Any, ...] | None = ("batch", 3, 32, 32),
    opset: int = 17,
    inputs: tuple[Any, ...] = (),
    domains: tuple[str, ...] = (),
    functions: tuple[Any, ...] = (),
) -> Path:
    """A model with the input x, and with `inputs`, whose output is the last node's."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, in_shape), *inputs],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)],
        constants,
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    model = helper.make_model(graph, opset_imports=opsets, functions=functions)
    path.write_bytes(model.SerializeToString())
    return path


def reported(network: Network) -> list[tuple[str, str, str]]:
    return [(layer.name, layer.species, layer.tensor.name) for layer in network.layers]


def fates(network: Network) -> dict[str, str]:
    """What became of each node of a file, by its name."""
    return {node.name: node.fate for node in network.nodes}
