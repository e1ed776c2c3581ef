"""What a soak counts is found where it is there, and nowhere else."""

from __future__ import annotations

import fcntl
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from measuring.transport.sshd import soon
from soak_counts import count_rows, files_left, has_grown, locks_left, processes_in

PLAN = {
    "points": [
        {"id": name, "operator": "conv", "tuner": "NONE", "tensor": name, "repetitions": 2}
        for name in ("a", "b")
    ]
}


def study() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Journal and archive of a sound run; another plan's line among them."""
    lines = [
        {"point": name, "repetition": n, "status": "ok", "started_at": f"{name}{n}"}
        for name in ("a", "b", "other")
        for n in range(2)
    ]
    rows = [
        {"operator": "conv", "tuner": "NONE", "tensor": name, "started_at": f"{name}{n}"}
        for name in ("a", "b")
        for n in range(2)
    ]
    return [{"journal": "x"}, *lines], rows


def wrong(lines: list[dict[str, Any]], rows: list[dict[str, Any]]) -> dict[str, int]:
    return {name: count for name, count in count_rows(PLAN, lines, rows).items() if count}


def test_a_sound_run_has_nothing_wrong() -> None:
    assert wrong(*study()) == {}


def test_every_fault_is_counted_under_its_name() -> None:
    lines, rows = study()
    assert wrong(lines[:1] + lines[2:], rows[1:]) == {"lost": 1}
    assert wrong(lines, rows[1:]) == {"lost": 1}
    assert wrong([*lines, {**lines[1], "started_at": "later"}], rows) == {"doubled": 1, "lost": 1}
    assert wrong(lines, [*rows, rows[0]]) == {"doubled": 1}
    foreign = {**rows[0], "tensor": "other", "started_at": "other0"}
    assert wrong(lines, [*rows, foreign]) == {"foreign": 1}
    assert wrong(lines, [{**rows[0], "tensor": "b"}, *rows[1:]]) == {"mislabelled": 1}
    failed = {"point": "a", "repetition": 1, "status": "timeout", "started_at": "x"}
    assert wrong([*lines, failed], rows) == {"failed": 1}


def test_a_process_that_names_the_folder_or_works_in_it_is_found(tmp_path: Path) -> None:
    assert processes_in(tmp_path, []) == []
    with subprocess.Popen(["sleep", "60"], cwd=tmp_path) as left:
        soon(lambda: len(processes_in(tmp_path, [])) == 1)
        assert processes_in(tmp_path, [left.pid]) == []
        left.kill()
    assert processes_in(tmp_path, []) == []


def test_files_that_do_not_belong_are_found(tmp_path: Path) -> None:
    home, results = tmp_path / "home", tmp_path / "results"
    work = home / "work"
    study = work / "studies"
    study.mkdir(parents=True)
    results.mkdir()
    for name in ("journal.jsonl", "status.json", "tuner-table-1.json"):
        (study / name).touch()
    assert files_left(home, work, study, results) == []
    odd = [home / ".stray", study / "stop", results / "a.zip.part", work / "x.json.new"]
    for path in odd:
        path.touch()
    assert Counter(files_left(home, work, study, results)) == Counter(map(str, odd))


def test_a_lock_that_is_held_is_found(tmp_path: Path) -> None:
    held, free = tmp_path / "held", tmp_path / "free"
    with held.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert locks_left([held, free]) == [str(held)]
    assert locks_left([held, free]) == []


@pytest.mark.parametrize(
    ("peaks", "grown"),
    [([100] * 9, False), ([100, 101, 99, 150, 100, 100, 130, 131, 129], True), ([1, 9], False)],
)
def test_memory_that_grows_from_round_to_round(peaks: list[float], grown: bool) -> None:
    assert has_grown(peaks) is grown
