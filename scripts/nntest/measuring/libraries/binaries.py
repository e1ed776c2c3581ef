"""Whether programs and libraries that were compiled here can be loaded on a board.

A binary names, for each library that it needs, the versions of symbols that it wants there, such
as GLIBC_2.34 of libc.so.6; the loader on the board refuses it where one is missing (ELF's symbol
versioning, in the Linux Standard Base's Core specification).
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection

from nntest.config.board import Board
from nntest.errors import UserError
from nntest.measuring.onboard import call
from nntest.measuring.transport import Transport

SCRIPT = "armcl/library_paths.py"
MACHINES = {"EM_AARCH64": "aarch64", "EM_ARM": "arm", "EM_X86_64": "x86_64", "EM_386": "i386"}


@dataclass(frozen=True)
class Binary:
    """A program or a shared library."""

    machine: str
    """What it is compiled for, e.g. aarch64."""
    needed: dict[str, frozenset[str]]
    """Versions of symbols, by the library that has to have them."""
    defined: frozenset[str]
    """Versions of symbols that it has itself."""


def read_binary(content: bytes, name: object) -> Binary:
    """Read a program or a shared library.  Raises `UserError` with its name if it is neither."""
    try:
        elf = ELFFile(io.BytesIO(content))
        needed: dict[str, frozenset[str]] = {}
        defined: set[str] = set()
        for section in elf.iter_sections():
            if isinstance(section, GNUVerNeedSection):
                for library, versions in section.iter_versions():
                    needed[str(library.name)] = frozenset(str(version.name) for version in versions)
            elif isinstance(section, GNUVerDefSection):
                for _, names in section.iter_versions():
                    defined.add(str(next(names).name))
        machine = str(elf["e_machine"])
    except ELFError as error:
        raise UserError(f"{name} is not a program or library of Linux: {error}") from None
    return Binary(MACHINES.get(machine, machine), needed, frozenset(defined))


def check_runs(paths: Iterable[Path], transport: Transport, board: Board, where: str) -> None:
    """Raise `UserError` unless the board's libraries have all that the binaries need."""
    wanted: dict[str, set[str]] = {}
    binaries = {path: read_binary(path.read_bytes(), path) for path in paths}
    for binary in binaries.values():
        for library, versions in binary.needed.items():
            wanted.setdefault(library, set()).update(versions)
    # What was built here, too, is beside them and not the board's.
    own = {path.name for path in binaries}
    asked = sorted(wanted.keys() - own)
    answer = call(transport, board, SCRIPT, json.dumps(asked))
    for path, binary in binaries.items():
        if binary.machine != answer["machine"]:
            raise UserError(
                f"{where}: {path} is for {binary.machine}, the board's programs are for "
                f"{answer['machine']}",
                "set install: arch: to the board's, or leave it out",
            )
    for library in asked:
        path = answer["libraries"][library]
        content = None if path is None else transport.read(path)
        if content is None:
            raise UserError(
                f"{where}: what was built here needs {library}, which the board has not",
                "install it on the board, or build there: install: where: board",
            )
        there = read_binary(content, f"the board's {path}").defined
        if missing := sorted(wanted[library] - there, key=_number):
            raise UserError(
                f"{where}: what was built here needs {missing[-1]} of {library}; the board's is "
                f"older and ends with {_newest(there, missing[-1])}",
                "name a cross compiler that is as old as the board's system under `compiler` (of "
                "install and of build), or build on the board: where: board",
            )


def _number(version: str) -> tuple[str, list[int]]:
    """GLIBC_2.34 -> (GLIBC, [2, 34]), so that versions compare by their numbers."""
    name, _, numbers = version.rpartition("_")
    return name, [int(part) for part in numbers.split(".") if part.isdigit()]


def _newest(there: frozenset[str], like: str) -> str:
    family = [version for version in there if _number(version)[0] == _number(like)[0]]
    return max(family, key=_number, default="nothing of that name")
