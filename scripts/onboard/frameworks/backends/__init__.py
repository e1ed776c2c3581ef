"""The inference libraries, each behind an adapter: a class in a module of its own."""

from __future__ import annotations

import importlib

from failures import NotSupported

from backends.base import Backend

BACKENDS = {
    "onnxruntime": "OnnxRuntime",
    "litert": "LiteRT",
    "openvino": "OpenVino",
    "ncnn": "Ncnn",
    "tvm": "Tvm",
    "armnn": "ArmNN",
}
"""Class of each; its module has the library's name."""


def find_backend(name: str) -> type[Backend]:
    """Return the adapter of the library ``name``; raises NotSupported."""
    if name not in BACKENDS:
        raise NotSupported(
            f"the library {name!r} is not one of this program's: {', '.join(BACKENDS)}"
        )
    kind: type[Backend] = getattr(importlib.import_module(f"backends.{name}"), BACKENDS[name])
    return kind
