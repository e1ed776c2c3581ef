"""The libraries whose operators are measured: one class for each kind."""

from nntest.libraries.armcl import ArmCL
from nntest.libraries.base import Installed, LibraryKind
from nntest.libraries.ck import CollectiveKnowledge
from nntest.libraries.opencl_reference import OpenCLReference

KINDS: dict[str, type[LibraryKind]] = {
    "opencl-reference": OpenCLReference,
    "armcl-opencl": ArmCL,
    "armcl-neon": ArmCL,
    "ck": CollectiveKnowledge,
}

__all__ = ["KINDS", "Installed", "LibraryKind"]
