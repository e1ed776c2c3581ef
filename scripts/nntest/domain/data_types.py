"""Data types by the bits that one value takes in memory."""

from __future__ import annotations

BITS: dict[str, int] = {
    "binary": 1, "ternary": 2,
    "int2": 2, "int4": 4, "int8": 8, "int16": 16, "int32": 32,
    "fp8": 8, "fp16": 16, "bf16": 16, "fp32": 32, "fp64": 64,
}  # fmt: skip
"""Bits of one value as it is stored.  A ternary value holds log2(3) = 1.58 bits of information
and takes two, one for the sign and one for zero."""

_ALIASES = {"int1": "binary", "uint8": "int8", "half": "fp16", "float": "fp32"}


def data_type_of(text: str) -> str | None:
    """Our name of a data type as others write it (INT2, FP16, fp32, …); None if it is unknown."""
    name = text.strip().lower()
    name = _ALIASES.get(name, name)
    return name if name in BITS else None


def order_of(data_type: str) -> tuple[int, str]:
    """Sort key: fewer bits first."""
    return BITS[data_type], data_type
