"""Small programs over the headers of the C++ operator programs, compiled and run here."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from nntest.codehash import ONBOARD

COMPILER = shutil.which("g++")


def compiled(folder: Path, name: str, source: str) -> Path:
    """The program made of a source that includes headers of `scripts/onboard/armcl`."""
    (folder / f"{name}.cpp").write_text(source)
    subprocess.run(
        [
            *(str(COMPILER), "-std=c++11", "-Wall", "-Wextra", "-Werror"),
            *(f"-I{ONBOARD / 'armcl'}", "-o", str(folder / name), str(folder / f"{name}.cpp")),
        ],
        check=True,
    )
    return folder / name


def run(program: Path, **variables: Any) -> subprocess.CompletedProcess[str]:
    """Run a program with these variables and none of CK's or ours from outside; None takes out."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CK_", "NNTEST_"))}
    environment = {k: str(v) for k, v in variables.items() if v is not None}
    return subprocess.run(
        [str(program)], env={**kept, **environment}, capture_output=True, text=True, check=False
    )
