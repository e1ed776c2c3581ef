"""Run a sweep: hand the plan to the board's runner, follow it, pull what it measured.

The runner is detached: if this process or the link dies it goes on, and the next run of the
workflow finds it and follows again.  Everything measured is in the journal on the board; what
is pulled here is made from it.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nntest.ck.zipwriter import new_ck_zip
from nntest.config.board import Board
from nntest.config.study import Study, Sweep
from nntest.counters import countable
from nntest.errors import UserError
from nntest.libraries import Installed
from nntest.network_points import VARIABLE
from nntest.onboard import call, deploy, version
from nntest.plan import build_plan, sweep_folder, tuner_table
from nntest.progress import ProgressLine
from nntest.transport import Transport, TransportError
from nntest.who import who

POLL_S = 0.5
STALLED_AFTER_S = 10.0
"""After this long without a sign of life the runner is asked whether it still runs."""
STOP_TIMEOUT_S = 30.0
RESTARTS = 3
"""Starts of a runner that ends without a last word: its board was rebooted, or it was killed."""


class NothingToPull(UserError):
    """The sweep did not come to measuring, or goes on without us."""


@dataclass(frozen=True)
class Outputs:
    """Where the results of a sweep are put."""

    archive: Path
    """The CK zip."""
    journal: Path
    """The journal's lines, as the board wrote them."""
    plan: Path
    tuner_table: Path
    """The tuned local sizes; an empty object where no tuner ran."""


def run_sweep(
    transport: Transport,
    study: Study,
    sweep: Sweep,
    installed: Installed,
    facts: dict[str, Any],
    outputs: Outputs,
    say: ProgressLine,
    abandoned: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Measure what is missing and pull the results; the runner's last status.

    `abandoned` says that whoever wanted the sweep is gone: the runner is then left to go on.
    Raises `UserError` (board busy, disk full, runner dead, nothing measured at all), with the
    board's journal pulled as far as it goes; KeyboardInterrupt stops the runner first.
    """
    if not sweep.points:
        _write_empty(outputs)
        say.end("nothing to measure")
        return {}
    root = absolute_root(transport, sweep.board)
    sweep = countable(transport, study, sweep, say)
    folder = sweep_folder(study, sweep, root)
    programs = posixpath.join(root, "programs", version())
    plan = build_plan(
        study,
        sweep,
        installed,
        facts,
        programs=programs,
        folder=folder,
        planned_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    for point in plan["points"]:
        if "network" in point:
            content = json.dumps(point["network"], sort_keys=True).encode()
            transport.write(point["env"][VARIABLE], content)
    runner = Runner(transport, sweep.board, folder, plan, say)
    try:
        status = runner.measure(study.config.on_busy_board, abandoned)
        _pull(transport, sweep, folder, installed, outputs)
        for line in status.get("told", []):
            say.note(line)
        say.end(_summary(status))
        # A network that fails as a whole is in the tables as failed; its layers are measured.
        layers = [point for point in plan["points"] if "network" not in point]
        if layers and status["failed_points"] == len(plan["points"]):
            raise UserError(
                f"board {sweep.board.name}: every point of {sweep.name} failed; the first: "
                f"{_first_failure(outputs.journal)}"
            )
    except KeyboardInterrupt:
        runner.stop()
        say.end("stopped: what is measured stays on the board and is used by the next run")
        raise
    except (TransportError, NothingToPull):
        raise
    except UserError as error:
        kept = _pull_partial(transport, folder, outputs)
        hint = error.hint or "mend the cause and run the same command again"
        raise UserError(
            error.message, f"{hint}; what was measured is kept on the board{kept}"
        ) from None
    return status


def _write_empty(outputs: Outputs) -> None:
    """The outputs of a sweep without a point: an archive without an entry."""
    with new_ck_zip(outputs.archive):
        pass
    outputs.journal.write_text("", encoding="utf-8")
    for path in (outputs.plan, outputs.tuner_table):
        path.write_text("{}\n", encoding="utf-8")


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


def _pull(
    transport: Transport, sweep: Sweep, folder: str, installed: Installed, outputs: Outputs
) -> None:
    """Have the board pack its CK zip, and bring it here with what it was made from."""
    archive = posixpath.join(folder, f"{sweep.name}.zip")
    packed = call(transport, sweep.board, runner_of(sweep.board), "pack", folder, archive)
    transport.get(archive, outputs.archive)
    checksum = hashlib.sha256(outputs.archive.read_bytes()).hexdigest()
    if checksum != packed["sha256"]:
        outputs.archive.unlink()
        raise UserError(f"board {sweep.board.name}: {archive} was damaged on its way here")
    transport.get(posixpath.join(folder, "journal.jsonl"), outputs.journal)
    transport.get(posixpath.join(folder, "plan.json"), outputs.plan)
    table = transport.read(tuner_table(folder, installed))
    outputs.tuner_table.write_bytes(table if table is not None else b"{}\n")


def _pull_partial(transport: Transport, folder: str, outputs: Outputs) -> str:
    """Bring the journal of a sweep that failed; words on where it is, empty if that failed too.

    Not to a declared output: Snakemake removes those of a job that fails.
    """
    partial = outputs.journal.with_name(outputs.journal.name.replace(".journal.", ".partial."))
    try:
        transport.get(posixpath.join(folder, "journal.jsonl"), partial)
    except (UserError, OSError):
        return ""
    return f", and here in {partial}"


def _summary(status: dict[str, Any]) -> str:
    failed = f", {status['failed_points']} points failed" if status["failed_points"] else ""
    return f"done: {status['measured_here']} measured now, {status['done']} in all{failed}"


def _first_failure(journal: Path) -> str:
    for raw in journal.read_text(encoding="utf-8").splitlines():
        line = json.loads(raw)
        if line.get("status", "ok") != "ok":
            return f"{line['status']}: {line.get('reason', '')}"
    return "unknown"
