"""A TFLite file taken apart: the operators of its main subgraph, and the tensors that they read.

The format is https://github.com/tensorflow/tensorflow/blob/master/tensorflow/lite/schema/schema.fbs;
the package `tflite` has its flatbuffer accessors.  Of constants only small ones are read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import tflite

from nntest.errors import UserError

IDENTIFIER = b"TFL3"
"""The bytes from the fifth on of every TFLite file."""
LARGEST_VALUE = 64
"""Elements of the largest constant whose values are kept."""

UNPACKING = ("DEQUANTIZE", "DENSIFY")
"""What makes the weights that a network computes with of those that its file has."""

_WINDOW = ("Padding", "StrideH", "StrideW", "FusedActivationFunction")
_OPTIONS = {
    "Conv2DOptions": (*_WINDOW, "DilationHFactor", "DilationWFactor"),
    "DepthwiseConv2DOptions": (*_WINDOW, "DilationHFactor", "DilationWFactor"),
    "Pool2DOptions": (*_WINDOW, "FilterHeight", "FilterWidth"),
    "FullyConnectedOptions": ("FusedActivationFunction",),
    "AddOptions": ("FusedActivationFunction",),
    "SubOptions": ("FusedActivationFunction",),
    "MulOptions": ("FusedActivationFunction",),
    "DivOptions": ("FusedActivationFunction",),
    "ConcatenationOptions": ("Axis", "FusedActivationFunction"),
}
"""What is read of an operator's options, by their table."""
_NUMPY_TYPES = {"FLOAT32": "<f4", "FLOAT16": "<f2", "INT32": "<i4", "INT64": "<i8"}
"""Of constants whose values are kept."""


@dataclass(frozen=True)
class Value:
    """A tensor of the file."""

    shape: tuple[int, ...]
    kind: str
    """Element type in the format's words, e.g. FLOAT32."""
    numbers: np.ndarray[Any, Any] | None = None
    """Of a small constant."""

    @property
    def elements(self) -> int | None:
        """How many it has; None if that is not known."""
        return prod(self.shape) if min(self.shape, default=1) > 0 else None


@dataclass(frozen=True)
class Operator:
    """One operator; values by their names, those that are not given left out at the end."""

    name: str
    kind: str
    """The format's word, e.g. CONV_2D; a custom operator's own name."""
    inputs: tuple[str, ...]
    """Empty for one that is not given."""
    outputs: tuple[str, ...]
    options: Mapping[str, int] = field(default_factory=dict)
    is_custom: bool = False

    @property
    def activation(self) -> str:
        """What it applies to its output, in the format's words, e.g. RELU6 or NONE."""
        return _word(tflite.ActivationFunctionType, self.options.get("FusedActivationFunction", 0))

    @property
    def is_same(self) -> bool:
        """Whether its window is padded as TensorFlow's SAME."""
        return _word(tflite.Padding, self.options.get("Padding", -1)) == "SAME"


@dataclass(frozen=True)
class TfliteGraph:
    """The main subgraph."""

    operators: tuple[Operator, ...]
    values: Mapping[str, Value]
    constants: frozenset[str]
    """Values that are the same in every run."""

    def is_constant(self, operator: Operator) -> bool:
        """Whether all that an operator makes is the same in every run."""
        return all(name in self.constants for name in operator.outputs)


def parse(path: Path, content: bytes) -> TfliteGraph:
    """The graph of a file's content; raises `UserError` for what is no whole TFLite file."""
    if content[4:8] != IDENTIFIER:
        raise UserError(
            f"{path}: not a TFLite file",
            "convert the network again, e.g. with tf.lite.TFLiteConverter or ai-edge-torch",
        )
    try:
        model = tflite.Model.GetRootAs(content, 0)
        reader = _Reader(model, model.Subgraphs(0))
        operators = tuple(reader.operators())
        open_inputs = reader.open_inputs()
    except Exception as error:  # offsets that lead anywhere: flatbuffers checks none of them
        raise UserError(
            f"{path}: a TFLite file that is cut off or damaged ({type(error).__name__})",
            "fetch it, or convert the network, again",
        ) from None
    if not operators:
        raise UserError(f"{path}: a TFLite file without operators")
    if open_inputs:
        raise UserError(
            "\n  ".join([f"{path}: sizes of its inputs are open:", *open_inputs]),
            "convert the network again for an input of fixed sizes; the batch may stay open",
        )
    made = {name for operator in operators for name in operator.outputs}
    constants = set(reader.values) - made - reader.inputs - reader.variables
    for operator in operators:
        given = [name for name in operator.inputs if name]
        if given and all(name in constants for name in given):
            constants.update(operator.outputs)
    return TfliteGraph(operators, reader.values, frozenset(constants))


class _Reader:
    """Reads tables through the package's accessors; raises anything for a damaged file."""

    def __init__(self, model: Any, graph: Any) -> None:
        self._model, self._graph = model, graph
        self._names: list[str] = []
        self.values: dict[str, Value] = {}
        self.variables: set[str] = set()
        """States that live from run to run."""
        for index in range(graph.TensorsLength()):
            tensor = graph.Tensors(index)
            name = (tensor.Name() or b"").decode(errors="replace") or f"tensor {index}"
            name = name if name not in self.values else f"{name} #{index}"
            self._names.append(name)
            self.values[name] = self._value(tensor)
            if tensor.IsVariable():
                self.variables.add(name)
        self.inputs = {self._names[graph.Inputs(at)] for at in range(graph.InputsLength())}

    def open_inputs(self) -> list[str]:
        """The inputs with a size besides the batch that is open, and that the file has as 1."""
        found = []
        for at in range(self._graph.InputsLength()):
            tensor = self._graph.Tensors(self._graph.Inputs(at))
            said = [tensor.ShapeSignature(i) for i in range(tensor.ShapeSignatureLength())]
            name = self._names[self._graph.Inputs(at)]
            shape = self.values[name].shape
            sizes = zip(said[1:], shape[1:], strict=False)  # a file may have no signature
            if any(size < 0 and fixed == 1 for size, fixed in sizes):
                text = " x ".join("?" if size < 0 else str(size) for size in said)
                found.append(f"{name}: {text}")
        return found

    def operators(self) -> Iterator[Operator]:
        """All operators, in the order in which they run."""
        taken: set[str] = set()
        for index in range(self._graph.OperatorsLength()):
            operator = self._graph.Operators(index)
            code = self._model.OperatorCodes(operator.OpcodeIndex())
            kind = _word(tflite.BuiltinOperator, code.BuiltinCode())
            custom = kind == "CUSTOM"
            if custom:
                kind = (code.CustomCode() or b"custom").decode(errors="replace")
            inputs = [operator.Inputs(at) for at in range(operator.InputsLength())]
            outputs = tuple(
                self._names[operator.Outputs(at)] for at in range(operator.OutputsLength())
            )
            name = _name(kind, outputs, index, taken)
            taken.add(name)
            given = tuple("" if at < 0 else self._names[at] for at in inputs)
            yield Operator(name, kind, given, outputs, _options(operator), custom)

    def _value(self, tensor: Any) -> Value:
        shape = tuple(tensor.Shape(axis) for axis in range(tensor.ShapeLength()))
        kind = _word(tflite.TensorType, tensor.Type())
        data = self._model.Buffers(tensor.Buffer())
        numbers = None
        if kind in _NUMPY_TYPES and data.DataLength() > 0 and prod(shape) <= LARGEST_VALUE:
            numbers = np.frombuffer(data.DataAsNumpy().tobytes(), _NUMPY_TYPES[kind])
            numbers = numbers.reshape(shape)
        return Value(shape, kind, numbers)


def _name(kind: str, outputs: tuple[str, ...], index: int, taken: Collection[str]) -> str:
    """A name for an operator, which has none: its output's, of which the first part will do.

    The output of a fused operator is named by all that is in it.  What unpacks weights leaves the
    short name to the operator that reads them.
    """
    whole = outputs[0] if outputs else f"{kind} {index}"
    short = whole if kind in UNPACKING else whole.partition(";")[0]
    return next(one for one in (short, whole, f"{whole} #{index}") if one not in taken)


def _options(operator: Any) -> dict[str, int]:
    """What is read of an operator's options; nothing if it has none."""
    table = operator.BuiltinOptions()
    name = _word(tflite.BuiltinOptions, operator.BuiltinOptionsType())
    if table is None or name not in _OPTIONS:
        return {}
    options = getattr(tflite, name)()
    options.Init(table.Bytes, table.Pos)
    return {key: int(getattr(options, key)()) for key in _OPTIONS[name]}


def _word(enumeration: type, number: int) -> str:
    """The schema's word for a number; one that is newer than the package has none."""
    return _words(enumeration).get(number, f"{enumeration.__name__} {number}")


@cache
def _words(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}
