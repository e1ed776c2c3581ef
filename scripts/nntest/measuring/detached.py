"""A detached job on a board, seen from here: started, watched to its end, stopped.

If this process or the link dies the job goes on, and the next run of the workflow finds it and
watches it again.  The other half is scripts/onboard/detached.py.
"""

from __future__ import annotations

import json
import posixpath
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from onboard.job_names import (
    BUSY,
    FAILED,
    FINAL_STATES,
    RUNNING,
    STATUS_FILE,
    STOPPED,
    VANISHED,
    plan_file,
)
from onboard.outcomes import real

from nntest.config.board import Board, LocalConnection
from nntest.errors import UserError
from nntest.measuring.onboard import call
from nntest.measuring.progress import BoardBusy, NotWatched, Watcher
from nntest.measuring.transport import PowerSwitch, RetryingTransport, Transport, TransportError
from nntest.owner import this_workflow

# A look at a local job reads a file; one over SSH runs a command on the board, beside what is
# measured there.
LOCAL_LOOK_EVERY_S = 0.5
LOOK_EVERY_S = 3.0
ASK_EVERY_S = 5.0
"""How often a busy board is asked: this runs Python beside what is measured there."""
QUIET_FOR_S = 10.0
"""After this long without a change of its status the board is asked whether the job runs."""
STOP_TIMEOUT_S = 60.0
STARTS = 3
"""Of a job that is killed, or whose board is rebooted."""


def patient(
    transport: Transport, board: Board, watcher: Watcher, power: PowerSwitch | None = None
) -> RetryingTransport:
    """A transport that connects again after a lost link, and says so.

    power: what switches a board off and on that does not come back; by default the board's own.
    """

    def say(error: TransportError) -> None:
        watcher.note(f"{error.message}; the board continues on its own, reconnecting")

    power = power or PowerSwitch(board, watcher.note)
    return RetryingTransport(transport, board.patience_s, say, power.cycle)


@dataclass(frozen=True)
class DetachedJob:
    """A job in a folder of a board."""

    transport: Transport
    board: Board
    watcher: Watcher
    script: str
    """The on-board script that does it."""
    folder: str
    """Absolute path on the board."""
    plan_id: str
    study: str
    """What it is for: shown to others who want the board."""
    owner: Mapping[str, str] = field(default_factory=this_workflow)
    """Who wants it; only an older job of the same owner is stopped without asking."""

    def run(
        self, make_plan: Callable[[], dict[str, Any]], kept: str, on_busy_board: str = "wait"
    ) -> dict[str, Any]:
        """Have the job done; its last status, whose state is 'done', 'stopped' or 'failed'.

        `make_plan` is called when the job is not running already; `kept` says what of it stays
        if we stop it.  A job that vanishes is started again.
        """
        status: dict[str, Any] = {}
        try:
            for number in range(STARTS):
                if number:
                    self.watcher.note(f"{status['message']}: starting it again")
                self._start(make_plan, on_busy_board)
                status = self._watch()
                if status["state"] != VANISHED:
                    return status
        except KeyboardInterrupt:
            self._stop(self.folder, self.plan_id)
            self.watcher.note(f"stopped: {kept}")
            raise
        return {**status, "state": FAILED}

    def _call(self, command: str, folder: str, *arguments: str) -> dict[str, Any]:
        return call(self.transport, self.board, self.script, command, folder, *arguments)

    def _status(self) -> dict[str, Any]:
        """Of our plan, whatever else has been done in its folder since."""
        return _checked(self._call("status", self.folder, "--plan", self.plan_id))

    def _start(self, make_plan: Callable[[], dict[str, Any]], on_busy_board: str) -> None:
        """Start the job, or find it running this very plan; wait for a busy board."""
        status = self._call("status", self.folder)
        # Who has just begun has not written a status yet.
        running = status["owner"].get("plan_id", status.get("plan_id"))
        if status["running"] and running == self.plan_id:
            self.watcher.note("the job is already running on the board: following it")
            return
        if status["running"] and self._is_own(status["owner"]):
            self.watcher.note("stopping an older plan of this job")
            self._stop(self.folder, running)
        content = json.dumps(make_plan(), sort_keys=True).encode()
        self.transport.write(posixpath.join(self.folder, plan_file(self.plan_id)), content)
        owner = json.dumps({**self.owner, "study": self.study})
        while True:
            answer = self._call("start", self.folder, "--plan", self.plan_id, "--owner", owner)
            if answer["state"] != BUSY:
                return
            holder = answer["owner"]
            if (holder.get("folder"), holder.get("plan_id")) == (self.folder, self.plan_id):
                return  # by a call whose answer was lost
            name = (
                f"{holder.get('user', 'unknown user')} at {holder.get('host', 'unknown host')} "
                f"(study {holder.get('study', 'unknown')}, since {holder.get('since', '?')})"
            )
            if on_busy_board == "fail":
                raise BoardBusy(
                    f"board {self.board.name} is measuring for {name}",
                    "wait for it to end, or set on_busy_board: wait",
                )
            if on_busy_board == "take-over" and holder.get("folder"):
                self.watcher.note(f"taking the board over from {name}; its journal is kept")
                self._stop(holder["folder"], holder.get("plan_id"))
                continue
            self.watcher.note_once(f"waiting: the board is measuring for {name}")
            self._refuse_if_gone("nothing was started")
            time.sleep(ASK_EVERY_S)

    def _is_own(self, holder: Mapping[str, Any]) -> bool:
        """Whether a job is this workflow's; older versions said less of who they are."""
        return all(holder.get(key, value) == value for key, value in self.owner.items())

    def _watch(self) -> dict[str, Any]:
        """Show how far the job is until it has ended; its last status."""
        local = isinstance(self.board.connect, LocalConnection)
        changed, previous = time.monotonic(), b""
        while True:
            raw = self.transport.read(posixpath.join(self.folder, STATUS_FILE)) or b"{}"
            status = _read_status(raw)
            ours = status.get("plan_id") == self.plan_id
            if ours and status["state"] in FINAL_STATES:
                return status
            self._refuse_if_gone("the board continues on its own")
            if ours and status["state"] == RUNNING:
                for note in status["notes"]:
                    self.watcher.note_once(f"warning: {note}; the rows are marked")
                self.watcher.progress(status)
            now = time.monotonic()
            if raw != previous:
                changed, previous = now, raw
            if now - changed > QUIET_FOR_S or not ours:
                changed, status = now, self._status()
                if not status["running"]:
                    return status if status.get("plan_id") == self.plan_id else _LOST_TO_ANOTHER
            time.sleep(LOCAL_LOOK_EVERY_S if local else LOOK_EVERY_S)

    def _refuse_if_gone(self, still: str) -> None:
        if self.watcher.gone():
            raise NotWatched(
                f"the workflow that started this has ended; {still}",
                "run the same command again: it follows a running job to its end",
            )

    def _stop(self, folder: str, plan_id: str | None) -> None:
        """Ask a job (ours or another's) to stop and wait until it has; no other plan's."""
        plan = ["--plan", plan_id] if plan_id is not None else []
        self._call("stop", folder, *plan)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while self._call("status", folder, *plan)["running"]:
            if time.monotonic() > deadline:
                raise UserError(f"board {self.board.name}: the job in {folder} does not stop")
            time.sleep(LOCAL_LOOK_EVERY_S)


_LOST_TO_ANOTHER = {"state": STOPPED, "message": "another plan took its place"}
"""The status of a job whose folder another job has taken."""


def _read_status(raw: bytes) -> dict[str, Any]:
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        content = {}
    return _checked(content if isinstance(content, dict) else {})


_COUNTS = ("repetitions", "missing", "done", "failed_points", "measured_here", "elapsed_s")


def _checked(status: Mapping[str, Any]) -> dict[str, Any]:
    """A status with all that is shown of it: another version's may say less, or something else."""
    counts = {key: real(status.get(key)) for key in (*_COUNTS, "seconds_left")}
    return {
        **status,
        **{key: int(counts[key] or 0) for key in _COUNTS},
        "seconds_left": counts["seconds_left"],
        **{key: str(status.get(key) or "") for key in ("state", "message", "current")},
        **{key: _texts(status.get(key)) for key in ("notes", "remarks")},
    }


def _texts(value: Any) -> list[str]:
    return [str(text) for text in value] if isinstance(value, list) else []
