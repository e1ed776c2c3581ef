"""The OpenCL reference program's modules and device."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from onboard.opencl_reference.reference_program import FOLDER, MODULES

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def program() -> Iterator[SimpleNamespace]:
    """The program's modules, imported from its folder as it does, and gone again afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(FOLDER))
    try:
        yield SimpleNamespace(**{name: __import__(name) for name in MODULES})
    finally:
        sys.path.remove(str(FOLDER))
        for name in set(sys.modules) - before:
            if str(FOLDER) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]


@pytest.fixture(scope="module")
def device(program: SimpleNamespace) -> Any:
    return program.device.Device(0, 0)


@pytest.fixture
def broken_program(tmp_path: Path) -> Path:
    """A copy of the program whose kernels a test can break."""
    return Path(shutil.copytree(FOLDER, tmp_path / "program"))
