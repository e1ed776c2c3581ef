"""What computed a point in another data type, and what in fp32, in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nntest.analysis.node_times import NodeTimes

_INTEGERS = re.compile(r"^QLinear|^QGemm|Integer|_[IiUu]8$|^int8\b")
"""Kernels that compute integers: ONNX Runtime's, OpenVINO's, and ncnn's layers."""
_CONVERSIONS = ("QuantizeLinear", "DequantizeLinear")
_SINGLE = re.compile(r"_f32$")


def computing(times: NodeTimes | None, kernel_ran: str | None) -> list[str]:
    """The kernels that compute a point, without what moves data where the nodes say that."""
    if times is not None:
        texts = list(times.kernels.values())
    else:
        texts = [re.sub(r"\b\d+ x ", "", kernel_ran or "")]
    return list(dict.fromkeys(name for text in texts for name in text.split(", ") if name))


def kernels_text(data_type: str, kernels: Sequence[str], single: Sequence[str]) -> str:
    """What computed it, and what in fp32 (`single`), in words."""
    if not kernels:
        return "which kernels ran is not known"
    if list(kernels) == list(single):
        return f"the library calls its kernels {_listed(kernels)}, as in fp32"
    if data_type == "int8":
        integers = [name for name in kernels if _INTEGERS.search(name)]
        rest = [name for name in kernels if name not in (*integers, *_CONVERSIONS)]
        converted = any(name in _CONVERSIONS for name in kernels)
        floats = rest if converted else [name for name in rest if _SINGLE.search(name)]
        if floats and integers:
            return f"only {_listed(integers)} on integers, {_listed(floats)} in fp32"
        if floats:
            return f"computed in fp32 all the same: {_listed(kernels)}"
    if not single:
        return f"by {_listed(kernels)}"
    return f"{_listed(kernels)} in place of {_listed(single)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
