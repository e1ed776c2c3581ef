"""The libraries whose operators are measured: one class for each kind."""

from nntest.measuring.libraries.armcl import ArmCL
from nntest.measuring.libraries.armnn import ArmNN
from nntest.measuring.libraries.base import LibraryKind
from nntest.measuring.libraries.ck import CollectiveKnowledge
from nntest.measuring.libraries.opencl_reference import OpenCLReference
from nntest.measuring.libraries.pip import PipLibrary

KINDS: dict[str, type[LibraryKind]] = {
    "opencl-reference": OpenCLReference,
    "armcl-opencl": ArmCL,
    "armcl-neon": ArmCL,
    "armnn": ArmNN,
    "ck": CollectiveKnowledge,
    "pip": PipLibrary,
}

__all__ = ["KINDS", "LibraryKind"]
