"""A detached job by itself: how it ends, and what its status says then."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ONBOARD = Path(__file__).parents[2] / "scripts" / "onboard"
PROGRAM = """
import subprocess, sys
sys.path.insert(0, {onboard!r})
from detached import Failed, Job, Stopped, main
from job_names import RUNNING
from processes import ended_within, WAKE_EVERY_S

class Tried(Job):
    def work(self):
        self.write_status(RUNNING)
        how = self._plan["how"]
        if how == "raises":
            1 / 0
        if how == "fails":
            raise Failed("the reason")
        if how == "waits":
            process = subprocess.Popen(["sleep", self._plan.get("seconds", "600")])
            while not ended_within(process, WAKE_EVERY_S):
                if self.while_waiting():
                    process.kill()
                    process.wait()
                    raise Stopped()

    def counts(self):
        return {{"repetitions": 1, "missing": 0}}

sys.exit(main(Tried))
"""


class Bench:
    def __init__(self, folder: Path) -> None:
        self.program = folder / "program.py"
        self.program.write_text(PROGRAM.format(onboard=str(ONBOARD)))
        self.folder = folder / "job"
        self.folder.mkdir()
        self.lock = folder / "lock"

    def plan(self, how: str, plan_id: str = "one", **more: str) -> None:
        plan = {"plan_id": plan_id, "lock_file": str(self.lock), "how": how, **more}
        (self.folder / "plan.json").write_text(json.dumps(plan))

    def call(self, command: str) -> dict[str, Any]:
        argv = [sys.executable, str(self.program), command, str(self.folder)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.stdout, done.stderr
        return dict(json.loads(done.stdout))

    def until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while not holds(status := self.call("status")):
            assert time.monotonic() < deadline, status
        return status


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.call("stop")
    bench.until(lambda status: not status["running"])


def is_running(status: dict[str, Any]) -> bool:
    return bool(status["state"] == "running" and "pid" in status["owner"])


def ended(status: dict[str, Any]) -> bool:
    return not status["running"]


@pytest.mark.parametrize(
    ("how", "state", "message"),
    [
        ("works", "done", ""),
        ("fails", "failed", "the reason"),
        ("raises", "failed", "ZeroDivisionError: division by zero"),
    ],
)
def test_the_last_status_says_how_it_ended(
    bench: Bench, how: str, state: str, message: str
) -> None:
    bench.plan(how)
    assert bench.call("start") == {"state": "started"}
    status = bench.until(ended)
    assert (status["state"], status["message"], status["plan_id"]) == (state, message, "one")


def test_a_killed_job_has_vanished_unless_its_log_or_the_disk_says_why(bench: Bench) -> None:
    bench.plan("waits")
    bench.call("start")
    os.kill(bench.until(is_running)["pid"], signal.SIGKILL)
    status = bench.until(ended)
    assert status["state"] == "vanished"
    assert status["message"] == "the job on the board ended without giving a reason"
    (bench.folder / "runner.log").write_text("Traceback\nMemoryError: no room\n")
    status = bench.call("status")
    assert (status["state"], status["message"]) == ("failed", "MemoryError: no room")


def test_what_is_not_there_has_no_job_and_cannot_be_started(bench: Bench) -> None:
    assert bench.call("status") == {"state": "none", "running": False, "owner": {}}
    assert bench.call("start")["message"] == f"no readable plan.json in {bench.folder}"
    bench.folder.rmdir()
    assert bench.call("stop") == {"state": "none"}
    bench.folder.mkdir()


def test_the_end_of_what_it_waits_for_is_noticed_at_once() -> None:
    code = (
        f"import subprocess, sys, time; sys.path.insert(0, {str(ONBOARD)!r})\n"
        "from processes import ended_within\n"
        "process = subprocess.Popen(['sleep', '1'])\n"
        "began = time.monotonic()\n"
        "print(ended_within(process, 0.1), ended_within(process, 60), time.monotonic() - began)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    early, late, took = done.stdout.split()
    assert (early, late) == ("False", "True")
    assert float(took) < 20
