"""Which MobileNet a program of CK's artifacts ran, and how: the spellings of all its years.

ArmCL's programs of early 2018 take CK_CONVOLUTION_METHOD_HINT (0, 1) and the network's
WIDTH_MULTIPLIER, later ones CK_CONVOLUTION_METHOD (GEMM, DIRECT) and its MULTIPLIER; those of
TensorFlow name the network with a prefix of their own.
"""

from __future__ import annotations

import re
from typing import Any

from nntest.archives.ck.choices import Choices
from nntest.archives.ck.values import positive, text, whole

_NETWORK = re.compile(
    r"CK_ENV_(?:\w+_)?MOBILENET_(?P<part>VERSION|MULTIPLIER|WIDTH_MULTIPLIER|RESOLUTION)\Z"
)
_PARTS = {"WIDTH_MULTIPLIER": "MULTIPLIER"}
_METHOD_VARIABLES = ("CK_CONVOLUTION_METHOD", "CK_CONVOLUTION_METHOD_HINT")
_METHODS = {
    "0": "gemm", "GEMM": "gemm", "1": "direct", "DIRECT": "direct", "2": "winograd",
    "WINOGRAD": "winograd", "DEFAULT": "default",
}  # fmt: skip
LAYOUTS = {"NCHW": "nchw", "NHWC": "nhwc"}


def network_of(choices: Choices) -> str | None:
    """The network's name, e.g. ``mobilenet-v1-0.25-128``; None if it is no MobileNet."""
    names: dict[str, list[str]] = {}
    for name in sorted(choices.env):
        match = _NETWORK.match(name)
        if match:
            names.setdefault(_PARTS.get(match["part"], match["part"]), []).append(name)
    resolution = choices.take(names.get("RESOLUTION", ()), whole)
    multiplier = choices.take(names.get("MULTIPLIER", ()), positive)
    version = choices.take(names.get("VERSION", ()), whole)
    if resolution is None or multiplier is None:
        return None
    return f"mobilenet-v{1 if version is None else version}-{multiplier}-{resolution}"


def method_of(choices: Choices, program: str) -> str | None:
    """ArmCL's convolution method: gemm, direct, winograd, default; None where none is said."""
    if "armcl" not in program.split("-"):  # the scripts of 2018 set it for TensorFlow, too
        return None
    return choices.take(_METHOD_VARIABLES, _method)


def _method(value: Any) -> str | None:
    number = whole(value)
    return _METHODS.get(text(value) if number is None else str(number))


def layout_of(choices: Choices) -> str | None:
    """Nchw or nhwc; None where none is said."""
    return choices.take(("CK_DATA_LAYOUT",), lambda value: LAYOUTS.get(text(value)))
