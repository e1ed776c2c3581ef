"""The name of a single ONNX node as something to measure: short, readable, and read back.

In the manner of benchdnn's problem descriptors: the operator with the version of ONNX's operator
set that it is of, its inputs, its attributes, each only if there are any::

    Add@14:1x64x56x56,1x64x56x56
    MatMul@13:1x40x120,=120x360
    Conv@11:1x16x60x80,=16x1x5x5,=16;group=16;pads=[2,2,2,2]
    Resize@13:1x96x15x20,-,=4[1.0,1.0,2.0,2.0];mode=nearest
    Gather@13:=6000x96,1x25:int64
    LSTM@14:25x1x96,=1x384x96,=1x384x96;hidden_size=96;outputs=110

An input is its dimensions, ``scalar`` for none, with its element type unless that is float32; a
``=`` in front makes it a parameter, the same in every run, with its values in brackets where they
decide what is computed; ``-`` is an optional input that is not given.  ``outputs`` has a digit for
each output, 0 for one that is not asked for; left out, there is one.  A node of a group
(`nntest.domain.onnx_nodes.groups`) may read ``#1``, what node 1 of it makes, the first being 0, or
``#1.0``, what input 0 of node 1 is.

Needs no `onnx`: archives are read with it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote

from nntest.errors import UserError

FLOAT = "float32"
ELEMENT_TYPES = (
    *(FLOAT, "float16", "float64", "bool"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
)
LARGEST = 2**31 - 1
"""Elements of an input, and the largest dimension."""
MOST_INPUTS = 1024

Value = int | float | str
Attribute = Value | tuple[Value, ...]

_HINT = "write it as Add@14:1x64x56x56,1x64x56x56; docs/programs.md has more"
_HEAD = re.compile(r"([A-Za-z][A-Za-z0-9]*)@([1-9][0-9]{0,2}):(.*)", re.ASCII | re.DOTALL)
_INPUT = re.compile(
    r"(=?)(scalar|[0-9]+(?:x[0-9]+)*)(?::([a-z0-9]+))?(?:\[([^\[\]]*)\])?", re.ASCII
)
_REFERENCE = re.compile(r"#([0-9]{1,4})(?:\.([0-9]{1,4}))?", re.ASCII)
_ATTRIBUTE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.ASCII | re.DOTALL)
_INTEGER = re.compile(r"-?[0-9]{1,20}", re.ASCII)
_FLOAT = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?|-?inf|nan", re.ASCII)
_WORD = re.compile(r"[A-Za-z_%][A-Za-z0-9_.~%-]*|%", re.ASCII)
_OUTPUTS = "outputs"


@dataclass(frozen=True)
class Operand:
    """An input of a node."""

    dims: tuple[int, ...]
    element_type: str = FLOAT
    is_parameter: bool = False
    values: tuple[int | float, ...] | None = None
    """Of a parameter, in the order of its elements, where they decide what is computed."""

    @property
    def elements(self) -> int:
        """How many values it has."""
        return math.prod(self.dims)

    @property
    def name(self) -> str:
        """As it is written."""
        dims = "x".join(map(str, self.dims)) or "scalar"
        kind = "" if self.element_type == FLOAT else f":{self.element_type}"
        values = "" if self.values is None else _written(self.values)
        return f"{'=' if self.is_parameter else ''}{dims}{kind}{values}"


@dataclass(frozen=True)
class Reference:
    """An input of a node of a group that is the first output, or an input, of one before."""

    node: int
    place: int | None = None
    """Of the input; None for the output."""

    @property
    def name(self) -> str:
        """As it is written."""
        return f"#{self.node}" if self.place is None else f"#{self.node}.{self.place}"


Input = Operand | Reference | None
"""None: optional, and not given."""


@dataclass(frozen=True)
class SingleNode:
    """A node by what it computes."""

    kind: str
    version: int
    inputs: tuple[Input, ...]
    attributes: tuple[tuple[str, Attribute], ...] = ()
    """By name, in the order of names."""
    outputs: tuple[bool, ...] = (True,)
    """Which of its outputs are asked for."""

    @property
    def name(self) -> str:
        """As it is written."""
        parts = [",".join("-" if item is None else item.name for item in self.inputs)]
        parts += [f"{key}={_written(value)}" for key, value in self.attributes]
        if self.outputs != (True,):
            parts.append(f"{_OUTPUTS}={''.join(str(int(asked)) for asked in self.outputs)}")
        return f"{self.kind}@{self.version}:{';'.join(parts)}"

    @classmethod
    def parse(cls, name: str) -> SingleNode:
        """Read a name; raises `UserError`."""
        head = _HEAD.fullmatch(name)
        if head is None:
            raise UserError(f"tensor '{name}' is not the name of an ONNX node", _HINT)
        kind, version, rest = head.groups()
        inputs, *attributes = rest.split(";")
        found = dict(_attribute(name, text) for text in attributes)
        outputs = found.pop(_OUTPUTS, (True,))
        operands = tuple(_operand(name, text) for text in _split(inputs)) if inputs else ()
        node = cls(
            kind, int(version), operands, tuple(sorted(found.items())), _asked(name, outputs)
        )
        if node.name != name:  # twice the same attribute, another order, 1.50 for 1.5
            raise UserError(f"tensor '{name}': written as {node.name}")
        return node


def _split(text: str) -> list[str]:
    """Its parts between commas that are in no brackets."""
    return re.split(r",(?![^\[\]]*\])", text)


def _operand(name: str, text: str) -> Input:
    if text == "-":
        return None
    reference = _REFERENCE.fullmatch(text)
    if reference is not None:
        node, place = reference.groups()
        return Reference(int(node), None if place is None else int(place))
    match = _INPUT.fullmatch(text)
    if match is None:
        raise UserError(f"tensor '{name}': '{text}' is not an input", _HINT)
    parameter, dims, kind, values = match.groups()
    sizes = () if dims == "scalar" else tuple(map(int, dims.split("x")))
    operand = Operand(sizes, kind or FLOAT, bool(parameter), _numbers(name, values))
    if operand.element_type not in ELEMENT_TYPES:
        raise UserError(
            f"tensor '{name}': no element type '{kind}'", f"one of {', '.join(ELEMENT_TYPES)}"
        )
    if max([operand.elements, *sizes]) > LARGEST:
        raise UserError(f"tensor '{name}': '{text}' has more than {LARGEST} elements")
    if operand.values is not None:
        if not operand.is_parameter or len(operand.values) != operand.elements:
            raise UserError(
                f"tensor '{name}': '{text}' has {len(operand.values)} values",
                "a parameter has as many values as elements, and no other input has any",
            )
        whole = not operand.element_type.startswith("float")
        if any(isinstance(value, float) == whole for value in operand.values):
            raise UserError(f"tensor '{name}': '{text}' has values of another type")
    return operand


def _numbers(name: str, text: str | None) -> tuple[int | float, ...] | None:
    if text is None:
        return None
    values = tuple(_value(name, part) for part in text.split(",")) if text else ()
    numbers = tuple(value for value in values if not isinstance(value, str))
    if len(numbers) != len(values):
        raise UserError(f"tensor '{name}': '{text}' are not numbers")
    return numbers


def _attribute(name: str, text: str) -> tuple[str, Attribute]:
    match = _ATTRIBUTE.fullmatch(text)
    if match is None:
        raise UserError(f"tensor '{name}': '{text}' is not an attribute", _HINT)
    key, value = match.groups()
    if key == _OUTPUTS:
        return key, value
    if value.startswith("[") and value.endswith("]") and len(value) > 2:
        values = tuple(_value(name, part) for part in value[1:-1].split(","))
        if len({type(item) for item in values}) > 1:
            raise UserError(f"tensor '{name}': '{text}' has values of several types")
        return key, values
    return key, _value(name, value)


def _asked(name: str, outputs: Attribute) -> tuple[bool, ...]:
    if isinstance(outputs, tuple):
        return (True,)
    if not re.fullmatch(r"[01]{0,99}1", str(outputs), re.ASCII):
        raise UserError(
            f"tensor '{name}': outputs={outputs} does not end with 1, or has others than 0 and 1"
        )
    return tuple(digit == "1" for digit in str(outputs))


def _value(name: str, text: str) -> Value:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _WORD.fullmatch(text):
        return "" if text == "%" else unquote(text)
    raise UserError(f"tensor '{name}': '{text}' is not a value", _HINT)


def _written(value: Attribute) -> str:
    """A value so that its type can be told: 1, 1.0, [1,2], nearest, %31x for the word 1x."""
    if isinstance(value, tuple):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, str):
        return "".join(_quoted(value)) or "%"
    return repr(value)


def _quoted(word: str) -> Iterator[str]:
    """Its characters; the first one as a code where the word could be taken for a number."""
    first, rest = word[:1], word[1:]
    like_number = not re.match(r"[A-Za-z_]", first, re.ASCII) or word in ("inf", "nan")
    if first:
        yield "".join(f"%{byte:02X}" for byte in first.encode()) if like_number else first
    yield quote(rest, safe="")
