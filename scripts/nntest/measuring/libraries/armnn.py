"""armnn: Arm NN from a distribution's packages, through PyArmNN."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from glob import escape
from pathlib import Path
from typing import Any

from nntest.codehash import ONBOARD, closure, module_file, source_hash
from nntest.config.board import Board
from nntest.config.install import AptInstall
from nntest.errors import UserError
from nntest.measuring.installed import Installed
from nntest.measuring.libraries.apt import install_packages
from nntest.measuring.libraries.base import cpu_device
from nntest.measuring.libraries.framework import Framework
from nntest.measuring.onboard import call, python_of
from nntest.measuring.transport import Transport

FINDER = "armcl/find_armnn.py"


class ArmNN(Framework):
    """Needs PyArmNN in the board's own Python, and packages with Arm NN's backends."""

    adapter = "armnn"

    def install(self, transport: Transport, board: Board, facts: Mapping[str, Any]) -> Installed:
        """Install the packages that are missing, and see what PyArmNN is and has."""
        where = f"board {board.name}, library {self.library.name}"
        found = self._find(transport, board)
        lacking = [name for name, state in found["packages"].items() if state != "ii"]
        if lacking:
            self.watcher.note(f"installing {' '.join(lacking)}")
            install_packages(transport, lacking, found["tools"], found["is_root"], where)
            found = self._find(transport, board)
        if found["problem"]:
            raise UserError(
                f"{where}: {python_of(board)} cannot import pyarmnn: {found['problem']}",
                "PyArmNN's package is for the distribution's own Python: leave `python` out of "
                "the board's file, or install python3-pyarmnn for it",
            )
        self._check_version(found, where)
        return Installed(
            library=self.library.name,
            version=self.library.version,
            tag=f"{self.library.name}-{self.library.version}",
            checksum=self._checksum(found["files"]),
            device=cpu_device(facts),
            details={
                "library_files": found["files"],
                "packages": found["packages"],
                "backends": found["backends"],
                "sources": source_hash(self.sources()),
            },
        )

    def is_current(self, installed: Installed) -> bool:
        """See `LibraryKind.is_current`; whether the board's own library changed is not asked."""
        return installed.details.get("sources") == source_hash(self.sources())

    def _find(self, transport: Transport, board: Board) -> dict[str, Any]:
        way = self.library.install
        packages = way.packages if isinstance(way, AptInstall) else []
        return call(transport, board, FINDER, json.dumps(packages))

    def _check_version(self, found: Mapping[str, Any], where: str) -> None:
        """`UserError` for another version than the library's file says.

        Arm NN numbers its library otherwise than its releases: the package says which it is.
        """
        said = str(found["package_version"] or "")
        release = re.match(r"\d\d\.\d\d(?:\.\d+)?", said)
        if release is not None and release[0] != self.library.version:
            raise UserError(
                f"{where}: the board has version {release[0]}, the library's file says "
                f"{self.library.version}",
                f"set version: '{release[0]}' in the library's file, or install the other",
            )

    def python(self, board: Board, programs: str) -> str:
        """See `Framework.python`."""
        return python_of(board)

    def files(self, programs: str, installed: Installed) -> list[str]:
        """See `LibraryKind.files`."""
        return [escape(str(file["path"])) for file in installed.details["library_files"]]

    @classmethod
    def installer_sources(cls) -> list[Path]:
        """See `LibraryKind.installer_sources`."""
        return [
            *super().installer_sources(),
            *(module_file(f"nntest.measuring.libraries.{part}") for part in ("apt", "armcl_board")),
            *closure(ONBOARD / FINDER),
        ]

    def _checksum(self, files: list[dict[str, str]]) -> str:
        """SHA-256 over the library's binaries and the programs."""
        parts = [source_hash(self.sources()), *(file["sha256"] for file in files)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
