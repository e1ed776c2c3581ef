"""Arm Compute Library from its sources: fetched and prepared here, built by scons.

scons runs on the board, or here for it (armcl_cross).  The build is a detached job either way.  If
it is killed, the next one takes from its cache what had been compiled.
"""

from __future__ import annotations

import json
import posixpath
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onboard.job_names import DONE, RESULT_FILE

from nntest.config.board import Board
from nntest.config.install import SourceInstall
from nntest.errors import UserError
from nntest.measuring.detached import DetachedJob
from nntest.measuring.libraries import armcl_scons as scons
from nntest.measuring.libraries.armcl_board import TIMEOUT_S, Place, need_room
from nntest.measuring.libraries.cross_compilers import PREFIXES, is_cross, package_of
from nntest.measuring.libraries.fetch import fetch_archive, fetch_git, unpack
from nntest.measuring.onboard import call
from nntest.measuring.progress import Watcher
from nntest.measuring.transport import Transport

SCRIPT = "armcl/build_library.py"
SOURCE_RECORD = "nntest-source.json"

ROOM_MB = 500
"""Sources (30 MB), objects twice (the cache's), libraries; 18.05 for OpenCL alone takes 80."""


def read_record(transport: Transport, place: Place) -> dict[str, Any] | None:
    """How the library at a place was built; None while it is not there."""
    raw = transport.read(posixpath.join(place.library, RESULT_FILE))
    return None if raw is None else dict(json.loads(raw))


@dataclass(frozen=True)
class Recipe:
    """What is built, for what, by which compiler."""

    way: SourceInstall
    version: str
    arch: str
    """scons' word for what it is for."""
    compiler: str

    @property
    def cross(self) -> bool:
        """Whether scons runs on another machine than the one that it builds for."""
        return self.way.where == "here" and is_cross(self.arch)


@dataclass(frozen=True)
class SourceBuild:
    """A build on the machine that a transport leads to."""

    transport: Transport
    board: Board
    recipe: Recipe
    jobs: int
    place: Place
    """On that machine."""
    watcher: Watcher

    def run(self) -> dict[str, Any]:
        """Have the library built unless it is there; the record of how it was.

        Raises `UserError`: sources that cannot be had, missing tools, a full disk, a failed build.
        """
        if (record := read_record(self.transport, self.place)) is not None:
            return record
        job = DetachedJob(
            self.transport,
            self.board,
            self.watcher,
            script=SCRIPT,
            folder=self.place.build,
            plan_id=self.place.key,
            study=f"a build of ArmCL {self.recipe.version}",
        )
        kept = f"what is compiled stays {self._on} and is used by the next run"
        status = job.run(self._plan, kept)
        record = read_record(self.transport, self.place)
        if status["state"] == DONE and record is not None:
            self.watcher.note(f"built in {status['elapsed_s']:.0f} s")
            return record
        message = status["message"] or "from elsewhere"
        raise UserError(
            f"{self.place.where}: the build {status['state']}: {message}",
            f"the whole log is {self._on}: {posixpath.join(self.place.build, 'build.log')}; "
            "what is compiled is kept, and the same command continues from there",
        )

    @property
    def _on(self) -> str:
        return "on this machine" if self.recipe.way.where == "here" else "on the board"

    def _plan(self) -> dict[str, Any]:
        """Send the sources unless they are there; what the build is to do."""
        folder, where = self.place.build, self.place.where
        wanted = json.dumps({"compiler": self.recipe.compiler})
        tools = call(self.transport, self.board, SCRIPT, "tools", wanted)
        self._check_tools(tools)
        self.transport.run(["mkdir", "-p", folder], timeout_s=TIMEOUT_S).check(where)
        raw = self.transport.read(posixpath.join(folder, "source", SOURCE_RECORD))
        if raw is None:
            need_room(self.transport, folder, ROOM_MB, where)
            source = self._send_source(tools["scons"])
        else:
            source = json.loads(raw)
        return {
            "plan_id": self.place.key,
            "scons": source["scons"]["command"],
            "words": source["scons_words"],
            "targets": source["targets"],
            "jobs": self.recipe.way.jobs or self.jobs,
            "compiler": self.recipe.compiler,
            "environment": {"CXX": self._compiler_for_scons()},
            "lock_file": self.board.lock_file,
            "install": self.place.library,
            "headers": list(scons.HEADERS),
            "kernels": not self.recipe.way.embed_kernels,
            "record": {key: value for key, value in source.items() if key != "targets"},
        }

    def _compiler_for_scons(self) -> str:
        """The call of the compiler, without what ArmCL's scons files put before it."""
        name = self.recipe.compiler
        if self.recipe.cross:
            prefix = PREFIXES[self.recipe.arch]
            if not name.startswith(prefix):
                raise UserError(
                    f"{self.place.where}: install: compiler: {name}: Arm Compute Library's scons "
                    f"files for {self.recipe.arch} call {prefix}… and nothing else",
                    f"name one that begins with {prefix}, found by PATH",
                )
            name = name.removeprefix(prefix)
        return name

    def _check_tools(self, tools: dict[str, Any]) -> None:
        missing = [] if tools["scons"] else ["scons"]
        missing += [] if tools["compiler"] else [self.recipe.compiler]
        if missing:
            packages = " ".join(package_of(name) for name in missing)
            raise UserError(
                f"{self.place.where}: there is no {' and no '.join(missing)} {self._on}, and the "
                "library is built there",
                f"{self._on}: sudo apt-get install {packages}",
            )

    def _send_source(self, offered: list[dict[str, Any]]) -> dict[str, Any]:
        """Fetch the sources here, make them fit for scons there, put them there."""
        recipe, way, where = self.recipe, self.recipe.way, self.place.where
        with tempfile.TemporaryDirectory(prefix="nntest-armcl-") as scratch:
            tree = Path(scratch) / "source"
            if way.git is not None:
                self.watcher.note(f"fetching {way.tag or way.commit} of {way.git}")
                revision: str | None = fetch_git(
                    way.git, way.tag, way.commit, tree, scons.LEFT_OUT, where
                )
            else:
                assert way.archive is not None
                assert way.sha256 is not None
                archive = fetch_archive(
                    way.archive, way.sha256, Path(scratch), where, self.watcher.note
                )
                revision = unpack(archive, tree, where, scons.LEFT_OUT)
            scons.check_tree(tree, way, recipe.version, where)
            chosen = self._choose_scons(tree, offered)
            edits = scons.adapt(tree, int(chosen["python"].split(".")[0]), revision)
            record = {
                **scons.record(way, recipe.arch, recipe.cross, revision),
                "scons": chosen,
                "edits": edits,
                "targets": scons.targets(way, recipe.arch),
            }
            (tree / SOURCE_RECORD).write_text(json.dumps(record), encoding="utf-8")
            if way.where == "board":
                self.watcher.note("sending the sources to the board")
            self.transport.put(tree, posixpath.join(self.place.build, "source"))
        return record

    @staticmethod
    def _choose_scons(tree: Path, offered: list[dict[str, Any]]) -> dict[str, Any]:
        """The machine's own scons; for files written for Python 2, one that runs on it, if any."""
        if scons.wants_python2(tree):
            for entry in offered:
                if entry["python"].startswith("2."):
                    return entry
        return offered[0]
