"""pip: inference libraries that come as Python wheels, each behind an adapter of ours."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping
from glob import escape
from pathlib import Path
from typing import Any

from nntest.codehash import ONBOARD, PROJECT, closure, module_file, source_hash
from nntest.config.board import Board
from nntest.config.install import PipInstall
from nntest.errors import UserError
from nntest.measuring.installed import Installed
from nntest.measuring.libraries.base import cpu_device
from nntest.measuring.libraries.framework import Framework
from nntest.measuring.onboard import call
from nntest.measuring.transport import Transport
from nntest.measuring.wheels import WHEELS, Target, fetch_wheels

INSTALLER = "pip_install.py"
INSTALL_TIMEOUT_S = 3600.0
"""Unpacking a hundred MB of wheels takes a small board minutes, an emulated one more."""
MODULES = {
    "onnxruntime": "onnxruntime",
    "litert": "ai_edge_litert.interpreter",
    "openvino": "openvino",
    "ncnn": "ncnn",
    "tvm": "tvm",
}
"""What an adapter imports, to see that it can be."""


class PipLibrary(Framework):
    """Needs Python with `venv` on the board; the wheels come from this machine."""

    def install(self, transport: Transport, board: Board, facts: Mapping[str, Any]) -> Installed:
        """Fetch the wheels for the board, send them, install them in an environment of their own.

        Raises `UserError` where no wheel fits the board, and where the library cannot be imported
        there.
        """
        where = f"board {board.name}, library {self.library.name}"
        target = Target.of(facts)
        name = f"{self._name()}-{target.tag}-{target.machine}"
        folder = PROJECT / WHEELS / name
        self.watcher.note(f"fetching wheels for {target}")
        fetch_wheels(self._install.lock, target, folder, where)
        there = posixpath.join(board.work_dir, "wheels", name)
        if transport.read(posixpath.join(there, "requirements.txt")) is None:
            self.watcher.note("sending them to the board")
            transport.put(folder, there)
        self.watcher.note("installing them there")
        answer = call(
            transport, board, INSTALLER, self._environment(board.work_dir), there,
            MODULES[self.adapter], timeout_s=INSTALL_TIMEOUT_S,
        )  # fmt: skip
        if "problem" in answer:
            raise UserError(f"{where}: {answer['problem']}", answer.get("hint"))
        return Installed(
            library=self.library.name,
            version=self.library.version,
            tag=f"{self.library.name}-{self.library.version}",
            checksum=self._checksum(),
            device=cpu_device(facts),
            details={**answer, "wheels": str(target)},
        )

    def is_current(self, installed: Installed) -> bool:
        """See `LibraryKind.is_current`."""
        return installed.checksum == self._checksum()

    def python(self, board: Board, programs: str) -> str:
        """See `Framework.python`: the environment's."""
        root = posixpath.dirname(posixpath.dirname(programs))
        return posixpath.join(self._environment(root), "venv", "bin", "python")

    def files(self, programs: str, installed: Installed) -> list[str]:
        """See `LibraryKind.files`; each package's record has the checksums of its files."""
        root = posixpath.dirname(posixpath.dirname(programs))
        packages = "venv/lib/python*/site-packages/*.dist-info/RECORD"
        return [posixpath.join(escape(self._environment(root)), packages)]

    @classmethod
    def installer_sources(cls) -> list[Path]:
        """See `LibraryKind.installer_sources`."""
        return [
            *super().installer_sources(),
            module_file("nntest.config.wheel_lock"),
            module_file("nntest.measuring.wheels"),
            *closure(ONBOARD / INSTALLER),
        ]

    @property
    def adapter(self) -> str:
        """See `Framework.adapter`."""
        assert self.library.adapter is not None  # the config checks it
        return self.library.adapter

    @property
    def _install(self) -> PipInstall:
        assert isinstance(self.library.install, PipInstall)  # the config checks it
        return self.library.install

    def _name(self) -> str:
        """Of exactly these wheels: libraries that differ in their data type alone share them."""
        return f"{Path(self._install.lock).stem}-{self._install.sha256()[:12]}"

    def _environment(self, root: str) -> str:
        """Folder of the virtual environment; `root` is the board's work folder."""
        return posixpath.join(root, "pip", self._name())

    def _checksum(self) -> str:
        """SHA-256 over the wheels' lock and the programs."""
        parts = [self._install.sha256(), source_hash(self.sources())]
        return hashlib.sha256("".join(parts).encode()).hexdigest()
