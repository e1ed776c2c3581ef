"""OpenCL devices without PyOpenCL, against what PyOpenCL says of the same devices."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from nntest.codehash import ONBOARD

cl = pytest.importorskip("pyopencl")
SCRIPT = ONBOARD / "opencl_devices.py"


SHIPPED = Path(cl.__file__).parent / ".libs"
"""Where a PyOpenCL from PyPI keeps its OpenCL library, and the driver that came with it."""


def ask(folder: Path, **environment: str) -> Any:
    said = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env={**os.environ, "LD_LIBRARY_PATH": f"{folder}:{SHIPPED}", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(said.stdout)


@pytest.fixture
def loader(tmp_path: Path) -> Path:
    """A folder in which PyOpenCL's own OpenCL library has the name under which it is opened."""
    libraries = sorted(SHIPPED.glob("libOpenCL*.so*"))
    if not libraries or not cl.get_platforms():
        pytest.skip("this PyOpenCL has no OpenCL library of its own, or there is no device")
    (tmp_path / "libOpenCL.so").symlink_to(libraries[0])
    return tmp_path


def test_it_lists_what_pyopencl_lists(loader: Path) -> None:
    # Importing PyOpenCL has set PYOPENCL_HOME, by which its library finds the driver beside it.
    answer = ask(loader)
    assert answer["problem"] == ""
    assert [found["name"] for found in answer["platforms"]] == [
        platform.name for platform in cl.get_platforms()
    ]
    for found, platform in zip(answer["platforms"], cl.get_platforms(), strict=True):
        assert found["version"] == platform.version
        for device, known in zip(found["devices"], platform.get_devices(), strict=True):
            assert device["name"] == known.name.strip()
            assert device["vendor"] == known.vendor
            assert device["platform"] == platform.name
            assert device["driver_version"] == known.driver_version
            assert device["device_version"] == known.version.strip()
            assert device["opencl_c_version"] == known.opencl_c_version.strip()
            assert device["compute_units"] == known.max_compute_units
            assert device["max_clock_mhz"] == known.max_clock_frequency
            assert device["max_work_group_size"] == known.max_work_group_size
            assert device["extensions"] == sorted(known.extensions.split())


def test_a_loader_without_a_driver_is_reported(loader: Path, tmp_path: Path) -> None:
    answer = ask(loader, PYOPENCL_HOME=str(tmp_path), OCL_ICD_VENDORS=str(tmp_path))
    assert answer == {"platforms": [], "problem": "the OpenCL library lists no platform"}


def test_a_library_that_is_none_is_reported(tmp_path: Path) -> None:
    for name in ("libOpenCL.so", "libGLES_mali.so", "libmali.so", "libOpenCL.so.1"):
        (tmp_path / name).write_text("no library")
    answer = ask(tmp_path)
    assert answer["platforms"] == []
    assert answer["problem"].startswith("there is no OpenCL library: ")
