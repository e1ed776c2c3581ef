"""Tensors in CK-NNTest's naming: the shape of one operator's work, and how much work it is.

A tensor name such as ``512-14-14-1-512-1-0`` is the ordered list of the values that
CK-NNTest's data sets use for a species (a kind of operator); `SPECIES` holds that order.
The same values reach an operator program as environment variables, and come back as
``choices.env`` of a CK point, so one table serves config, boards and archives.

Additions of ours: padding that differs by side is written ``top_bottom_left_right`` in the place of
the single pad, e.g. ``3-224-224-3-32-2-0_1_0_1`` (TensorFlow's SAME for stride 2); and what these
fields have no place for, such as an activation, follows a plus, ``512-14-14-1-512-1-0+relu6``
(`nntest.domain.tensor_suffixes`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onboard.outcomes import real

from nntest.domain.onnx_nodes.groups import NodeGroup
from nntest.domain.tensor_suffixes import (
    DEPTHWISE_KERNEL,
    NO_ACTIVATION,
    PADS_VARIABLE,
    POOLS,
    Suffixes,
    split_suffixes,
    suffixes_of,
)
from nntest.errors import UserError

Number = int | float


@dataclass(frozen=True)
class Species:
    """A kind of operator as CK-NNTest's data sets know it."""

    name: str
    keys: tuple[str, ...]
    """Environment variables in the order in which a tensor name lists their values."""


_IN = ("CK_IN_SHAPE_C", "CK_IN_SHAPE_H", "CK_IN_SHAPE_W")
_OUT = ("CK_OUT_SHAPE_C", "CK_OUT_SHAPE_H", "CK_OUT_SHAPE_W")
_POOL = (*_IN, "CK_POOL_KERNEL", "CK_POOL_STRIDE")
_CONV = (*_IN, "CK_CONV_KERNEL", "CK_OUT_SHAPE_C", "CK_CONV_STRIDE", "CK_CONV_PAD")

CEILING_SIZE = "NNTEST_CEILING_SIZE"
"""Size of a ceiling's measurement: MiB of each buffer for bandwidth, GFLOP for peak."""
CEILINGS = {"bandwidth": 256, "peak": 2}
"""Species that measure a ceiling of the device, each with its usual size."""

NODE = "onnx"
"""Species, and operator, of ONNX nodes, single or in groups that are measured together;
`nntest.domain.onnx_nodes` says how they are named."""
NODE_VARIABLE = "NNTEST_NODE"
"""Its name."""

SPECIES: dict[str, Species] = {
    species.name: species
    for species in (
        Species("conv", _CONV),
        Species("depthwiseconv", (*_IN, "CK_DEPTHWISE_STRIDE", "CK_DEPTHWISE_PAD")),
        Species("fullyconnected", (*_IN, *_OUT)),
        Species("avgpool", _POOL),
        Species("maxpool", _POOL),  # ours: CK-NNTest has none, CNV does
        Species("softmax", _IN),
        Species("reshape", (*_IN, *_OUT)),
        Species("resizebilinear", (*_IN, *_OUT)),
        Species(
            "gemm",
            ("CK_GEMM_K", "CK_GEMM_M", "CK_GEMM_N", "CK_GEMM_ALPHA", "CK_GEMM_BETA"),
        ),
        # Ours, no operators: what the device reaches with nothing but memory, or arithmetic, to do.
        Species("bandwidth", (CEILING_SIZE,)),
        Species("peak", (CEILING_SIZE,)),
        Species(NODE, (NODE_VARIABLE,)),
    )
}

NETWORK = "network"
"""Species, and operator, of what times a whole network; its tensor is the network's name."""

SCHEDULE = "SCHEDULE"
"""Instead of a tuner, for a network: each layer with the operator and tuner chosen for it."""

OPERATOR_SPECIES: dict[str, str] = {
    "conv": "conv",
    "directconv": "conv",
    "winogradconv": "conv",
    **{name: name for name in SPECIES if name != "conv"},
    NETWORK: NETWORK,
}
"""Which species an operator (the first part of a program's name) works on."""

DATA_TYPE_SUFFIXES = ("uint8", "int8", "fp16")
"""What an operator's name ends with if it does not compute in fp32, e.g. conv-fp16."""


def plain_operator(operator: str) -> str:
    """An operator without its data type: conv for conv-fp16, which is one library's conv."""
    stem, _, suffix = operator.rpartition("-")
    return stem if suffix in DATA_TYPE_SUFFIXES else operator


LARGEST_SIZE = 2**31 - 1
"""No size of a tensor is larger: programs read them as 32-bit integers."""

_PAD_KEYS = {"conv": "CK_CONV_PAD", "depthwiseconv": "CK_DEPTHWISE_PAD"}
CONVOLUTIONS = tuple(_PAD_KEYS)
"""Species with a field for their padding."""
_FACTORS = ("CK_GEMM_ALPHA", "CK_GEMM_BETA")
_FIELD_ENDS = re.compile(r"(?<![eE])(?<=[^-])-")
"""Between two fields of a name; not a minus sign, as of -1 or 1e-05."""


@dataclass(frozen=True)
class Tensor:
    """The shape of one operator's work, without the batch size.

    `values` follows `SPECIES[species].keys`; `pads` is (top, bottom, left, right) and only
    set where a convolution has its field, or a pool any padding; `own_kernel` is the side of a
    depthwise convolution's kernel, if it is not 3.  ONNX nodes have `node`, with its batch, and
    no values.
    """

    species: str
    values: tuple[Number, ...]
    pads: tuple[int, int, int, int] | None = None
    activation: str = NO_ACTIVATION
    node: NodeGroup | None = None
    own_kernel: int | None = None

    # -- names -----------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The tensor's name, e.g. ``512-14-14-1-512-1-0``."""
        if self.node is not None:
            return self.node.name
        pad_key = _PAD_KEYS.get(self.species)
        parts = []
        for key, value in zip(SPECIES[self.species].keys, self.values, strict=True):
            if key == pad_key and self.pads is not None and len(set(self.pads)) > 1:
                parts.append("_".join(str(pad) for pad in self.pads))
            else:
                parts.append(_written(value))
        return "-".join(parts) + self._suffixes.written()

    @property
    def _suffixes(self) -> Suffixes:
        pool_pads = self.pads if self.species in POOLS else None
        return Suffixes(self.own_kernel, pool_pads, self.activation)

    @classmethod
    def parse(cls, species: str, name: str) -> Tensor:
        """Read a tensor name; ``shape-`` and ``test-shape-`` in front of it are dropped.

        Raises `UserError` for an unknown species, a wrong number of fields, a field that is not a
        number in range, or a suffix that the species does not have.
        """
        if species not in SPECIES:
            raise UserError(f"unknown species '{species}'", f"one of {', '.join(SPECIES)}")
        if species == NODE:
            return cls.of_nodes(NodeGroup.parse(name.removeprefix("test-").removeprefix("shape-")))
        keys = SPECIES[species].keys
        plain, behind = split_suffixes(species, name)
        fields = _FIELD_ENDS.split(plain.removeprefix("test-").removeprefix("shape-"))
        wanted = "-".join(key.removeprefix("CK_").lower() for key in keys)
        if len(fields) != len(keys):
            raise UserError(
                f"tensor '{name}' of species {species} has {len(fields)} fields, not {len(keys)}",
                f"write it as {wanted}",
            )
        values: list[Number] = []
        pads = behind.pads
        for key, field in zip(keys, fields, strict=True):
            try:
                if key == _PAD_KEYS.get(species):
                    sides = [int(side) for side in field.split("_")]
                    if len(sides) == 1:
                        sides *= 4
                    top, bottom, left, right = sides
                    pads = (top, bottom, left, right)
                    value: Number = top
                else:
                    value = float(field) if key in _FACTORS else int(field)
            except ValueError:
                raise UserError(
                    f"tensor '{name}' of species {species}: '{field}' is not a value for {key}",
                    f"write it as {wanted}",
                ) from None
            values.append(value)
        tensor = cls(species, tuple(values), pads, behind.activation, own_kernel=behind.kernel)
        tensor._check_values(name)
        tensor._check_kernel_fits(name)
        return tensor

    def _check_values(self, name: str) -> None:
        for key, value in zip(SPECIES[self.species].keys, self.values, strict=True):
            where = f"tensor '{name}' of species {self.species}: {key}"
            if key in _FACTORS:
                if not math.isfinite(value):
                    raise UserError(f"{where} is not a finite number")
                continue
            is_pad = key == _PAD_KEYS.get(self.species)
            lowest = 0 if is_pad else 1
            sizes = self.pads if is_pad and self.pads else (value,)
            if min(sizes) < lowest:
                raise UserError(f"{where} is below {lowest}")
            if max(sizes) > LARGEST_SIZE:
                raise UserError(f"{where} is above {LARGEST_SIZE}")

    def _check_kernel_fits(self, name: str) -> None:
        if self.species not in (*CONVOLUTIONS, *POOLS):
            return
        _, out_h, out_w = self.out_shape
        if out_h < 1 or out_w < 1:
            raise UserError(f"tensor '{name}': the kernel is larger than the padded input")
        if self.species in POOLS and self.pads and max(self.pads) >= self.kernel:
            raise UserError(f"tensor '{name}': windows would lie in padding alone")

    @classmethod
    def conv(
        cls, in_c: int, h: int, w: int, kernel: int, out_c: int, stride: int, pads: tuple[int, ...]
    ) -> Tensor:
        """A convolution; `pads` is (top, bottom, left, right)."""
        top, bottom, left, right = pads
        values = (in_c, h, w, kernel, out_c, stride, top)
        return cls("conv", values, (top, bottom, left, right))

    @classmethod
    def depthwise(
        cls, channels: int, h: int, w: int, kernel: int, stride: int, pads: tuple[int, ...]
    ) -> Tensor:
        """A depthwise convolution; `pads` is (top, bottom, left, right)."""
        top, bottom, left, right = pads
        own_kernel = None if kernel == DEPTHWISE_KERNEL else kernel
        values = (channels, h, w, stride, top)
        return cls("depthwiseconv", values, (top, bottom, left, right), own_kernel=own_kernel)

    @classmethod
    def of_nodes(cls, group: NodeGroup) -> Tensor:
        """The tensor of ONNX nodes, one or several that are measured together."""
        return cls(NODE, (), node=group)

    @classmethod
    def from_env(cls, species: str, env: Mapping[str, Any]) -> Tensor | None:
        """The tensor that a CK point's ``choices.env`` describes, or None if a key is missing.

        Values that were typed on a command line are strings there; both kinds are read.
        Raises `UserError` for what is not a number, and for numbers as `parse` does.
        """
        if species == NODE:
            name = env.get(NODE_VARIABLE)
            return None if name is None else cls.parse(NODE, str(name))
        fields = []
        for key in SPECIES[species].keys:
            value = env.get(key)
            if key == _PAD_KEYS.get(species) and env.get(PADS_VARIABLE):
                pads = str(env[PADS_VARIABLE])
                if not re.fullmatch(r" *\d+ *(, *\d+ *){3}", pads):
                    raise UserError(f"{PADS_VARIABLE} is not four numbers: {pads!r:.40}")
                fields.append(pads.replace(",", "_"))
                continue
            if value is None:
                return None
            number = float(value) if isinstance(value, bool) else real(value)
            if number is None:
                raise UserError(
                    f"{key} of a tensor of species {species} is not a number: {value!r:.40}"
                )
            fields.append(_written(number))
        return cls.parse(species, "-".join(fields) + suffixes_of(species, env))

    def env(self) -> dict[str, str]:
        """The environment variables that hand this tensor to an operator program."""
        if self.node is not None:
            return {NODE_VARIABLE: self.node.name}
        variables = {
            key: _written(value)
            for key, value in zip(SPECIES[self.species].keys, self.values, strict=True)
        }
        if self.species in CONVOLUTIONS and self.pads is not None and len(set(self.pads)) > 1:
            variables[PADS_VARIABLE] = ",".join(str(pad) for pad in self.pads)
        return variables | self._suffixes.env()

    @property
    def beyond_ck(self) -> bool:
        """Whether CK-NNTest's variables cannot say its kernel or padding.

        Only programs of inference libraries read the others.
        """
        uneven_pool = self.species in POOLS and len(set(self.pads or (0,))) > 1
        return self.own_kernel is not None or uneven_pool

    # -- sizes -----------------------------------------------------------------------------

    def _value(self, key: str) -> int:
        return int(self.values[SPECIES[self.species].keys.index(key)])

    @property
    def in_shape(self) -> tuple[int, int, int]:
        """Input (channels, height, width); a gemm's (1, M, K), a ceiling's (1, 1, size).

        Of an ONNX node (1, 1, elements of all its inputs), and so of its outputs.
        """
        if self.node is not None:
            return 1, 1, sum(item.elements for item in self.node.data)
        if self.species in CEILINGS:
            return 1, 1, self._value(CEILING_SIZE)
        if self.species == "gemm":
            return 1, self._value("CK_GEMM_M"), self._value("CK_GEMM_K")
        return self._value("CK_IN_SHAPE_C"), self._value("CK_IN_SHAPE_H"), self._value(_IN[2])

    @property
    def kernel(self) -> int:
        """Side of the kernel."""
        if self.species == "depthwiseconv":
            return self.own_kernel or DEPTHWISE_KERNEL
        return self._value("CK_POOL_KERNEL" if self.species in POOLS else "CK_CONV_KERNEL")

    @property
    def stride(self) -> int:
        """Stride, the same in both directions."""
        if self.species in POOLS:
            return self._value("CK_POOL_STRIDE")
        return self._value(
            "CK_DEPTHWISE_STRIDE" if self.species == "depthwiseconv" else "CK_CONV_STRIDE"
        )

    @property
    def out_shape(self) -> tuple[int, int, int]:
        """Output (channels, height, width): floor((size + pads - kernel) / stride) + 1."""
        if self.node is not None:
            return 1, 1, self._node_work()[1]
        channels, height, width = self.in_shape
        if self.species in (*CONVOLUTIONS, *POOLS):
            top, bottom, left, right = self.pads or (0, 0, 0, 0)
            height = (height + top + bottom - self.kernel) // self.stride + 1
            width = (width + left + right - self.kernel) // self.stride + 1
            if self.species == "conv":
                channels = self._value("CK_OUT_SHAPE_C")
            return channels, height, width
        if self.species == "gemm":
            return 1, self._value("CK_GEMM_M"), self._value("CK_GEMM_N")
        if self.species in ("softmax", *CEILINGS):
            return channels, height, width
        return self._value(_OUT[0]), self._value(_OUT[1]), self._value(_OUT[2])

    def _node_work(self) -> tuple[int, int]:
        """(multiply-accumulates, elements of all outputs) of an ONNX node."""
        # Not at the top: importing onnx takes half a second, and few tensors need it.
        from nntest.domain.onnx_nodes.models import node_work

        return node_work(self.name)

    # -- work ------------------------------------------------------------------------------

    def study_flops(self, batch_size: int) -> float | None:
        """Floating-point operations as the 2018 study counted them, for its GFLOPS column.

        conv: 2·Cin·Cout·(W/stride)·(H/stride)·K² (the input size over the stride, whatever the
        padding); fullyconnected and gemm: 2·M·N·K.  None for the species that it did not count.
        """
        if self.species == "conv":
            channels, height, width = self.in_shape
            outputs = (width / self.stride) * (height / self.stride)
            per_image = 2.0 * channels * self._value(_OUT[0]) * outputs * self.kernel**2
            return per_image * batch_size
        if self.species in ("fullyconnected", "gemm"):
            return float(self.executed_flops(batch_size))
        return None

    def executed_flops(self, batch_size: int) -> int:
        """Operations that the operator really executes: two for each multiply-accumulate.

        Additions alone for avgpool, comparisons for maxpool; for softmax three for each element
        (subtract, exponential, divide) and two reductions; none for species that only move data,
        nor for ONNX nodes without multiply-accumulates.
        """
        if self.node is not None:
            return 2 * self._node_work()[0] * batch_size
        in_c, in_h, in_w = self.in_shape
        out_c, out_h, out_w = self.out_shape
        outputs = out_c * out_h * out_w
        if self.species == "conv":
            per_image = 2 * outputs * in_c * self.kernel**2
        elif self.species == "depthwiseconv":
            per_image = 2 * outputs * self.kernel**2
        elif self.species in POOLS:
            per_image = outputs * self.kernel**2
        elif self.species == "fullyconnected":
            per_image = 2 * outputs * in_c * in_h * in_w
        elif self.species == "gemm":
            per_image = 2 * out_h * out_w * in_w
        elif self.species == "softmax":
            per_image = 5 * outputs
        elif self.species == "resizebilinear":
            per_image = 8 * outputs
        else:
            per_image = 0
        return per_image * batch_size


def _written(value: Number) -> str:
    """A number as names and variables have it, without losing a digit: 1, 0.5, 1e-05."""
    return str(int(value)) if abs(value) < 2**53 and value == int(value) else repr(value)
