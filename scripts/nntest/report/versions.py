"""The versions of what made a report."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import nntest

PACKAGES = ("snakemake", "numpy", "pandas", "scipy", "matplotlib", "seaborn", "pyopencl")


def versions() -> dict[str, str]:
    """Versions of this project, of Python and of the packages that count."""
    found = {"nntest-flow": nntest.__version__, "Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
