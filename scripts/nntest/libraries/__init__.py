"""The libraries whose operators are measured: one class for each kind."""

from nntest.libraries.base import Installed, LibraryKind
from nntest.libraries.opencl_reference import OpenCLReference

KINDS: dict[str, type[LibraryKind]] = {"opencl-reference": OpenCLReference}

__all__ = ["KINDS", "Installed", "LibraryKind"]
