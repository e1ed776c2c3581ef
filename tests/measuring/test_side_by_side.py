"""Two releases beside each other, and the whole of `nntest bisect` on releases made up here."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from commands.command_line import nntest
from nntest.commands import bisect
from nntest.measuring.libraries import pip as pip_library

VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4")
PROGRAM = """
import json, os, sys, time
sys.path.insert(0, {site!r})
import ncnn
first = int(os.environ["NNTEST_FIRST_REPETITION"])
noisy = os.path.exists({noisy!r})
for number in range(first, first + int(os.environ["NNTEST_REPETITIONS"])):
    seconds = ncnn.SECONDS * (1 + 0.001 * (time.time_ns() % 7))
    lost = seconds * (1 + time.time_ns() % 7) if noisy and number % 3 else 0.0
    state = {{"waited_s": lost, "dispatches": 1, "stolen_s": 0.0, "major_faults": 0}}
    record = {{"repetition": number, "execution_time_kernel_0": 0.1, "tuning_s": 0.0,
              "execution_time_kernel_1": seconds + lost,
              "run_time_state": {{"disturbance": state}}, "started_at": "2026-01-01T00:00:00+00:00",
              "output_check": {{"ok": True, "max_abs_diff": 0.0, "threshold": 1.0}}}}
    with open("tmp-nntest-repetitions.jsonl", "a") as file:
        file.write(json.dumps(record) + "\\n")
"""
LIBRARY = """
kind: pip
adapter: ncnn
version: "1.4"
install: {way: pip, lock: ncnn.lock}
settings: {DEFAULT: {}}
operators: {conv: {tuners: [DEFAULT]}}
protocol: in-process
"""
PIN = "ncnn=={} --hash=sha256:" + "0" * 64 + "\n"
BOARD = """
description: this machine
connect: {transport: local}
"""


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a library file and a board file; 1.2 and later are slower, 1.1 is broken."""
    monkeypatch.setattr(bisect, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(bisect, "releases", lambda package, target, where: list(VERSIONS))
    (tmp_path / "ncnn.yaml").write_text(LIBRARY)
    (tmp_path / "ncnn.lock").write_text(PIN.format("1.4"))
    board = f"{BOARD}work_dir: {tmp_path}/board\nlock_file: {tmp_path}/board.lock\n"
    (tmp_path / "here.yaml").write_text(board)

    def lock(path: Path, python: str) -> Path:
        release = path.parent.name
        path.with_suffix(".lock").write_text(PIN.format(release))
        return path

    def install(self: Any, transport: Any, board: Any, facts: Any) -> pip_library.Installed:
        release = self.library.version
        site = tmp_path / "site" / release
        site.mkdir(parents=True, exist_ok=True)
        slow = release in ("1.2", "1.3", "1.4")
        broken = "raise ImportError('broken')" if release == "1.1" else ""
        (site / "ncnn.py").write_text(f"SECONDS = {0.0015 if slow else 0.001}\n{broken}\n")
        (site / "program.py").write_text(
            PROGRAM.format(site=str(site), noisy=str(tmp_path / "noisy"))
        )
        return pip_library.Installed("ncnn", release, f"ncnn-{release}", release, {"name": "x"})

    def argv(self: Any, board: Any, programs: str, operator: str) -> list[str]:
        return [sys.executable, str(tmp_path / "site" / self.library.version / "program.py")]

    monkeypatch.setattr(bisect, "write_lock", lock)
    monkeypatch.setattr(pip_library.PipLibrary, "install", install)
    monkeypatch.setattr(pip_library.PipLibrary, "argv", argv)
    return tmp_path


def run(folder: Path, *more: str, good: str = "1.0", bad: str = "1.4", point: str = "") -> Any:
    return nntest(
        "bisect", folder / "ncnn.yaml", "--board", folder / "here.yaml", "--good", good,
        "--bad", bad, "--point", point or "conv DEFAULT 16-7-7-1-24-1-0", *more,
    )  # fmt: skip


def test_names_the_first_slow_release_and_passes_over_a_broken_one(made_up: Path) -> None:
    done = run(made_up, "--repetitions", "2")
    assert done.status == 0, done.stderr + done.stdout
    assert "first slow release: 1.2 (previous: 1.0; not measured: 1.1), 1." in done.stdout
    assert "confidence 95 %" in done.stdout.replace("95%", "95 %")
    assert "1.1: passed over: crashed" in done.stdout
    # Both releases of a pair come in turn: neither has all of its processes first.
    turns = []
    for journal in (made_up / "board" / "bisect").glob("*/journal.jsonl"):
        lines = [json.loads(line) for line in journal.read_text().splitlines()]
        order = [line["point"] for line in lines if line.get("status") == "ok"][::2]
        if len(set(order)) == 2:  # the pair with the broken release has the good one alone
            turns.append(order)
    assert turns and all(len(set(order[:2])) == 2 for order in turns)


def test_runs_that_were_disturbed_do_not_count(made_up: Path) -> None:
    """Two of three runs take two to eight times as long, for a reason that is not the release's."""
    (made_up / "noisy").touch()
    done = run(made_up, "--repetitions", "3")
    assert done.status == 0, done.stderr + done.stdout
    ratio = re.search(
        r"^1\.4: slow: (\S+) times .* (\S+) to (\S+)\), 6 processes", done.stdout, re.M
    )
    assert ratio is not None, done.stdout
    assert 1.4 < float(ratio[2]) < 1.5 < float(ratio[3]) < 1.6


def test_what_is_not_slower_or_not_decided_is_said(made_up: Path) -> None:
    done = run(made_up, "--repetitions", "1", good="1.2")
    assert done.status == 1 and "1.4 is not slower than 1.2 by 10%" in done.stdout
    done = run(made_up, "--repetitions", "1", "--processes", "3")
    assert done.status == 1 and "cannot be decided with this budget" in done.stdout


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"good": "1.4", "bad": "1.0"}, "--bad has to be later"),
        ({"bad": "7.0"}, "ncnn 7.0 has no wheel for this board"),
        ({"good": "one"}, "--good one"),
        ({"point": "conv 16-7-7-1-24-1-0"}, "is not an operator, a tuner and a tensor"),
        ({"point": "network DEFAULT mobilenet"}, "is not an operator, a tuner and a tensor"),
    ],
)
def test_a_wrong_question_is_one_message(made_up: Path, changes: Any, said: str) -> None:
    done = run(made_up, **changes)
    assert done.status == 1 and said in done.stderr
    assert "Traceback" not in done.stderr
