"""The runner on a board, seen from here: started, followed, stopped.

It is detached: if this process or the link dies it goes on, and the next run of the workflow
finds it and follows again.  A sweep's runner and Collective Knowledge's keep to the same commands.
"""

from __future__ import annotations

import json
import posixpath
import time
from collections.abc import Callable
from typing import Any

from nntest.config.board import Board
from nntest.errors import UserError
from nntest.measuring.onboard import call, deploy
from nntest.measuring.progress import ProgressLine
from nntest.measuring.transport import Transport
from nntest.who import who

POLL_S = 0.5
STALLED_AFTER_S = 10.0
"""After this long without a sign of life the runner is asked whether it still runs."""
STOP_TIMEOUT_S = 30.0
RESTARTS = 3
"""Starts of a runner that ends without a last word: its board was rebooted, or it was killed."""


class NothingToPull(UserError):
    """The sweep did not come to measuring, or goes on without us."""


def absolute_root(transport: Transport, board: Board) -> str:
    """The board's work folder as an absolute path: the runner's programs run elsewhere."""
    deploy(transport, board)
    done = transport.run(
        ["sh", "-c", 'cd "$1" && pwd -P', "sh", board.work_dir], timeout_s=60
    ).check(f"board {board.name}: work folder {board.work_dir}")
    return done.stdout.strip()


def runner_of(board: Board) -> str:
    """The on-board script that measures on a board."""
    return {"native": "runner.py", "ck": "ck_runner.py"}[board.harness]


class Runner:
    """The on-board runner of one plan, seen from here."""

    def __init__(
        self,
        transport: Transport,
        board: Board,
        folder: str,
        plan: dict[str, Any],
        say: ProgressLine,
    ) -> None:
        self._transport = transport
        self._board = board
        self._folder = folder
        self._plan = plan
        self._say = say
        self._told: set[str] = set()

    def _call(self, command: str, *arguments: str, folder: str = "") -> dict[str, Any]:
        """A command of the on-board runner, on this sweep's folder or another's."""
        script = runner_of(self._board)
        return call(
            self._transport, self._board, script, command, folder or self._folder, *arguments
        )

    def measure(self, on_busy_board: str, abandoned: Callable[[], bool]) -> dict[str, Any]:
        """Have everything measured; the last status.  Starts a runner that was killed again."""
        name = self._board.name
        for _ in range(RESTARTS):
            self.start(on_busy_board)
            status = self.follow(abandoned)
            if status["state"] != "died":
                break
            self._say.note(f"{status['message']}: starting it again")
        if status["state"] == "stopped":
            raise UserError(f"board {name}: the sweep was stopped from elsewhere")
        if status["state"] != "done":
            raise UserError(f"board {name}: the sweep stopped: {status['message']}")
        return status

    def start(self, on_busy_board: str) -> None:
        """Start the runner, or find it at work on this very plan; wait for a busy board."""
        owner = {**who(), "study": self._plan["study"]}
        told = False
        while True:
            status = self._call("status")
            if status["running"] and status.get("plan_id") == self._plan["plan_id"]:
                self._say.note("found the board measuring this sweep already: following it")
                return
            if status["running"]:
                self._say.note("stopping the runner of an older plan of this study")
                self.stop()
            content = json.dumps(self._plan, sort_keys=True).encode()
            self._transport.write(posixpath.join(self._folder, "plan.json"), content)
            answer = self._call("start", "--owner", json.dumps(owner))
            if answer["state"] == "started":
                return
            holder = answer["owner"]
            holder_name = (
                f"{holder.get('user', 'somebody')} at {holder.get('host', 'an unknown host')} "
                f"(study {holder.get('study', 'unknown')}, since {holder.get('since', '?')})"
            )
            if on_busy_board == "take-over" and holder.get("folder"):
                self._say.note(f"taking the board over from {holder_name}: its journal stays")
                self.stop(holder["folder"])
                continue
            if on_busy_board == "fail":
                raise NothingToPull(
                    f"board {self._board.name} is measuring for {holder_name}",
                    "wait for it to end, or set on_busy_board: wait",
                )
            if not told:
                self._say.note(f"waiting: the board is measuring for {holder_name}")
                told = True
            time.sleep(2.0)

    def follow(self, abandoned: Callable[[], bool]) -> dict[str, Any]:
        """Show progress until the runner has ended; its last status."""
        last_change = time.monotonic()
        previous = ""
        while True:
            raw = self._transport.read(posixpath.join(self._folder, "status.json")) or b"{}"
            status = _json_object(raw)
            ours = status.get("plan_id") == self._plan["plan_id"]
            if ours and status["state"] in ("done", "stopped", "failed"):
                return status
            if abandoned():
                raise NothingToPull(
                    "the workflow that wanted this sweep is gone; the board goes on measuring",
                    "run the same command again: it follows the sweep to its end",
                )
            if ours and status["state"] == "running":
                self._tell_notes(status.get("notes", []))
                self._say.progress(status)
            now = time.monotonic()
            if raw.decode("utf-8", "replace") != previous:
                previous, last_change = raw.decode("utf-8", "replace"), now
            elif now - last_change > STALLED_AFTER_S:
                if not self._call("status")["running"]:
                    return self._died(status)
                last_change = now
            time.sleep(POLL_S)

    def _tell_notes(self, notes: list[str]) -> None:
        """Say once what could not be set on the board; the rows are marked with it."""
        for note in notes:
            if note not in self._told:
                self._told.add(note)
                self._say.note(f"warning: {note}; the rows are marked")

    def _died(self, status: dict[str, Any]) -> dict[str, Any]:
        """The status of a runner that ended without a last word (killed, or its board rebooted).

        State 'died' unless its log says why it ended.
        """
        raw = self._transport.read(posixpath.join(self._folder, "status.json")) or b"{}"
        latest = _json_object(raw)
        if latest.get("state") in ("done", "stopped", "failed"):
            return latest
        log = self._transport.read(posixpath.join(self._folder, "runner.log")) or b""
        tail = log.decode("utf-8", "replace").strip().splitlines()[-1:]
        if tail:
            return {**status, "state": "failed", "message": tail[0]}
        return {**status, "state": "died", "message": "the runner on the board was ended"}

    def stop(self, folder: str = "") -> None:
        """Ask the runner (of another's folder) to stop and wait until it has."""
        self._call("stop", folder=folder)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while self._call("status", folder=folder)["running"]:
            if time.monotonic() > deadline:
                raise UserError(f"board {self._board.name}: the runner does not stop")
            time.sleep(0.2)


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        content = json.loads(raw)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
