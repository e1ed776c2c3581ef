"""opencl-reference: this project's own plain OpenCL operators, run through PyOpenCL."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from glob import escape
from pathlib import Path
from typing import Any

from nntest.codehash import ONBOARD, source_hash
from nntest.config.board import Board
from nntest.errors import UserError
from nntest.measuring.installed import Installed
from nntest.measuring.libraries.base import LibraryKind, python_programs
from nntest.measuring.onboard import deploy, python_of
from nntest.measuring.transport import Transport

FOLDER = ONBOARD / "opencl_reference"


class OpenCLReference(LibraryKind):
    """Needs NumPy and PyOpenCL in the board's Python, and an OpenCL device."""

    def install(self, transport: Transport, board: Board, facts: Mapping[str, Any]) -> Installed:
        """Copy the programs and find the device; nothing is built before the first run."""
        table = self.put_tuner_table(transport, deploy(transport, board))
        device = self._device(board, facts)
        checksum = source_hash(self.sources())
        version = f"{self.library.version}-{checksum[:7]}"
        return Installed(
            library=self.library.name,
            version=version,
            tag=f"{self.library.name}-{version}",
            checksum=checksum,
            device=device,
            details={"python": facts["python"], **({"tuner_table": table} if table else {})},
        )

    def is_current(self, installed: Installed) -> bool:
        """See `LibraryKind.is_current`."""
        return installed.checksum == source_hash(self.sources())

    def _device(self, board: Board, facts: Mapping[str, Any]) -> dict[str, Any]:
        where = f"board {board.name}, library {self.library.name}"
        for package, version in facts["python"]["packages"].items():
            if version is None:
                raise UserError(
                    f"{where}: {package} is missing in {python_of(board)}",
                    "`make env` installs it here; on another board, pip install numpy pyopencl",
                )
        platforms = facts["opencl_platforms"]
        if not platforms:
            raise UserError(
                f"{where}: there is no OpenCL platform on the board "
                f"({facts['opencl_problem'] or 'the loader lists none'})",
                "pip install pocl-binary-distribution runs OpenCL on the CPU; a GPU needs its "
                "vendor's driver with an ICD file in /etc/OpenCL/vendors",
            )
        wanted = (self.library.opencl_platform, self.library.opencl_device)
        try:
            return dict(platforms[wanted[0]]["devices"][wanted[1]])
        except IndexError:
            there = ", ".join(
                f"{i}/{j}: {device['name']}"
                for i, found in enumerate(platforms)
                for j, device in enumerate(found["devices"])
            )
            raise UserError(
                f"{where}: no OpenCL device {wanted[0]}/{wanted[1]} (platform/device)",
                f"set opencl_platform and opencl_device in the library's file; there are {there}",
            ) from None

    def argv(self, board: Board, programs: str, operator: str) -> list[str]:
        """See `LibraryKind.argv`."""
        return [python_of(board), posixpath.join(programs, FOLDER.name, "program.py"), operator]

    def files(self, programs: str, installed: Installed) -> list[str]:
        """See `LibraryKind.files`."""
        return [
            posixpath.join(escape(programs), FOLDER.name, pattern) for pattern in ("*.py", "*/*.cl")
        ]

    def environment(self, tuner_table: str) -> dict[str, str]:
        """See `LibraryKind.environment`."""
        return {
            "CK_COMPUTE_PLATFORM_ID": str(self.library.opencl_platform),
            "CK_COMPUTE_DEVICE_ID": str(self.library.opencl_device),
            "NNTEST_TUNER_MODE": self.library.tuner_mode,
            "NNTEST_TUNER_TABLE": tuner_table,
            "NNTEST_WARMUP": self.library.warmup,
            **self._format_environment(),
        }

    @staticmethod
    def sources() -> list[Path]:
        """See `LibraryKind.sources`."""
        return python_programs(FOLDER)

    def program(self, operator: str) -> str:
        """See `LibraryKind.program`."""
        return self._named(operator, "opencl-reference")
