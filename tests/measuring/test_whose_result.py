"""Whose result is it?  Two workflows with one study folder on a board, at every hand-over.

One of them is suspended (a closed lid, a cut link) while the other one measures its own plan from
beginning to end; then it goes on where it was.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from archives.ck.ck_samples import make_plan
from nntest.archives.ck.read import read_rows
from nntest.config import Board
from nntest.measuring.detached import DetachedJob
from nntest.measuring.progress import NotWatched, Watcher
from nntest.measuring.sweep import Outputs, _pull
from nntest.measuring.transport.base import Completed
from nntest.measuring.transport.local import LocalTransport

PROGRAM = """
import json, os, time
first, count = int(os.environ["NNTEST_FIRST_REPETITION"]), int(os.environ["NNTEST_REPETITIONS"])
for i in range(first, first + count):
    time.sleep(float(os.environ["PACE"]))
    record = {"repetition": i, "execution_time_kernel_0": 0.5, "execution_time_kernel_1": 0.001,
              "started_at": "2026-01-01T00:00:00.000000+00:00"}
    with open("tmp-nntest-repetitions.jsonl", "a") as stream:
        stream.write(json.dumps(record) + "\\n")
"""


class Suspended(LocalTransport):
    """Before its n-th call of a kind this process sleeps, while `meanwhile` happens."""

    def __init__(
        self, kind: str = "", number: int = 1, meanwhile: Callable[[], object] = dict
    ) -> None:
        self.at = (kind, number)
        self.meanwhile = meanwhile
        self.calls: Counter[str] = Counter()

    def _call(self, kind: str) -> None:
        self.calls[kind] += 1
        if (kind, self.calls[kind]) == self.at:
            self.meanwhile()

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        self._call(" ".join(argv[2:3]))
        return super().run(argv, timeout_s=timeout_s, environment=environment)

    def write(self, target: str, content: bytes) -> None:
        self._call("write")
        super().write(target, content)

    def read(self, source: str) -> bytes | None:
        if not source.endswith("runner.py"):
            self._call("read")
        return super().read(source)

    def get(self, source: str, target: Path) -> None:
        self._call("get")
        super().get(source, target)


class Notes(Watcher):
    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@dataclass
class Controller:
    """A workflow: runs its plan in the study's folder and pulls what was measured."""

    home: Path
    user: str
    points: Sequence[str]
    plan_id: str
    pace: float = 0.0
    transport: LocalTransport = field(default_factory=Suspended)
    watcher: Notes = field(default_factory=Notes)

    @property
    def board(self) -> Board:
        return Board.model_validate(
            {"name": "here", "connect": {"transport": "local"}, "work_dir": str(self.home / "work")}
        )

    @property
    def folder(self) -> Path:
        return self.home / "study" / "library"

    @property
    def job(self) -> DetachedJob:
        return DetachedJob(
            self.transport, self.board, self.watcher, "runner.py", str(self.folder), self.plan_id,
            "study", {"user": self.user, "host": "h", "workflow": self.user},
        )  # fmt: skip

    def plan(self) -> dict[str, Any]:
        (self.home / "program.py").write_text(PROGRAM)
        points = [
            {
                "id": name, "operator": "conv", "species": "conv", "program": "conv-test",
                "tensor": f"1-4-4-1-{index + 1}-1-0", "batch_size": 1, "tuner": "NONE",
                "argv": [sys.executable, str(self.home / "program.py")],
                "env": {"PACE": str(self.pace)}, "repetitions": 3, "repetitions_per_process": 3,
                "timeout_s": 60, "protocol": "in-process", "warmup": "always", "checksum": "c",
            }
            for index, name in enumerate(self.points)
        ]  # fmt: skip
        return {
            **make_plan(points, user=self.user),
            "plan_id": self.plan_id, "lock_file": str(self.home / "lock"), "state": {},
        }  # fmt: skip

    def measure(self, on_busy_board: str = "wait") -> dict[str, Any]:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.job.run(self.plan, "the journal stays", on_busy_board)

    def pull(self) -> list[str]:
        """The tensors that it takes for its own results."""
        out = self.home / self.user
        out.mkdir(exist_ok=True)
        outputs = Outputs(
            *(out / name for name in ("a.zip", "j.jsonl", "p.json", "t.json", "s.json"))
        )
        sweep: Any = SimpleNamespace(board=self.board, name="here.library")
        installed: Any = SimpleNamespace(version="1.0")
        _pull(self.transport, sweep, str(self.folder), self.plan_id, installed, outputs, "full")
        assert json.loads(outputs.plan.read_text())["ck"]["user"] == self.user
        return sorted({row["tensor"] for row in read_rows(outputs.archive)})

    def tensors(self) -> list[str]:
        return [f"1-4-4-1-{index + 1}-1-0" for index in range(len(self.points))]


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("status", 1),  # whether it runs already
        ("write", 1),  # the plan
        ("start", 1),
        ("read", 1),  # the first look at what was started
        ("read", 2),
        ("pack", 1),  # it knows that it is done
        ("get", 1),  # the archive
        ("get", 2),  # the journal
        ("get", 3),  # the plan
    ],
)
def test_results_are_bound_to_the_plan_wherever_a_controller_was_suspended(
    tmp_path: Path, kind: str, number: int
) -> None:
    """What another one measured meanwhile is not taken for its own, and nothing is missing."""
    bob = Controller(tmp_path, "bob", ["b", "c"], "plan-b")
    overtaken: list[str] = []

    def meanwhile() -> None:
        assert bob.measure()["state"] == "done"
        overtaken.extend(bob.pull())

    transport = Suspended(kind, number, meanwhile)
    ann = Controller(tmp_path, "ann", ["a"], "plan-a", pace=0.3, transport=transport)
    status = ann.measure()
    assert (status["state"], status["plan_id"]) == ("done", "plan-a")
    assert ann.pull() == ann.tensors()
    assert overtaken == bob.tensors()
    measured = [
        (line["point"], line["repetition"])
        for line in map(json.loads, (ann.folder / "journal.jsonl").read_text().splitlines())
        if "point" in line
    ]
    assert sorted(measured) == [(point, n) for point in "abc" for n in range(3)]


def started(controller: Controller) -> threading.Thread:
    """A controller at work, once its job runs."""
    thread = threading.Thread(target=controller.measure, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    journal = controller.folder / "journal.jsonl"
    while not journal.exists() or b"point" not in journal.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return thread


@pytest.fixture
def ann(tmp_path: Path) -> Controller:
    return Controller(tmp_path, "ann", ["a", "b", "c"], "plan-a", pace=0.3)


def test_a_second_user_who_waits_does_not_stop_the_first(ann: Controller) -> None:
    """Same account, work folder and study name; another plan."""
    bob = Controller(ann.home, "bob", ["d"], "plan-b")
    first = started(ann)
    assert bob.measure("wait")["state"] == "done"
    first.join(60)
    assert any("waiting: the board is measuring for ann" in note for note in bob.watcher.notes)
    assert ann.pull() == ann.tensors()
    assert bob.pull() == bob.tensors()


def test_a_second_user_who_does_not_wait_is_refused(ann: Controller) -> None:
    bob = Controller(ann.home, "bob", ["d"], "plan-b")
    first = started(ann)
    with pytest.raises(NotWatched, match="is measuring for ann at h"):
        bob.measure("fail")
    first.join(60)
    assert ann.pull() == ann.tensors()


def test_a_board_that_is_taken_over_is_said_to_be_lost(ann: Controller) -> None:
    """Whoever takes it has it; the other one learns that it was stopped, and goes on later."""
    bob = Controller(ann.home, "bob", ["d"], "plan-b")
    ends: list[dict[str, Any]] = []
    lost = Controller(ann.home, "ann", ann.points, "plan-a", pace=1.5)
    thread = threading.Thread(target=lambda: ends.append(lost.measure()), daemon=True)
    thread.start()
    while not (journal := ann.folder / "journal.jsonl").exists() or b"point" not in (
        journal.read_bytes()
    ):
        time.sleep(0.05)
    assert bob.measure("take-over")["state"] == "done"
    thread.join(60)
    assert ends[0]["state"] == "stopped"
    assert bob.pull() == bob.tensors()
    assert ann.measure()["state"] == "done"
    assert ann.pull() == ann.tensors()


def test_an_older_plan_of_the_same_workflow_is_stopped(ann: Controller) -> None:
    """Its controller is gone: a folder has one at a time."""
    newer = Controller(ann.home, "ann", ["a", "d"], "plan-new")
    first = started(ann)
    assert newer.measure()["state"] == "done"
    first.join(60)
    assert "stopping an older plan of this job" in newer.watcher.notes
    assert newer.pull() == newer.tensors()


def test_ctrl_c_of_one_who_was_overtaken_stops_nobody_else(ann: Controller) -> None:
    bob = Controller(ann.home, "bob", ["d", "e"], "plan-b", pace=0.3)
    first = started(bob)
    ann.job._stop(str(ann.folder), "plan-a")
    first.join(60)
    assert bob.pull() == bob.tensors()


def test_a_job_of_an_earlier_version_is_its_owners_too(ann: Controller) -> None:
    assert ann.job._is_own({"user": "ann", "host": "h"})
    assert not ann.job._is_own({"user": "bob", "host": "h"})
    assert not ann.job._is_own({"user": "ann", "host": "h", "workflow": "elsewhere"})
    assert not ann.job._is_own({"user": "unknown"})
