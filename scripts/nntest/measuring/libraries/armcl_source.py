"""Arm Compute Library from its sources: fetched and prepared here, built by scons on the board.

The build is detached: if this process or the link dies it goes on, and the next call finds it at
work and follows.  If the build itself is killed, the next one takes from its cache what had been
compiled.
"""

from __future__ import annotations

import json
import posixpath
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nntest.config.board import Board
from nntest.config.install import SourceInstall
from nntest.errors import UserError
from nntest.measuring.installed import Following
from nntest.measuring.libraries import armcl_scons as scons
from nntest.measuring.libraries.armcl_board import TIMEOUT_S, Place, free_mb, jobs, need_room
from nntest.measuring.libraries.fetch import fetch_archive, fetch_git, unpack
from nntest.measuring.onboard import call
from nntest.measuring.transport import PersistentTransport, Transport, TransportError
from nntest.who import who

SCRIPT = "armcl/build_library.py"
SOURCE_RECORD = "nntest-source.json"
RECORD = "installed.json"

POLL_S = 1.0
STALLED_AFTER_S = 10.0
"""After this long without a sign of life the board is asked whether the build still runs."""
STARTS = 3
"""Starts of a build that ends without a last word: its board was rebooted, or it was killed."""
STOP_TIMEOUT_S = 60.0
ROOM_MB = 500
"""Sources (30 MB), objects twice (the cache's), libraries; 18.05 for OpenCL alone takes 80."""


def build_from_source(
    transport: Transport,
    board: Board,
    way: SourceInstall,
    version: str,
    facts: Mapping[str, Any],
    place: Place,
    following: Following,
) -> dict[str, Any]:
    """Have the library built unless it is there; the record of how it was.

    Raises `UserError`: sources that cannot be had, missing tools, a full disk, a failed build.
    """
    raw = transport.read(posixpath.join(place.library, RECORD))
    if raw is not None:
        return dict(json.loads(raw))

    def lost(error: TransportError) -> None:
        following.note(f"{error.message}; the board goes on building, connecting again")

    link = PersistentTransport(transport, board.patience_s, lost)
    build = _Build(link, board, way, version, facts, place, following)
    try:
        return build.run()
    except KeyboardInterrupt:
        build.stop()
        following.note("stopped: what is compiled stays on the board and is used by the next run")
        raise


class _Build:
    """The build on the board, seen from here."""

    def __init__(
        self,
        transport: Transport,
        board: Board,
        way: SourceInstall,
        version: str,
        facts: Mapping[str, Any],
        place: Place,
        following: Following,
    ) -> None:
        self._transport = transport
        self._board = board
        self._way = way
        self._version = version
        self._facts = facts
        self._place = place
        self._where = place.where
        self._following = following

    def _status(self) -> dict[str, Any]:
        return call(self._transport, self._board, SCRIPT, "status", self._place.build)

    def _read(self, name: str) -> dict[str, Any]:
        try:
            content = json.loads(
                self._transport.read(posixpath.join(self._place.build, name)) or b"{}"
            )
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}

    def run(self) -> dict[str, Any]:
        """Build, starting a build that was killed again; the record that it leaves."""
        status: dict[str, Any] = {}
        for _ in range(STARTS):
            if self._status()["running"]:
                self._following.note("found the board building it already: following it")
            else:
                self._start()
            status = self._follow()
            if status["state"] != "died":
                break
            self._following.note("the build on the board was ended: starting it again")
        raw = self._transport.read(posixpath.join(self._place.library, RECORD))
        if status["state"] == "done" and raw is not None:
            self._following.note(f"built in {status['elapsed_s']:.0f} s")
            return dict(json.loads(raw))
        message = status.get("message") or "it was ended from elsewhere, again and again"
        raise UserError(
            f"{self._where}: the build {status['state']}: {message}",
            f"the whole log is on the board: {posixpath.join(self._place.build, 'build.log')}; "
            "what is compiled is kept, and the same command goes on from there",
        )

    # -- starting --------------------------------------------------------------------------

    def _start(self) -> None:
        tools = call(
            self._transport,
            self._board,
            SCRIPT,
            "tools",
            json.dumps({"compiler": self._way.compiler}),
        )
        self._check_tools(tools)
        self._transport.run(["mkdir", "-p", self._place.build], timeout_s=TIMEOUT_S).check(
            self._where
        )
        source = self._read(posixpath.join("source", SOURCE_RECORD))
        if not source:
            need_room(self._transport, self._place.build, ROOM_MB, self._where)
            source = self._send_source(tools["scons"])
        request = self._request(source)
        content = json.dumps(request, sort_keys=True).encode()
        self._transport.write(posixpath.join(self._place.build, "request.json"), content)
        call(self._transport, self._board, SCRIPT, "start", self._place.build)

    def _check_tools(self, tools: Mapping[str, Any]) -> None:
        missing = [] if tools["scons"] else ["scons"]
        missing += [] if tools["compiler"] else [self._way.compiler]
        if missing:
            raise UserError(
                f"{self._where}: there is no {' and no '.join(missing)} on the board, and the "
                "library is built there",
                f"on the board: sudo apt-get install {' '.join(missing)}",
            )

    def _send_source(self, offered: list[dict[str, Any]]) -> dict[str, Any]:
        """Fetch the sources here, make them fit for the board's scons, put them there."""
        way, where = self._way, self._where
        with tempfile.TemporaryDirectory(prefix="nntest-armcl-") as scratch:
            tree = Path(scratch) / "source"
            if way.git is not None:
                self._following.note(f"fetching {way.tag or way.commit} of {way.git}")
                revision: str | None = fetch_git(
                    way.git, way.tag, way.commit, tree, scons.LEFT_OUT, where
                )
            else:
                assert way.archive is not None
                assert way.sha256 is not None
                archive = fetch_archive(
                    way.archive, way.sha256, Path(scratch), where, self._following.note
                )
                revision = unpack(archive, tree, where, scons.LEFT_OUT)
            scons.check_tree(tree, way, self._version, where)
            chosen = self._choose_scons(tree, offered)
            edits = scons.adapt(tree, int(chosen["python"].split(".")[0]), revision)
            arch = scons.architecture(way, str(self._facts["machine"]), where)
            record = {
                **scons.record(way, arch, revision),
                "scons": chosen,
                "edits": edits,
                "targets": scons.targets(way, arch),
            }
            (tree / SOURCE_RECORD).write_text(json.dumps(record), encoding="utf-8")
            self._following.note("sending the sources to the board")
            self._transport.put(tree, posixpath.join(self._place.build, "source"))
        return record

    @staticmethod
    def _choose_scons(tree: Path, offered: list[dict[str, Any]]) -> dict[str, Any]:
        """The board's own scons; for files written for Python 2, one that runs on it, if any."""
        if scons.wants_python2(tree):
            for entry in offered:
                if entry["python"].startswith("2."):
                    return entry
        return offered[0]

    def _request(self, source: Mapping[str, Any]) -> dict[str, Any]:
        record = {key: value for key, value in source.items() if key != "targets"}
        return {
            "key": self._place.key,
            "scons": source["scons"]["command"],
            "words": source["scons_words"],
            "targets": source["targets"],
            "jobs": self._way.jobs or jobs(self._facts),
            "environment": {"CXX": self._way.compiler},
            "lock_file": self._board.lock_file,
            "owner": {**who(), "study": f"a build of ArmCL {self._version}"},
            "install": self._place.library,
            "headers": list(scons.HEADERS),
            "kernels": not self._way.embed_kernels,
            "record": record,
        }

    # -- following -------------------------------------------------------------------------

    def _follow(self) -> dict[str, Any]:
        """Show how far the build is until it has ended; its last status ('died': without one)."""
        last_change = time.monotonic()
        previous: dict[str, Any] = {}
        while True:
            status = self._read("status.json")
            if status.get("state") in ("done", "failed", "stopped"):
                return status
            self._following.refuse_if_abandoned(
                "the board goes on building", "it follows the build to its end"
            )
            self._tell(status)
            now = time.monotonic()
            if status != previous:
                previous, last_change = status, now
            elif now - last_change > STALLED_AFTER_S:
                if not self._status()["running"]:
                    latest = self._read("status.json")
                    ended = latest.get("state") in ("done", "failed", "stopped")
                    return latest if ended else self._died()
                last_change = now
            time.sleep(POLL_S)

    def _died(self) -> dict[str, Any]:
        """The status of a build without a last word: its own output, or the disk, may say why."""
        if free_mb(self._transport, self._place.build, self._where) < 1:
            return {"state": "failed", "message": "the board's disk is full"}
        raw = self._transport.read(posixpath.join(self._place.build, "runner.log")) or b""
        said = raw.decode("utf-8", "replace").strip().splitlines()[-1:]
        return {"state": "failed", "message": said[0]} if said else {"state": "died"}

    def _tell(self, status: Mapping[str, Any]) -> None:
        state = status.get("state")
        if state == "building":
            self._following.progress(
                status["done"], status["total"], "objects", status.get("seconds_left")
            )
        elif state == "waiting":
            owner = status.get("owner") or {}
            holder = f"{owner.get('user', 'somebody')} at {owner.get('host', 'an unknown host')}"
            self._following.note_once(f"waiting: the board is measuring for {holder}")
        elif state == "counting":
            self._following.note_once("scons is finding out what there is to compile")

    def stop(self) -> None:
        """Ask the build to stop and wait until it has."""
        call(self._transport, self._board, SCRIPT, "stop", self._place.build)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while self._status()["running"]:
            if time.monotonic() > deadline:
                raise UserError(f"{self._where}: the build does not stop")
            time.sleep(0.5)
