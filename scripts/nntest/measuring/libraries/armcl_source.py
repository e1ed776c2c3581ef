"""Arm Compute Library from its sources: fetched and prepared here, built by scons on the board.

The build is a detached job.  If it is killed, the next one takes from its cache what had been
compiled.
"""

from __future__ import annotations

import json
import posixpath
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onboard.job_names import DONE, RESULT_FILE

from nntest.config.board import Board
from nntest.config.install import SourceInstall
from nntest.errors import UserError
from nntest.measuring.detached import DetachedJob, patient
from nntest.measuring.libraries import armcl_scons as scons
from nntest.measuring.libraries.armcl_board import TIMEOUT_S, Place, jobs, need_room
from nntest.measuring.libraries.fetch import fetch_archive, fetch_git, unpack
from nntest.measuring.onboard import call
from nntest.measuring.progress import Watcher
from nntest.measuring.transport import Transport

SCRIPT = "armcl/build_library.py"
SOURCE_RECORD = "nntest-source.json"

ROOM_MB = 500
"""Sources (30 MB), objects twice (the cache's), libraries; 18.05 for OpenCL alone takes 80."""


def build_from_source(
    transport: Transport,
    board: Board,
    way: SourceInstall,
    version: str,
    facts: Mapping[str, Any],
    place: Place,
    watcher: Watcher,
) -> dict[str, Any]:
    """Have the library built unless it is there; the record of how it was.

    Raises `UserError`: sources that cannot be had, missing tools, a full disk, a failed build.
    """
    link = patient(transport, board, watcher)
    record = posixpath.join(place.library, RESULT_FILE)
    if (raw := link.read(record)) is not None:
        return dict(json.loads(raw))
    job = DetachedJob(
        link,
        board,
        watcher,
        script=SCRIPT,
        folder=place.build,
        plan_id=place.key,
        study=f"a build of ArmCL {version}",
    )
    make_plan = _Preparation(link, board, way, version, facts, place, watcher).plan
    status = job.run(make_plan, "what is compiled stays on the board and is used by the next run")
    raw = link.read(record)
    if status["state"] == DONE and raw is not None:
        watcher.note(f"built in {status['elapsed_s']:.0f} s")
        return dict(json.loads(raw))
    message = status["message"] or "from elsewhere"
    raise UserError(
        f"{place.where}: the build {status['state']}: {message}",
        f"the whole log is on the board: {posixpath.join(place.build, 'build.log')}; "
        "what is compiled is kept, and the same command continues from there",
    )


@dataclass(frozen=True)
class _Preparation:
    """What has to be on the board before the build."""

    transport: Transport
    board: Board
    way: SourceInstall
    version: str
    facts: Mapping[str, Any]
    place: Place
    watcher: Watcher

    def plan(self) -> dict[str, Any]:
        """Send the sources unless they are there; what the build is to do."""
        folder, where = self.place.build, self.place.where
        wanted = json.dumps({"compiler": self.way.compiler})
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
            "jobs": self.way.jobs or jobs(self.facts),
            "environment": {"CXX": self.way.compiler},
            "lock_file": self.board.lock_file,
            "install": self.place.library,
            "headers": list(scons.HEADERS),
            "kernels": not self.way.embed_kernels,
            "record": {key: value for key, value in source.items() if key != "targets"},
        }

    def _check_tools(self, tools: Mapping[str, Any]) -> None:
        missing = [] if tools["scons"] else ["scons"]
        missing += [] if tools["compiler"] else [self.way.compiler]
        if missing:
            raise UserError(
                f"{self.place.where}: there is no {' and no '.join(missing)} on the board, and the "
                "library is built there",
                f"on the board: sudo apt-get install {' '.join(missing)}",
            )

    def _send_source(self, offered: list[dict[str, Any]]) -> dict[str, Any]:
        """Fetch the sources here, make them fit for the board's scons, put them there."""
        way, where = self.way, self.place.where
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
            scons.check_tree(tree, way, self.version, where)
            chosen = self._choose_scons(tree, offered)
            edits = scons.adapt(tree, int(chosen["python"].split(".")[0]), revision)
            arch = scons.architecture(way, str(self.facts["machine"]), where)
            record = {
                **scons.record(way, arch, revision),
                "scons": chosen,
                "edits": edits,
                "targets": scons.targets(way, arch),
            }
            (tree / SOURCE_RECORD).write_text(json.dumps(record), encoding="utf-8")
            self.watcher.note("sending the sources to the board")
            self.transport.put(tree, posixpath.join(self.place.build, "source"))
        return record

    @staticmethod
    def _choose_scons(tree: Path, offered: list[dict[str, Any]]) -> dict[str, Any]:
        """The board's own scons; for files written for Python 2, one that runs on it, if any."""
        if scons.wants_python2(tree):
            for entry in offered:
                if entry["python"].startswith("2."):
                    return entry
        return offered[0]
