"""A detached job as it is seen from here: what it asks of the board, and how rarely."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from measuring.paused_clock import PausedClock
from nntest.config import Board
from nntest.errors import UserError
from nntest.measuring import detached
from nntest.measuring.detached import DetachedJob
from nntest.measuring.progress import NotWatched, ProgressLine, Watcher
from nntest.measuring.transport.base import Completed, Transport

STATUS = {"repetitions": 9, "missing": 3, "failed_points": 0, "notes": [], "plan_id": "p"}


class ScriptedBoard(Transport):
    """A board whose job has the states that a test gives; it counts what is asked of it."""

    def __init__(self, clock: PausedClock) -> None:
        self.clock = clock
        self.ends_at = 600.0
        self.last: dict[str, Any] = {"state": "done", "message": ""}
        self.busy: list[dict[str, Any]] = []
        self.starts = 0
        self.reads: list[float] = []
        self.commands: list[tuple[float, str]] = []

    def status(self) -> dict[str, Any]:
        if not self.starts:
            return {"state": "none"}
        if self.clock.now < self.ends_at:
            return {**STATUS, "state": "running", "updated_at": self.clock.now}
        return {**STATUS, **self.last}

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        command = argv[2]
        self.commands.append((self.clock.now, command))
        answer: dict[str, Any]
        if command == "start" and self.busy:
            answer = {"state": "busy", "owner": self.busy.pop()}
        elif command == "start":
            self.starts += 1
            answer = {"state": "started"}
        elif command == "stop":
            self.ends_at = self.clock.now
            answer = {"state": "asked"}
        else:
            running = self.starts > 0 and self.clock.now < self.ends_at
            answer = {**self.status(), "running": running, "owner": {}}
        return Completed(tuple(argv), 0, json.dumps(answer), "")

    def read(self, source: str) -> bytes | None:
        if not source.endswith("status.json"):
            return b"there"
        self.reads.append(self.clock.now)
        seen = self.status()
        if seen["state"] == "vanished":
            seen["state"] = "running"  # what the job itself wrote
        return json.dumps(seen).encode()

    def write(self, target: str, content: bytes) -> None:
        pass

    def put(self, source: Path, target: str) -> None:
        raise AssertionError(target)

    def get(self, source: str, target: Path) -> None:
        raise AssertionError(source)

    def close(self) -> None:
        pass


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> ScriptedBoard:
    clock = PausedClock()
    fake = SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep)
    monkeypatch.setattr(detached, "time", fake)
    return ScriptedBoard(clock)


class Notes(Watcher):
    def __init__(self, **changes: Any) -> None:
        super().__init__(**changes)
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def job(board: ScriptedBoard, watcher: Watcher, **connect: str) -> DetachedJob:
    here = Board.model_validate(
        {"name": "here", "connect": connect or {"transport": "local"}, "work_dir": "/w"}
    )
    return DetachedJob(board, here, watcher, "runner.py", "/w/job", "p", "a study")


@pytest.mark.parametrize(
    ("connect", "looks_a_second"),
    [({"transport": "local"}, 3.0), ({"transport": "ssh", "host": "there"}, 0.5)],
)
def test_a_job_that_runs_is_looked_at_rarely(
    board: ScriptedBoard, connect: dict[str, str], looks_a_second: float
) -> None:
    status = job(board, Notes(), **connect).run(dict, "")
    assert status["state"] == "done"
    assert 600 / 10 < len(board.reads) < 600 * looks_a_second
    assert [command for _, command in board.commands] == ["status", "start"]


def test_a_busy_board_is_asked_every_few_seconds(board: ScriptedBoard) -> None:
    holder = {"user": "ann", "host": "h", "study": "s", "since": "noon", "folder": "/other"}
    board.busy = [holder] * 12
    watcher = Notes()
    job(board, watcher).run(dict, "")
    waits = [at for at, command in board.commands if command == "start"]
    assert len(waits) == 13
    assert min(later - at for at, later in itertools.pairwise(waits)) >= 3
    assert watcher.notes == ["waiting: the board is measuring for ann at h (study s, since noon)"]
    board.busy = [holder]
    with pytest.raises(NotWatched, match="is measuring for ann"):
        job(board, watcher).run(dict, "", on_busy_board="fail")


def test_a_job_that_vanishes_is_started_three_times(board: ScriptedBoard) -> None:
    board.ends_at = 5.0
    board.last = {"state": "vanished", "message": "it ended without giving a reason"}
    watcher = Notes()
    status = job(board, watcher).run(dict, "")
    assert (status["state"], status["message"]) == ("failed", "it ended without giving a reason")
    assert board.starts == 3
    assert watcher.notes == ["it ended without giving a reason: starting it again"] * 2


def test_one_whose_folder_another_plan_took_was_stopped(board: ScriptedBoard) -> None:
    board.ends_at = 5.0
    board.last = {"state": "done", "message": "", "plan_id": "q"}
    assert job(board, Notes()).run(dict, "")["state"] == "stopped"
    assert board.starts == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"repetitions": "9" * 400, "missing": None, "seconds_left": "1e999"},
        {"notes": 5, "failed_points": [], "current": ["x"], "message": None},
        {"state": "thinking", "notes": [["x"], None]},
        {"state": 7},
    ],
)
def test_a_status_of_another_version_ends_nothing(
    board: ScriptedBoard, monkeypatch: pytest.MonkeyPatch, odd: dict[str, Any]
) -> None:
    ours = board.status
    monkeypatch.setattr(
        board, "status", lambda: {**ours(), **(odd if board.clock.now < 300 else {})}
    )
    shown = io.StringIO()
    status = job(board, Notes(line=ProgressLine("s", shown))).run(dict, "")
    assert (status["state"], status["failed_points"]) == ("done", 0)


def test_ctrl_c_stops_it_and_says_what_stays(board: ScriptedBoard) -> None:
    class Interrupts(Notes):
        def progress(self, status: Mapping[str, Any]) -> None:
            raise KeyboardInterrupt

    watcher = Interrupts()
    with pytest.raises(KeyboardInterrupt):
        job(board, watcher).run(dict, "the journal stays")
    assert [command for _, command in board.commands][-2:] == ["stop", "status"]
    assert watcher.notes == ["stopped: the journal stays"]


def test_it_goes_on_when_the_workflow_that_wanted_it_is_gone(board: ScriptedBoard) -> None:
    with pytest.raises(UserError, match="has ended; the board continues on its own"):
        job(board, Notes(gone=lambda: board.clock.now > 60)).run(dict, "")
    assert "stop" not in [command for _, command in board.commands]


def test_one_at_work_is_followed_and_an_older_plan_is_stopped(board: ScriptedBoard) -> None:
    board.starts = 1
    watcher = Notes()
    job(board, watcher).run(dict, "")
    assert watcher.notes == ["the job is already running on the board: following it"]
    board.ends_at = board.clock.now + 600
    older = DetachedJob(*(job(board, watcher).__dict__ | {"plan_id": "new"}).values())
    board.last = {"state": "done", "message": "", "plan_id": "new"}
    assert older.run(dict, "")["state"] == "done"
    assert watcher.notes[1:] == ["stopping an older plan of this job"]
