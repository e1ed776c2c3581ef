"""Sweeps' runner watched over a real SSH link that is cut, and killed: without Snakemake."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from measuring.transport.sshd import SSHD, Proxy, Sshd
from nntest.config import Board
from nntest.measuring.detached import DetachedJob, patient
from nntest.measuring.onboard import call
from nntest.measuring.progress import Watcher
from nntest.measuring.transport import connect

pytestmark = [
    pytest.mark.sshd,
    pytest.mark.skipif(not SSHD.exists(), reason=f"needs OpenSSH's server ({SSHD} is missing)"),
]
PROGRAM = """
import json, os, time
for i in range(int(os.environ["NNTEST_REPETITIONS"])):
    time.sleep(0.5)
    record = {"repetition": int(os.environ["NNTEST_FIRST_REPETITION"]) + i,
              "execution_time_kernel_0": 0.5, "execution_time_kernel_1": 0.001,
              "started_at": "2026-01-01T00:00:00.000000+00:00"}
    with open("tmp-nntest-repetitions.jsonl", "a") as stream:
        stream.write(json.dumps(record) + "\\n")
"""


class Notes(Watcher):
    """Who waits, and does something at the first sign of progress."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []
        self.measured = threading.Event()
        self.error: BaseException | None = None

    def note(self, text: str) -> None:
        self.notes.append(text)

    def progress(self, status: Mapping[str, Any]) -> None:
        if status["missing"] < status["repetitions"]:
            self.measured.set()
            if self.error is not None:
                raise self.error


class Bench:
    """A board behind a wire, and a sweep of one point for it."""

    def __init__(self, folder: Path, repetitions: int) -> None:
        self.sshd = Sshd(folder / "board")
        self.wire = Proxy(self.sshd.port)
        self.sshd.is_known_behind(self.wire)
        self.board = Board.model_validate(
            {
                "name": "there",
                "connect": self.sshd.connection(port=self.wire.port),
                "work_dir": "work",
                "lock_file": str(folder / "lock"),
                "python": sys.executable,
            }
        )
        self.folder = self.sshd.home / "job"
        self.folder.mkdir()
        (folder / "program.py").write_text(PROGRAM)
        point = {
            "id": "a", "operator": "conv", "species": "conv", "program": "conv-test",
            "tensor": "1-4-4-1-1-1-0", "batch_size": 1, "tuner": "NONE",
            "argv": [sys.executable, str(folder / "program.py")], "env": {},
            "repetitions": repetitions, "repetitions_per_process": 4, "timeout_s": 60,
            "protocol": "in-process", "warmup": "always", "checksum": "c",
        }  # fmt: skip
        self.plan = {
            "version": 1, "plan_id": "p", "sweep": "s", "study": "t", "seed": 1,
            "lock_file": str(folder / "lock"), "points": [point], "state": {},
        }  # fmt: skip
        self.repetitions = repetitions

    def run(self, watcher: Notes) -> dict[str, Any]:
        with patient(connect(self.board), self.board, watcher) as link:
            job = DetachedJob(link, self.board, watcher, "runner.py", str(self.folder), "p", "t")
            return job.run(lambda: self.plan, "the journal stays")

    def in_background(self, watcher: Notes) -> tuple[threading.Thread, list[dict[str, Any]]]:
        ends: list[dict[str, Any]] = []
        thread = threading.Thread(target=lambda: ends.append(self.run(watcher)), daemon=True)
        thread.start()
        assert watcher.measured.wait(120)
        return thread, ends

    def journal(self) -> list[int]:
        lines = (self.folder / "journal.jsonl").read_text().splitlines()[1:]
        return [json.loads(line)["repetition"] for line in lines]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, repetitions=24)
    yield bench
    bench.wire.mend()
    with connect(bench.board) as link:
        call(link, bench.board, "runner.py", "stop", str(bench.folder))
    bench.wire.close()
    bench.sshd.stop()


def test_a_cut_link_is_said_and_the_job_goes_on_to_its_end(bench: Bench) -> None:
    watcher = Notes()
    thread, ends = bench.in_background(watcher)
    bench.wire.cut()
    deadline = time.monotonic() + 40
    while not any("the board continues on its own" in note for note in watcher.notes):
        assert time.monotonic() < deadline, watcher.notes
        time.sleep(0.1)
    bench.wire.mend()
    thread.join(180)
    assert ends[0]["state"] == "done"
    assert bench.journal() == list(range(bench.repetitions))


def test_a_killed_job_is_started_again_and_loses_nothing(bench: Bench) -> None:
    watcher = Notes()
    thread, ends = bench.in_background(watcher)
    os.kill(json.loads((bench.folder / "status.json").read_text())["pid"], signal.SIGKILL)
    before = bench.journal()
    thread.join(240)
    assert ends[0]["state"] == "done"
    assert "ended without giving a reason: starting it again" in watcher.notes[0]
    assert bench.journal()[: len(before)] == before
    assert sorted(bench.journal()) == list(range(bench.repetitions))


def test_ctrl_c_stops_it_and_the_next_run_goes_on(bench: Bench) -> None:
    watcher = Notes()
    watcher.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        bench.run(watcher)
    assert watcher.notes == ["stopped: the journal stays"]
    measured = bench.journal()
    assert 0 < len(measured) < bench.repetitions
    time.sleep(1.5)
    assert bench.journal() == measured
