"""The on-board runner of Collective Knowledge: what is run, what is run again, how runs end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from nntest.archives.ck import read_rows

ONBOARD = Path(__file__).resolve().parents[2] / "scripts" / "onboard"
STAND_IN = Path(__file__).with_name("stand_in_ck.py")
TENSORS = ("8-16-16-1-16-1-0", "16-8-8-3-8-1-1", "4-4-4-1-4-1-0")
KEYS = ("CK_IN_SHAPE_C", "CK_IN_SHAPE_H", "CK_IN_SHAPE_W", "CK_CONV_KERNEL", "CK_OUT_SHAPE_C")
KEYS += ("CK_CONV_STRIDE", "CK_CONV_PAD")


def point(tensor: str, tuner: str = "NONE", repetitions: int = 2) -> dict[str, Any]:
    return {
        "id": f"{abs(hash((tensor, tuner))) % 16**16:016x}",
        "operator": "conv",
        "species": "conv",
        "program": "conv-armcl-opencl",
        "tensor": tensor,
        "batch_size": 1,
        "tuner": tuner,
        "env": {"CK_LWS_TUNER_TYPE": tuner},
        "repetitions": repetitions,
        "repetitions_per_process": 1,
        "timeout_s": 1.0,
        "protocol": "process",
        "warmup": "always",
        "checksum": "1" * 64,
        "label": f"study-board-tuner-{tuner.lower()}-abcdef",
        "ck_env": {},
        "profile": False,
        "dataset": "tensor-conv-study",
        "variables": [
            [key, int(value)] for key, value in zip(KEYS, tensor.split("-"), strict=True)
        ],
    }


class Board:
    """A folder of a sweep, with a stand-in for CK."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "sweep"
        self.repos = folder / "repos"
        for path in (self.folder, self.repos / "local"):
            path.mkdir(parents=True)
        self.scenario()

    def scenario(self, **by_tensor: Any) -> None:
        content = {f"shape-{k}" if k[0].isdigit() else k: v for k, v in by_tensor.items()}
        (self.repos / "scenario.json").write_text(json.dumps(content))

    def plan(self, points: list[dict[str, Any]], plan_id: str = "one") -> None:
        ck = {
            "argv": [sys.executable, str(STAND_IN)],
            "environment": {"CK_REPOS": str(self.repos)},
            "path": [],
        }
        plan = {
            "plan_id": plan_id, "sweep": "board.library", "study": "study", "seed": 42,
            "lock_file": str(self.folder / "lock"), "points": points,
            "ck_run": {
                "ck": ck, "environment": "0123456789abcdef", "fixed_sleeps": False,
                "label": "study-board", "overhead_s": 6.0,
            },
            "ck": {
                "label": "study-board", "timestamp": "2026-01-02T03:04:05+00:00", "user": "me",
                "board": "board", "emulated": True, "library_tag": "library-1.0",
                "library": {"name": "library", "version": "1.0", "checksum": "1" * 64},
                "platform": {"name": "Board", "model": "Board", "vendor": ""},
                "cpu": {"name": "", "abi": "x86_64", "num_proc": 1},
                "os": {"name": "", "name_long": "", "abi": "", "bits": "64"},
                "gpgpu": {}, "datasets": {"conv": "tensor-conv-study"}, "facts": {},
            },
        }  # fmt: skip
        (self.folder / "plan.json").write_text(json.dumps(plan))

    def call(self, *arguments: str) -> dict[str, Any]:
        command = [sys.executable, str(ONBOARD / "ck_runner.py"), arguments[0], str(self.folder)]
        done = subprocess.run(
            [*command, *arguments[1:]], capture_output=True, text=True, check=False
        )
        return dict(json.loads(done.stdout))

    def status(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "status.json").read_text()))

    def start(self) -> None:
        assert self.call("start")["state"] == "started"

    def wait(self, *states: str) -> dict[str, Any]:
        deadline = time.monotonic() + 120
        while self.status()["state"] not in states:
            assert time.monotonic() < deadline, (self.folder / "runner.log").read_text()
            time.sleep(0.05)
        while states != ("running",) and self.call("status")["running"]:
            time.sleep(0.05)
        return self.status()

    def sweep(self) -> dict[str, Any]:
        self.start()
        return self.wait("done", "failed", "stopped")

    def runs(self) -> list[tuple[str, dict[str, Any]]]:
        path = self.repos / "runs.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]

    def journal(self) -> list[dict[str, Any]]:
        lines = (self.folder / "journal.jsonl").read_text().splitlines()
        return [line for line in map(json.loads, lines) if "point" in line]

    def rows(self) -> list[dict[str, Any]]:
        out = self.folder / "out.zip"
        packed = self.call("pack", str(out))
        assert packed["state"] == "packed", packed
        return list(read_rows(out))


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


def test_a_sweep_is_one_run_for_each_program_and_tuner(board: Board) -> None:
    points = [point(tensor, tuner) for tuner in ("NONE", "DEFAULT") for tensor in TENSORS]
    board.plan(points)
    status = board.sweep()
    assert (status["state"], status["done"], status["failed_points"]) == ("done", 12, 0)
    runs = board.runs()
    assert [named["handed"]["env"]["CK_LWS_TUNER_TYPE"] for _, named in runs] == ["NONE", "DEFAULT"]
    for program, named in runs:
        assert program == "conv-armcl-opencl"
        assert named["dataset_file"] == ",".join(f"shape-{tensor}" for tensor in TENSORS)
        assert (named["repetitions"], named["iterations"]) == ("2", "1")
        assert named["library"] == "0123456789abcdef"
        assert named["handed"]["custom_autotuning"] == {"sleep": 0}
    rows = board.rows()
    assert len(rows) == 12
    assert {(row["board"], row["emulated"], row["library"]) for row in rows} == {
        ("", True, "library-1.0")
    }
    assert {row["platform"] for row in rows} == {"Board"}
    board.plan(points, "two")
    assert board.sweep()["done"] == 12
    assert len(board.runs()) == 2, "what is whole was run again"


def test_tensors_that_no_data_set_has_are_written_as_ck_wants_them(board: Board) -> None:
    board.plan([point(TENSORS[1])])
    board.sweep()
    folder = board.repos / "local/dataset/tensor-conv-nntest-flow"
    assert (folder / f"shape-{TENSORS[1]}").read_bytes() == b""
    values = json.loads((folder / f"shape-{TENSORS[1]}.json").read_text())
    assert list(values) == list(KEYS)
    assert values["CK_OUT_SHAPE_C"] == 8
    board.plan([point(TENSORS[0])], "two")
    board.sweep()
    meta = json.loads((folder / ".cm/meta.json").read_text())
    assert meta["dataset_files"] == [f"shape-{TENSORS[1]}", f"shape-{TENSORS[0]}"]


def test_failures_inside_exit_status_0(board: Board) -> None:
    board.scenario(**{TENSORS[0]: "abort", TENSORS[1]: "wrong"})
    board.plan([point(tensor) for tensor in TENSORS])
    status = board.sweep()
    assert (status["done"], status["failed_points"]) == (2, 2)
    by_tensor = {row["tensor"]: row for row in board.rows()}
    assert by_tensor[TENSORS[0]]["status"] == "failed"
    assert "tmp-ck-timer" in by_tensor[TENSORS[0]]["reason"]
    assert by_tensor[TENSORS[1]]["status"] == "wrong-output"
    assert by_tensor[TENSORS[2]]["status"] == "ok"
    # The abort may have been the moment's and is tried again; the wrong output is not.
    board.scenario()
    assert board.sweep()["failed_points"] == 1
    assert board.runs()[-1][1]["dataset_file"] == f"shape-{TENSORS[0]}"
    assert sorted(row["status"] for row in board.rows()) == ["ok"] * 4 + ["wrong-output"]


@pytest.mark.parametrize(("how", "status"), [("die", "failed"), ("hang", "timeout")])
def test_a_point_at_which_ck_ends_is_told_and_the_others_are_run(
    board: Board, how: str, status: str
) -> None:
    board.scenario(**{TENSORS[1]: how})
    board.plan([point(tensor) for tensor in TENSORS])
    assert board.sweep()["failed_points"] == 1
    assert len(board.runs()) == 2
    rows = {row["tensor"]: row for row in board.rows()}
    assert {tensor: rows[tensor]["status"] for tensor in TENSORS} == {
        TENSORS[0]: "ok",
        TENSORS[1]: status,
        TENSORS[2]: "ok",
    }
    if how == "die":
        assert "the profiler's parser" in rows[TENSORS[1]]["reason"]


def test_more_repetitions_go_into_a_further_entry(board: Board) -> None:
    board.plan([point(TENSORS[0])])
    board.sweep()
    board.plan([point(TENSORS[0], repetitions=5)], "two")
    assert board.sweep()["done"] == 5
    assert board.runs()[-1][1]["repetitions"] == "3"
    assert board.runs()[-1][1]["timestamp"].endswith("-2")
    assert [line["repetition"] for line in board.journal()] == [0, 1, 2, 3, 4]
    assert len(board.rows()) == 5


def test_a_killed_runner_takes_ck_with_it_and_goes_on_from_its_records(board: Board) -> None:
    board.scenario(seconds=2)
    board.plan([point(tensor) for tensor in TENSORS])
    board.start()
    entry = board.repos / "local/experiment"
    deadline = time.monotonic() + 60
    while not list(entry.glob("*/*.0001.json")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(board.status()["pid"], signal.SIGKILL)
    time.sleep(5)  # In which it would have come to the end of all.
    recorded = len(list(entry.glob("*/*.0001.json")))
    assert recorded < len(TENSORS), "CK went on without its runner"
    board.scenario()
    status = board.sweep()
    assert (status["done"], status["failed_points"]) == (6, 0)
    rerun = board.runs()[-1][1]["dataset_file"].split(",")
    assert len(rerun) == len(TENSORS) - recorded
    assert len(board.rows()) == 6


def test_a_stop_ends_ck_at_once(board: Board) -> None:
    board.scenario(**{TENSORS[0]: "hang"})
    board.plan([point(TENSORS[0]) | {"timeout_s": 100}])
    board.start()
    while not (board.repos / "runs.jsonl").exists():
        time.sleep(0.02)
    board.call("stop")
    assert board.wait("stopped", "done", "failed")["state"] == "stopped"
    assert board.journal() == []


def test_what_stops_ck_before_the_first_point_ends_the_sweep(board: Board) -> None:
    board.scenario(before="expected at least one library environment")
    board.plan([point(TENSORS[0])])
    status = board.sweep()
    assert status["state"] == "failed"
    assert "measured nothing: [nntest] expected at least one library" in status["message"]


def test_records_that_were_removed_are_measured_again(board: Board) -> None:
    board.plan([point(TENSORS[0])])
    board.sweep()
    for file in (board.repos / "local/experiment").glob("*/ckp-*"):
        file.unlink()
    assert board.sweep()["done"] == 2
    assert len(board.runs()) == 2


def test_points_that_the_plan_no_longer_has_are_not_in_the_archive(board: Board) -> None:
    board.plan([point(tensor) for tensor in TENSORS])
    board.sweep()
    board.plan([point(TENSORS[1])], "two")
    board.sweep()
    assert {row["tensor"] for row in board.rows()} == {TENSORS[1]}
