"""Arm Compute Library as it is on a board: what is there, and room and folders for it."""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nntest.errors import UserError
from nntest.measuring.transport import Transport

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Found:
    """What `find_library.py` says of a board."""

    files: list[dict[str, str]]
    """[{name, path, sha256}] of the shared libraries."""
    headers: list[str]
    version: str | None
    options: str | None
    git_hash: str | None
    packages: dict[str, dict[str, str]]
    tools: dict[str, str | None]
    is_root: bool

    def is_whole(self, packages: list[str]) -> bool:
        """Whether it can be compiled against, and dpkg has left nothing half done."""
        states = [self.packages[name]["status"] for name in packages if name in self.packages]
        return bool(self.files and self.headers) and all(state == "ii" for state in states)

    def release(self) -> str | None:
        """The release, e.g. 20.08: from the library itself, else from its package."""
        versions = [self.version or "", *(entry["version"] for entry in self.packages.values())]
        for version in versions:
            numbers = re.match(r"v?(\d\d\.\d\d(?:\.\d+)?)(?!\d)", version)
            if numbers:
                return numbers.group(1)
        return None

    def lacks(self, backend: str) -> bool:
        """Whether the library says of itself that it was built without OpenCL, or without NEON.

        It tells the options that scons was given; left out, OpenCL is on and NEON is off.
        """
        if self.options is None:
            return False
        said = re.search(rf"'{backend}': '([^']*)'", self.options)
        given = said.group(1).lower() if said else {"opencl": "1", "neon": "0"}[backend]
        return given not in ("1", "y", "yes", "true", "t", "on", "all")

    def checksum(self) -> str:
        """SHA-256 over the library's binaries."""
        lines = [f"{file['name']} {file['sha256']}\n" for file in self.files]
        return hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Place:
    """Where a library that we put on a board is."""

    where: str
    """Board and library, for messages."""
    root: str
    """The board's work folder."""
    key: str
    """Names what is installed and how it is made."""

    @property
    def library(self) -> str:
        """Folder with lib/ and the headers, and a record that is written last."""
        return posixpath.join(self.root, "armcl", "libraries", self.key)

    @property
    def build(self) -> str:
        """Folder in which it is built."""
        return posixpath.join(self.root, "armcl", "build", self.key)


def free_mb(transport: Transport, folder: str, where: str) -> int:
    """What the board's disk has left for an existing folder."""
    done = transport.run(["df", "-Pk", folder], timeout_s=TIMEOUT_S).check(where)
    return int(done.stdout.strip().splitlines()[-1].split()[3]) // 1024


def need_room(transport: Transport, folder: str, megabytes: int, where: str) -> None:
    """Raise `UserError` unless the board's disk has that much left for an existing folder."""
    free = free_mb(transport, folder, where)
    if free < megabytes:
        raise UserError(
            f"{where}: {folder} of the board has {free} MB free; {megabytes} MB are needed",
            "make room on the board, then run the same command again",
        )


def jobs(facts: Mapping[str, Any]) -> int:
    """Compilers at a time: a core and 1 GB of memory for each."""
    cores = sum(int(kind["cores"]) for kind in facts.get("cpus", []))
    return max(1, min(cores, int(facts.get("memory_mb") or 0) // 1000))
