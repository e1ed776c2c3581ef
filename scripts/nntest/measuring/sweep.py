"""Run a sweep: hand the plan to the board's runner, follow it, pull what it measured.

The runner is a detached job.  Everything measured is in the journal on the board; what is pulled
here is made from it.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from onboard import outcomes
from onboard.job_names import CHANGES_FILE, DONE, JOURNAL_FILE, STOPPED, plan_file
from onboard.private import public

from nntest.archives.ck.zipwriter import new_ck_zip
from nntest.config.study import Study, Sweep
from nntest.domain.network_points import VARIABLE
from nntest.errors import UserError
from nntest.measuring.beside import Planned
from nntest.measuring.counters import countable
from nntest.measuring.detached import DetachedJob
from nntest.measuring.installed import Installed
from nntest.measuring.labelled_images import send_images
from nntest.measuring.meters import with_readable_meters
from nntest.measuring.model_files import send_models
from nntest.measuring.onboard import absolute_root, call, version
from nntest.measuring.plan import build_plan, sweep_folder, tuner_table
from nntest.measuring.progress import NotWatched, Watcher
from nntest.measuring.transport import Transport, TransportError

RUNNERS = {"native": "runner.py", "ck": "ck_runner.py"}
"""The on-board script that measures, by the board's harness."""

KEPT = "what is measured stays on the board and is used by the next run"


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
    state: Path
    """What the board was, and what of it changed since the rows' first one (`changes`: texts)."""


def run_sweep(
    transport: Transport,
    study: Study,
    sweep: Sweep,
    installed: Installed,
    facts: dict[str, Any],
    outputs: Outputs,
    watcher: Watcher,
    beside: Sequence[Planned] = (),
    on_busy_board: str = "wait",
) -> dict[str, Any]:
    """Measure what is missing and pull the results; the runner's last status.

    What sweeps `beside` it on the same board lack is measured in one mixed order with it, and is
    found in their journals when their own turn comes.

    Raises `UserError` (board busy, disk full, runner dead, nothing measured at all), with the
    board's journal pulled as far as it goes; KeyboardInterrupt stops the runner first.
    """
    if not sweep.points:
        _write_empty(outputs)
        watcher.note("nothing to measure")
        return {}
    root = absolute_root(transport, sweep.board)
    folder = sweep_folder(study, sweep, root)

    def planned(what: Planned) -> dict[str, Any]:
        return _plan(transport, study, what, facts, root, watcher)

    plan = planned(Planned(sweep, installed))
    plan["beside"] = [
        _leave(transport, sweep_folder(study, other.sweep, root), planned(other))
        for other in beside
        if other.sweep.points
    ]
    job = DetachedJob(
        transport,
        sweep.board,
        watcher,
        script=RUNNERS[sweep.board.harness],
        folder=folder,
        plan_id=plan["plan_id"],
        study=study.name,
    )
    try:
        status = job.run(lambda: plan, KEPT, on_busy_board)
        if status["state"] == STOPPED:
            raise UserError(f"board {sweep.board.name}: another process stopped the sweep")
        if status["state"] != DONE:
            raise UserError(f"board {sweep.board.name}: the sweep stopped: {status['message']}")
        _pull(transport, sweep, folder, plan["plan_id"], installed, outputs, study.config.share)
        changes = json.loads(outputs.state.read_bytes())["changes"]
        for remark in [*status.get("remarks", []), *changes]:
            watcher.note(remark)
        watcher.note(_summary(status))
        # A network that fails as a whole is in the tables as failed; its layers are measured.
        layers = [point for point in plan["points"] if "network" not in point]
        if layers and status["failed_points"] == len(plan["points"]):
            raise UserError(
                f"board {sweep.board.name}: every point of {sweep.name} failed; the first: "
                f"{_first_failure(outputs.journal)}"
            )
    except (TransportError, NotWatched):
        raise
    except UserError as error:
        kept = _pull_partial(transport, folder, outputs)
        hint = error.hint or "remove the cause and run the same command again"
        raise UserError(
            error.message, f"{hint}; what was measured is kept on the board{kept}"
        ) from None
    return status


def _plan(
    transport: Transport,
    study: Study,
    what: Planned,
    facts: dict[str, Any],
    root: str,
    watcher: Watcher,
) -> dict[str, Any]:
    """The plan, with the files that its points name written on the board."""
    sweep = countable(transport, study, what.sweep, watcher)
    sweep = with_readable_meters(transport, sweep, watcher)
    folder = sweep_folder(study, sweep, root)
    points = send_models(transport, study, sweep.points, folder, watcher.note)
    send_images(transport, study, points, folder, watcher.note)
    plan = build_plan(
        study,
        replace(sweep, points=points),
        what.installed,
        facts,
        programs=posixpath.join(root, "programs", version()),
        folder=folder,
        planned_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    for point in plan["points"]:
        if VARIABLE in point["env"]:
            content = json.dumps(point["network"], sort_keys=True).encode()
            transport.write(point["env"][VARIABLE], content)
    return plan


def _leave(transport: Transport, folder: str, plan: dict[str, Any]) -> dict[str, str]:
    """Write the plan of another sweep where the runner finds it; its place."""
    content = json.dumps(plan, sort_keys=True).encode()
    transport.write(posixpath.join(folder, plan_file(plan["plan_id"])), content)
    return {"folder": folder, "plan_id": plan["plan_id"]}


def _write_empty(outputs: Outputs) -> None:
    """The outputs of a sweep without a point: an archive without an entry."""
    with new_ck_zip(outputs.archive):
        pass
    outputs.journal.write_text("", encoding="utf-8")
    for path in (outputs.plan, outputs.tuner_table, outputs.state):
        path.write_text("{}\n", encoding="utf-8")


def _pull(
    transport: Transport,
    sweep: Sweep,
    folder: str,
    plan_id: str,
    installed: Installed,
    outputs: Outputs,
    share: str,
) -> None:
    """Have the board pack the plan's CK zip, and bring it here with what it was made from.

    Another plan may have been measured in the folder since ours was: the journal has both.
    """
    plan = posixpath.join(folder, plan_file(plan_id))
    archive = f"{plan.removesuffix('.json')}.zip"
    script = RUNNERS[sweep.board.harness]
    packed = call(transport, sweep.board, script, "pack", folder, archive, "--plan", plan_id)
    transport.get(archive, outputs.archive)
    checksum = hashlib.sha256(outputs.archive.read_bytes()).hexdigest()
    if checksum != packed["sha256"]:
        outputs.archive.unlink()
        raise UserError(f"board {sweep.board.name}: {archive} was damaged in transit")
    transport.get(posixpath.join(folder, JOURNAL_FILE), outputs.journal)
    transport.get(plan, outputs.plan)
    if share != "full":
        content = public(json.loads(outputs.plan.read_bytes()))
        outputs.plan.write_text(json.dumps(content, sort_keys=True), encoding="utf-8")
    state = _board_state(transport, sweep, folder, outputs)
    if share != "full":
        state = public(state)
    outputs.state.write_text(json.dumps(state, sort_keys=True), encoding="utf-8")
    table = transport.read(tuner_table(folder, installed))
    outputs.tuner_table.write_bytes(table if table is not None else b"{}\n")


def _board_state(
    transport: Transport, sweep: Sweep, folder: str, outputs: Outputs
) -> dict[str, Any]:
    """The board as the last look found it, and what has changed since the plan's first row."""
    try:
        kept = json.loads(transport.read(posixpath.join(folder, CHANGES_FILE)) or b"")
        noted = [(str(change["at"]), str(change["what"])) for change in kept["changes"]]
        # Paths as values: a home folder is taken out of these alone.
        library = [{"path": path, "sha256": of} for path, of in kept["state"]["library"].items()]
        state = {**kept["state"], "library": library}
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        state, noted = None, []  # there is none, it is damaged, or another version's
    points = {point["id"] for point in json.loads(outputs.plan.read_bytes())["points"]}
    began = min(
        (
            str(line.get("started_at") or line.get("noted_at") or "")
            for line in outcomes.read_lines(str(outputs.journal))
            if line.get("point") in points
        ),
        default="",
    )
    changes = [
        f"{sweep.name}, {at[:16].replace('T', ' ')} UTC: {what}" for at, what in noted if at > began
    ]
    return {"sweep": sweep.name, "board": sweep.board.name, "state": state, "changes": changes}


def _pull_partial(transport: Transport, folder: str, outputs: Outputs) -> str:
    """Bring the journal of a sweep that failed; words on where it is, empty if that failed too.

    Not to a declared output: Snakemake removes those of a job that fails.
    """
    partial = outputs.journal.with_name(outputs.journal.name.replace(".journal.", ".partial."))
    try:
        transport.get(posixpath.join(folder, JOURNAL_FILE), partial)
    except UserError:
        return ""
    return f", and here in {partial}"


def _summary(status: dict[str, Any]) -> str:
    failed = f", {status['failed_points']} points failed" if status["failed_points"] else ""
    return f"done: {status['measured_here']} measured now, {status['done']} in all{failed}"


def _first_failure(journal: Path) -> str:
    for line in outcomes.read_lines(str(journal)):
        if line.get("status", outcomes.OK) != outcomes.OK:
            return f"{line['status']}: {line.get('reason', '')}"
    return "unknown"
