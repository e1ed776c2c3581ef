"""Puts a version of Arm Compute Library on a board in the way that its file names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
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


def provide(
    transport: Transport,
    board: Board,
    library: Library,
    facts: Mapping[str, Any],
    where: str,
    watcher: Watcher,
) -> tuple[str | None, dict[str, Any]]:
    """Build or unpack what is missing; (prefix on the board, its record).

    Packages are looked for first (armcl_apt), so nothing is done about them here.
    """
    way = library.install
    if isinstance(way, Preinstalled):
        return way.prefix, {}
    if isinstance(way, AptInstall):
        return None, {}
    assert isinstance(way, SourceInstall | ReleaseInstall)  # the config refuses the others
    place = _place(transport, board, library, facts, where)
    if isinstance(way, ReleaseInstall):
        backend = library.kind.removeprefix("armcl-")
        return place.library, install_release(transport, way, backend, facts, place, watcher)
    link = patient(transport, board, watcher)
    record = read_record(link, place)
    if record is None and way.where == "here":
        build_here(link, board, _recipe(library, way, facts, where), place, watcher)
        record = read_record(link, place)
        assert record is not None  # it has just been put there
    elif record is None:
        recipe = _recipe(library, way, facts, where)
        record = SourceBuild(link, board, recipe, jobs(facts), place, watcher).run()
    return place.library, record


def copy_here(
    transport: Transport,
    board: Board,
    library: Library,
    facts: Mapping[str, Any],
    where: str,
    watcher: Watcher,
) -> Path:
    """Where a library that was built here lies here; built again if it was removed."""
    way = library.install
    assert isinstance(way, SourceInstall)  # the config asks for a sysroot otherwise
    place = _place(transport, board, library, facts, where)
    return build_here(transport, board, _recipe(library, way, facts, where), place, watcher)


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


def _place(
    transport: Transport, board: Board, library: Library, facts: Mapping[str, Any], where: str
) -> Place:
    return Place(where, absolute_root(transport, board), key_of(library, facts, where))
