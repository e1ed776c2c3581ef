"""`nntest lock`: pin the wheels of a library that comes from the Python package index."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from nntest.commands.options import Commands
from nntest.config.library import PACKAGES
from nntest.config.load import read_yaml
from nntest.errors import UserError

OLDEST_PYTHON = "3.11"
PROGRAMS_NEED = ("numpy", "pip")
"""What our programs use besides, and what installs all of it."""
ADAPTERS_NEED = {"tvm": ("apache-tvm-ffi<0.1.15", "psutil", "cloudpickle")}
"""For its search; with a newer FFI, TVM 0.27 dies when it writes a module as JSON."""


def add_to(commands: Commands) -> None:
    """Describe the command."""
    command = commands.add_parser(
        "lock",
        help="pin the wheels of a library of kind pip",
        description="Write the lock file that a library's file names: the version that it asks "
        "for, with all that this needs, for every platform, each wheel by its hash.",
    )
    command.add_argument("library", type=Path, nargs="+", metavar="LIBRARY.yaml")
    command.add_argument(
        "--python",
        default=OLDEST_PYTHON,
        metavar="VERSION",
        help=f"oldest Python that it is for (default: {OLDEST_PYTHON})",
    )
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    for path in arguments.library:
        lock = write_lock(path, arguments.python)
        print(f"{lock}: written")
    return 0


def write_lock(library: Path, python: str) -> Path:
    """Write the lock of a library's file; its path.

    `python` is the oldest version that the lock is for.  Raises `UserError` where the file is not
    of kind pip, or the package index has no such version.
    """
    content = read_yaml(library)
    adapter, version = content.get("adapter"), content.get("version")
    if content.get("kind") != "pip" or adapter not in PACKAGES or not isinstance(version, str):
        raise UserError(
            f"{library}: no library of kind pip with an `adapter` and a `version`",
            f'for example kind: pip, adapter: onnxruntime, version: "1.27.0"; adapters: '
            f"{', '.join(PACKAGES)}",
        )
    install = content.get("install") or {}
    lock = library.parent / str(install.get("lock") or f"{library.stem}.lock")
    wanted = [f"{PACKAGES[adapter]}=={version}", *PROGRAMS_NEED, *ADAPTERS_NEED.get(adapter, ())]
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal"),
        *("--generate-hashes", "--no-header", "--no-annotate", "--only-binary", ":all:"),
        *("--python-version", python, "--output-file", str(lock), "-"),
    ]
    done = subprocess.run(
        command, input="\n".join(wanted), capture_output=True, text=True, check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip
    if done.returncode != 0:
        said = " ".join(done.stderr.split())
        raise UserError(
            f"{library}: {PACKAGES[adapter]} {version} cannot be pinned: {said[-700:]}",
            "another `version`, or --python with a newer one",
        )
    return lock
