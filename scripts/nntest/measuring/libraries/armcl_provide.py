"""Puts a version of Arm Compute Library on a board in the way that its file names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nntest.config.board import Board
from nntest.config.install import (
    AptInstall,
    Preinstalled,
    ReleaseInstall,
    SourceInstall,
)
from nntest.config.library import Library
from nntest.errors import UserError
from nntest.measuring.detached import patient
from nntest.measuring.libraries import armcl_scons
from nntest.measuring.libraries.armcl_board import Place, jobs
from nntest.measuring.libraries.armcl_cross import build_here
from nntest.measuring.libraries.armcl_release import install_release
from nntest.measuring.libraries.armcl_source import Recipe, SourceBuild, read_record
from nntest.measuring.libraries.cross_compilers import compiler_for
from nntest.measuring.onboard import absolute_root
from nntest.measuring.progress import Watcher
from nntest.measuring.transport import Transport


@dataclass(frozen=True)
class Provision:
    """A version for one board."""

    transport: Transport
    board: Board
    library: Library
    facts: Mapping[str, Any]
    where: str
    """Board and library, for messages."""
    watcher: Watcher

    def provide(self) -> tuple[str | None, dict[str, Any]]:
        """Build or unpack what is missing; (prefix on the board, its record).

        Packages are looked for first (`apt`), so nothing is done about them here.
        """
        way = self.library.install
        if isinstance(way, Preinstalled):
            return way.prefix, {}
        if isinstance(way, AptInstall):
            return None, {}
        if isinstance(way, ReleaseInstall):
            backend = self.library.kind.removeprefix("armcl-")
            place, facts, watcher = self._place, self.facts, self.watcher
            record = install_release(self.transport, way, backend, facts, place, watcher)
            return place.library, record
        assert isinstance(way, SourceInstall)  # the config refuses the others
        return self._from_source(way)

    def _from_source(self, way: SourceInstall) -> tuple[str, dict[str, Any]]:
        place, recipe = self._place, _recipe(self.library, way, self.facts, self.where)
        link = patient(self.transport, self.board, self.watcher)
        if way.where == "board":
            build = SourceBuild(link, self.board, recipe, jobs(self.facts), place, self.watcher)
            return place.library, build.run()
        record = read_record(link, place)
        if record is None:
            record, _ = build_here(link, self.board, recipe, place, self.watcher)
        return place.library, record

    def copy_here(self) -> Path:
        """Where a library that was built here lies here; built again if it was removed."""
        way = self.library.install
        assert isinstance(way, SourceInstall)  # the config asks for a sysroot otherwise
        recipe = _recipe(self.library, way, self.facts, self.where)
        _, folder = build_here(self.transport, self.board, recipe, self._place, self.watcher)
        return folder

    @property
    def _place(self) -> Place:
        key = key_of(self.library, self.facts, self.where)
        return Place(self.where, absolute_root(self.transport, self.board), key)


def _recipe(library: Library, way: SourceInstall, facts: Mapping[str, Any], where: str) -> Recipe:
    arch = armcl_scons.architecture(way, str(facts["machine"]), where)
    default = compiler_for(arch, where) if way.where == "here" else "g++"
    return Recipe(way, library.version, arch, way.compiler or default)


def key_of(library: Library, facts: Mapping[str, Any], where: str) -> str:
    """Names what is put on a board: kinds and files that install the same share it.

    Raises `UserError` for a machine that the library, or its NEON part, is not made for.
    """
    way, backend = library.install, library.kind.removeprefix("armcl-")
    if isinstance(way, SourceInstall):
        recipe = _recipe(library, way, facts, where)
        neon = armcl_scons.has_neon(way, recipe.arch)
        if backend == "neon" and not neon:
            raise UserError(
                f"{where}: Arm Compute Library has no NEON for {recipe.arch}",
                "use kind armcl-opencl on this board",
            )
        # Where an archive is fetched from says nothing about it; its checksum does.
        content = way.model_dump(exclude={"jobs", "archive"})
        parts = {**content, "compiler": recipe.compiler, "arch": recipe.arch, "neon": neon}
    else:
        assert isinstance(way, ReleaseInstall)
        parts = {**way.model_dump(exclude={"archive"}), "machine": str(facts["machine"])}
        parts |= {"backend": backend} if way.folder is None else {}
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return f"{library.version}-{digest[:12]}"
