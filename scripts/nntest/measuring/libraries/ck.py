"""ck: a library that Collective Knowledge installs or finds, and its programs measure.

For boards with `harness: ck` only: the on-board part calls CK, which calls the programs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nntest.codehash import ONBOARD, closure, module_file
from nntest.config.board import Board
from nntest.measuring.installed import Installed
from nntest.measuring.libraries.base import LibraryKind
from nntest.measuring.transport import Transport


class CollectiveKnowledge(LibraryKind):
    """Needs CK on the board, or Python with pip; its repositories; a compiler."""

    def install(self, transport: Transport, board: Board, facts: Mapping[str, Any]) -> Installed:
        """Have CK install or find it, with all that its programs need."""
        from nntest.measuring.ck_harness.setup import set_up

        answer = set_up(transport, board, self.library, facts, self.watcher)
        version = answer["version"]
        return Installed(
            library=self.library.name,
            version=version,
            tag=library_tag(answer["name"], version),
            checksum=_checksum(answer),
            device=_device(facts),
            details=answer,
        )

    def argv(self, board: Board, programs: str, operator: str) -> list[str]:
        """CK's command for an operator; the on-board part adds its options."""
        return ["ck", "run", f"nntest:{self.program(operator)}"]

    def environment(self, tuner_table: str) -> dict[str, str]:
        """None: what CK's programs are given is in its own request."""
        return {}

    @staticmethod
    def sources() -> list[Path]:
        """None of ours: the programs are CK-NNTest's, whose checksums the board reports."""
        return []

    @classmethod
    def installer_sources(cls) -> list[Path]:
        """See `LibraryKind.installer_sources`."""
        modules = (
            "nntest.measuring.ck_harness.setup",
            "nntest.measuring.ck_harness.request",
            "nntest.measuring.ck_harness.wheels",
            "nntest.measuring.wheels",
        )
        return [
            *super().installer_sources(),
            *(module_file(name) for name in modules),
            *closure(ONBOARD / "ck_setup.py"),
        ]

    def program(self, operator: str) -> str:
        """The program that the library's file names for an operator."""
        assert self.library.ck is not None  # the config checks it
        return self.library.ck.program(operator)


def library_tag(name: str, version: str) -> str:
    """Name and version as CK writes them in tags and aliases.

    The name in lower case with blanks and commas for hyphens, brackets dropped; a last word that
    the version begins with is not said twice.
    """
    words = name.lower()
    for old, new in ((", ", "-"), (" ", "-"), (",", "-"), ("(", ""), (")", "")):
        words = words.replace(old, new)
    head, hyphen, last = words.rpartition("-")
    if hyphen and head and last == version.split("-")[0]:
        words = head
    return f"{words}-{version}"


def _checksum(answer: Mapping[str, Any]) -> str:
    """SHA-256 over the library's binaries and the programs' sources, CK's version with them."""
    lines = [f"{file['name']} {file['sha256']}\n" for file in answer["files"]]
    lines += [f"{name} {digest}\n" for name, digest in sorted(answer["programs"].items())]
    lines.append(f"ck {answer['ck_version']}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _device(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The first OpenCL device that the probe found, which is the one that CK takes."""
    for platform in facts.get("opencl_platforms", []):
        for device in platform["devices"]:
            return dict(device)
    return {}
