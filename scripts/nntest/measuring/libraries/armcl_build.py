"""Compiles the operator programs of Arm Compute Library, on the board or for it."""

from __future__ import annotations

import hashlib
import os
import posixpath
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from nntest.codehash import ONBOARD
from nntest.config.board import Board
from nntest.config.install import BuildHere, BuildOnBoard
from nntest.errors import UserError
from nntest.measuring.libraries.armcl_scons import architecture_of
from nntest.measuring.libraries.binaries import check_runs
from nntest.measuring.libraries.cross_compilers import compiler_for, package_of
from nntest.measuring.transport import Transport

MAKEFILE = ONBOARD / "armcl" / "Makefile"
TIMEOUT_S = 3600.0


@dataclass(frozen=True)
class Compilation:
    """What is compiled, against what, into which folder of the board."""

    where: str
    """Board and library, for messages."""
    backend: str
    """opencl or neon."""
    makefile: str
    """On the board."""
    folder: str
    operators: list[str]
    version: str
    """Without the dot, e.g. 1805."""
    prefix: str | None
    files: list[dict[str, str]]
    """[{name, path, sha256}] of the library's binaries on the board."""
    jobs: int
    machine: str
    """The board's, as `uname -m` says it."""

    def make(self, makefile: str, out: str, prefix: str | None, flags: list[str]) -> list[str]:
        """The call of make, but for the compiler."""
        libraries = " ".join(f"-l{file['name']}" for file in self.files)
        argv = [
            *("make", "--no-print-directory", f"--jobs={self.jobs}", "-f", makefile),
            f"OUT={out}",
            f"BACKEND={self.backend}",
            f"PROGRAMS={' '.join(self.operators)}",
            f"ARMCL_VERSION={self.version}",
            f"ARMCL_LIBS={libraries}",
            f"CXXFLAGS={' '.join(flags)}",
        ]
        if prefix:
            runpath = posixpath.dirname(self.files[0]["path"])
            argv += [f"ARMCL_PREFIX={prefix}", f"ARMCL_RUNPATH={runpath}"]
        return argv


def compile_on_board(
    transport: Transport, build: BuildOnBoard, what: Compilation, tools: dict[str, str | None]
) -> str:
    """Compile on the board; what the compiler calls itself.  `UserError` if that fails."""
    for tool in ("make", build.compiler):
        if not tools[tool]:
            raise UserError(
                f"{what.where}: there is no {tool} on the board, and the operator programs are "
                "compiled there",
                f"on the board: apt-get install {tool}; or compile here: build: {{where: here}}",
            )
    argv = [
        *what.make(what.makefile, what.folder, what.prefix, build.flags),
        f"CXX={build.compiler}",
    ]
    done = transport.run(argv, timeout_s=TIMEOUT_S)
    if done.status != 0:
        raise _did_not_compile(what, done.stderr)
    name = transport.run([build.compiler, "--version"], timeout_s=60).check(what.where)
    return name.stdout.splitlines()[0]


def compile_here(
    transport: Transport, board: Board, build: BuildHere, what: Compilation, library: Path | None
) -> str:
    """Compile here and copy to the board; what the compiler calls itself.

    Against the library and its headers in a folder here, or else in the sysroot.  Raises
    `UserError` if that fails, or the board cannot load what was compiled.
    """
    compiler = build.compiler or compiler_for(architecture_of(what.machine, what.where), what.where)
    for tool in ("make", compiler):
        if shutil.which(tool) is None:
            raise UserError(
                f"{what.where}: there is no {tool} here, and `build: {{where: here}}` needs it",
                f"on Debian: sudo apt-get install {package_of(tool)}",
            )
    if library is not None:
        call: str = compiler
        prefix: str | None = str(library)
    else:
        assert build.sysroot is not None  # the config asks for one where there is no library here
        sysroot = Path(build.sysroot).absolute()
        _check_sysroot(sysroot, what)
        call = f"{compiler} --sysroot={sysroot}"
        prefix = f"{sysroot}{what.prefix}" if what.prefix else None
    with tempfile.TemporaryDirectory(prefix="nntest-armcl-") as folder:
        argv = [*what.make(str(MAKEFILE), folder, prefix, build.flags), f"CXX={call}"]
        # A make that runs the workflow would pass its own options on.
        environment = {key: value for key, value in os.environ.items() if key != "MAKEFLAGS"}
        done = subprocess.run(
            argv, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_S
        )
        if done.returncode != 0:
            raise _did_not_compile(what, done.stderr)
        programs = [Path(folder) / operator for operator in what.operators]
        check_runs(programs, transport, board, what.where)
        for program in programs:
            target = posixpath.join(what.folder, program.name)
            transport.put(program, target)
            transport.run(["chmod", "755", target], timeout_s=60).check(what.where)
    name = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True)
    return name.stdout.splitlines()[0]


def _check_sysroot(sysroot: Path, what: Compilation) -> None:
    """Raise `UserError` unless the folder has the board's library in it."""
    if not sysroot.is_dir():
        raise UserError(f"{what.where}: build: sysroot: there is no folder {sysroot}")
    for file in what.files:
        there = sysroot / file["path"].lstrip("/")
        if not there.is_file() or _sha256(there) != file["sha256"]:
            raise UserError(
                f"{what.where}: {there} is not the board's {file['path']}",
                "copy the board's libraries and headers into the sysroot anew",
            )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _did_not_compile(what: Compilation, said: str) -> UserError:
    """The compiler's first complaint; the rest most often follows from it."""
    lines = said.strip().splitlines()
    first = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "")
    return UserError(f"{what.where}: the operator programs do not compile: {first[:600]}")
