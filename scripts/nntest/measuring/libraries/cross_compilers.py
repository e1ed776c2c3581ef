"""Compilers of this machine that compile for a board."""

from __future__ import annotations

import platform

from nntest.errors import UserError
from nntest.measuring.libraries.armcl_scons import ARCHITECTURES

PREFIXES = {
    "arm64-v8a": "aarch64-linux-gnu-",
    "arm64-v8.2-a": "aarch64-linux-gnu-",
    "armv7a": "arm-linux-gnueabihf-",
}
"""What the names of Debian's cross compilers begin with, by scons' word for the architecture.

Arm Compute Library's scons files put the same before the compiler that they are given.
"""


def is_cross(arch: str) -> bool:
    """Whether an architecture is another one than this machine's."""
    own = ARCHITECTURES.get(platform.machine(), "")
    return PREFIXES.get(arch, arch) != PREFIXES.get(own, own)


def compiler_for(arch: str, where: str) -> str:
    """The C++ compiler on this machine for an architecture.

    Raises `UserError` if Debian has none.
    """
    if not is_cross(arch):
        return "g++"
    if arch not in PREFIXES:
        raise UserError(
            f"{where}: no cross compiler for {arch} is known",
            "have it compiled on the board: where: board",
        )
    return f"{PREFIXES[arch]}g++"


def package_of(compiler: str) -> str:
    """The Debian package of a compiler: g++-aarch64-linux-gnu for aarch64-linux-gnu-g++."""
    prefix, _, name = compiler.rpartition("-g++")
    return f"g++-{prefix}{name}" if prefix else compiler
