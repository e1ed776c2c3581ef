"""The OpenCL reference program's modules and device."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from onboard.opencl_reference.reference_program import COMMON, FOLDER, MODULES

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def program() -> Iterator[SimpleNamespace]:
    """The program's modules, imported from its folder as it does, and gone again afterwards."""
    before = set(sys.modules)
    sys.path[:0] = [str(FOLDER), str(COMMON)]
    try:
        yield SimpleNamespace(**{name: __import__(name) for name in MODULES})
    finally:
        sys.path.remove(str(FOLDER))
        sys.path.remove(str(COMMON))
        for name in set(sys.modules) - before:
            if Path(getattr(sys.modules[name], "__file__", None) or "/").parent in (FOLDER, COMMON):
                del sys.modules[name]


@pytest.fixture(scope="module")
def device(program: SimpleNamespace) -> Any:
    return program.device.Device(0, 0)


@pytest.fixture
def broken_program(tmp_path: Path) -> Path:
    """A copy of the program whose kernels a test can break."""
    shutil.copytree(COMMON, tmp_path / COMMON.name)
    return Path(shutil.copytree(FOLDER, tmp_path / "program"))
