"""TFLite files that tests write: operator by operator, or from steps by the project's writer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from nntest.domain.graph_steps import Step, input_numbers
from nntest.domain.networks import Network
from nntest.domain.tensor_suffixes import ACTIVATION_VARIABLE, NO_ACTIVATION
from onboard.imported import imported_from

ONBOARD = Path(__file__).parents[3] / "scripts" / "onboard"


@cache
def schema() -> Any:
    """The module of LiteRT's wheel, without the library itself, which importing it would load."""
    package = find_spec("ai_edge_litert")
    assert package is not None and package.origin is not None
    path = Path(package.origin).with_name("schema_py_generated.py")
    spec = spec_from_file_location("schema_py_generated", path)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Model:
    """A file as it grows; values are named."""

    def __init__(self, shape: tuple[int, ...], kind: str = "FLOAT32") -> None:
        """With the input x."""
        self._graph = schema().SubGraphT()
        self._graph.tensors, self._graph.operators = [], []
        self._model = schema().ModelT()
        self._model.version = 3
        self._model.buffers = [schema().BufferT()]
        self._model.operatorCodes = []
        self._places: dict[str, int] = {}
        self.value("x", shape, kind)
        self.inputs = ["x"]

    def value(self, name: str, shape: tuple[int, ...], kind: str = "FLOAT32") -> Any:
        tensor = schema().TensorT()
        tensor.name, tensor.shape, tensor.buffer = name, list(shape), 0
        tensor.type = getattr(schema().TensorType, kind)
        self._places[name] = len(self._graph.tensors)
        self._graph.tensors.append(tensor)
        return tensor

    def constant(self, name: str, values: Any, kind: str | None = None) -> str:
        array = np.asarray(values)
        buffer = schema().BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        tensor = self.value(name, array.shape, kind or array.dtype.name.upper())
        tensor.buffer = len(self._model.buffers) - 1
        return name

    def weights(self, name: str, *shape: int) -> str:
        return self.constant(name, np.zeros(shape, np.float32))

    def add(
        self,
        kind: str,
        inputs: str,
        output: str,
        shape: tuple[int, ...],
        table: str | None = None,
        element_type: str = "FLOAT32",
        **options: Any,
    ) -> None:
        """An operator with one new output; `-` is an input that is not given."""
        code = schema().OperatorCodeT()
        if hasattr(schema().BuiltinOperator, kind):
            code.builtinCode = getattr(schema().BuiltinOperator, kind)
        else:
            code.builtinCode, code.customCode = schema().BuiltinOperator.CUSTOM, kind
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        self._model.operatorCodes.append(code)
        self.value(output, shape, element_type)
        operator = schema().OperatorT()
        operator.opcodeIndex = len(self._model.operatorCodes) - 1
        operator.inputs = [-1 if one == "-" else self._places[one] for one in inputs.split()]
        operator.outputs = [self._places[output]]
        if table is not None:
            operator.builtinOptionsType = getattr(schema().BuiltinOptions, table)
            operator.builtinOptions = getattr(schema(), f"{table}T")()
            for key, value in options.items():
                assert hasattr(operator.builtinOptions, key)
                setattr(operator.builtinOptions, key, value)
        self._graph.operators.append(operator)

    def window(
        self,
        kind: str,
        inputs: str,
        output: str,
        shape: tuple[int, ...],
        *,
        stride: int = 1,
        same: bool = False,
        activation: str = "NONE",
        element_type: str = "FLOAT32",
        **options: Any,
    ) -> None:
        """A convolution or a pool."""
        table = {"CONV_2D": "Conv2D", "DEPTHWISE_CONV_2D": "DepthwiseConv2D"}.get(kind, "Pool2D")
        how = {"strideH": stride, "strideW": stride, **options}
        how["padding"] = schema().Padding.SAME if same else schema().Padding.VALID
        how["fusedActivationFunction"] = fused(activation)
        self.add(kind, inputs, output, shape, f"{table}Options", element_type, **how)

    def content(self) -> bytes:
        graph, last = self._graph, self._graph.operators[-1]
        graph.inputs = [self._places[name] for name in self.inputs]
        graph.outputs = list(last.outputs)
        self._model.subgraphs = [graph]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def write(self, folder: Path) -> Path:
        path = folder / "net.tflite"
        path.write_bytes(self.content())
        return path


IMAGE = (1, 8, 8, 4)


def image_model(kind: str = "FLOAT32") -> Model:
    """With the input x, of four channels, and weights of 3 x 3 and 1 x 1 convolutions."""
    model = Model(IMAGE, kind)
    model.weights("w", 6, 3, 3, 4)
    model.weights("one", 4, 1, 1, 4)
    model.weights("each", 1, 3, 3, 4)
    return model


PADS = np.array([[0, 0], [1, 2], [0, 1], [0, 0]], np.int32)


def padded(pads: Any, *readers: str, kind: str = "PAD", **how: Any) -> Model:
    """x is padded, and read by convolutions of that padding."""
    model = image_model()
    model.constant("pads", pads)
    (_, (top, bottom), (left, right), channels) = pads.tolist()
    height, width, depth = 8 + top + bottom, 8 + left + right, 4 + sum(channels)
    model.constant("lowest", np.array([-1e30], np.float32))
    inputs = "x pads" if kind == "PAD" else "x pads lowest"
    model.add(kind, inputs, "padded", (1, height, width, depth))
    shape = (1, height, width) if how.get("same") else (1, height - 2, width - 2)
    for reader in readers:
        if reader == "conv":
            model.window("CONV_2D", "padded w", "conv", (*shape, 6), **how)
        elif reader == "depthwise":
            model.window("DEPTHWISE_CONV_2D", "padded each", "depthwise", (*shape, depth), **how)
        else:
            sides = {"filterHeight": 3, "filterWidth": 3}
            operator = "MAX_POOL_2D" if reader == "largest" else "AVERAGE_POOL_2D"
            model.window(operator, "padded", reader, (*shape, depth), **sides, **how)
    return model


def fused(activation: str) -> int:
    number: int = getattr(schema().ActivationFunctionType, activation)
    return number


def written(folder: Path, steps: Iterable[Step], data_type: str = "fp32") -> Path:
    """A file by the writer of the program for inference libraries; weights are drawn."""
    listed = list(steps)
    layers = []
    for step in listed:
        env = {} if step.activation == NO_ACTIVATION else {ACTIVATION_VARIABLE: step.activation}
        env = env if step.tensor is None else step.as_run.env()
        said = {"name": step.name, "operator": step.kind, "tuner": "NONE", "env": env}
        layers.append({**said, "inputs": input_numbers(listed, step)})
    network = folder / "network.json"
    network.write_text(json.dumps({"network": "net", "layers": layers}))
    names = ("integers", "quantise", "writers.tflite")
    with (
        imported_from(ONBOARD / "programs_common", "point", "reference") as common,
        imported_from(ONBOARD / "frameworks", *names) as modules,
    ):
        environment = {"NNTEST_NETWORK": str(network), "NNTEST_DATA_TYPE": data_type}
        settings = common.point.Settings.from_environment(environment)
        integers = modules.integers.Integers()
        graph = modules.quantise.read_in_data_type("network", environment, settings, integers)
        content = modules.tflite.write_tflite(graph, schema())
    path = folder / "net.tflite"
    path.write_bytes(content)
    return path


def fates(network: Network) -> dict[str, str]:
    """What became of each operator of a file, by its name."""
    return {node.name: node.fate for node in network.nodes}


def tensors(network: Network) -> dict[str, str]:
    """Species and tensor of each layer, as it runs, by its name."""
    return {layer.name: f"{layer.species} {layer.as_run.name}" for layer in network.layers}
