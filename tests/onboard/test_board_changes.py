"""What of a board changed between the looks of sweeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import board_changes
import pytest
from board_changes import BoardChanges


class Bench:
    """A sweep's folder, a clock and a library of two files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.policy = folder / "policy0"
        self.policy.mkdir()
        self.governor("ondemand")
        self.library = folder / "lib"
        self.library.mkdir()
        for name in ("liba.so", "libb.so"):
            (self.library / name).write_text(name)

    def governor(self, name: str) -> None:
        (self.policy / "scaling_governor").write_text(f"{name}\n")

    def sweep(self) -> BoardChanges:
        watch = {"governors": [str(self.policy)], "library": [f"{self.library}/*.so"]}
        return BoardChanges(str(self.folder), watch)

    def kept(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "board-changes.json").read_text()))

    def changes(self) -> list[str]:
        return [change["what"] for change in self.kept()["changes"]]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(board_changes, "busy_cores", lambda seconds: 0.1)
    return Bench(tmp_path)


def test_a_board_that_stays_as_it_is_has_no_changes(bench: Bench) -> None:
    for _ in range(2):
        sweep = bench.sweep()
        sweep.look()
        sweep.look()
    assert bench.changes() == []
    assert bench.kept()["state"]["governors"] == {str(bench.policy): "ondemand"}


def test_a_change_within_a_sweep_and_one_between_sweeps_are_kept(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = bench.sweep()
    sweep.look()
    bench.governor("powersave")
    sweep.look()
    monkeypatch.setattr(board_changes, "kernel", lambda: "Linux 7.0 #1")
    (bench.library / "libb.so").write_text("another")
    later = bench.sweep()
    later.look()
    later.look()
    first, second, third = bench.changes()
    assert first == "the governor of policy0 was ondemand and is powersave"
    assert second.startswith("the kernel was Linux")
    assert second.endswith("and is Linux 7.0 #1")
    assert third == "the library's files are others: libb.so"


def test_many_files_are_counted_and_a_removed_one_is_a_change(bench: Bench) -> None:
    bench.sweep().look()
    for number in range(4):
        (bench.library / f"lib{number}.so").write_text("new")
    (bench.library / "libb.so").unlink()
    bench.sweep().look()
    assert bench.changes() == [
        "the library's files are others: lib0.so, lib1.so, lib2.so and 2 more"
    ]


def test_load_is_compared_within_a_sweep_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = iter([0.1, 1.7, 0.0, 0.3, None, 2.0])
    monkeypatch.setattr(board_changes, "busy_cores", lambda seconds: next(loads))
    for _ in range(3):
        sweep = bench.sweep()
        sweep.look()
        sweep.look()
    assert bench.changes() == [
        "other programs kept 0.1 cores busy before the sweep and 1.7 after it"
    ]


@pytest.mark.parametrize(
    "content",
    ["", "no JSON", "[]", "{}", '{"state": 1, "changes": []}', '{"state": {"kernel": "x"}}',
     '{"state": {"kernel": "x", "governors": [], "library": {}}, "changes": []}'],
)  # fmt: skip
def test_a_damaged_record_counts_for_none(bench: Bench, content: str) -> None:
    (bench.folder / "board-changes.json").write_text(content)
    bench.sweep().look()
    assert bench.changes() == []


def test_a_folder_that_takes_no_record_is_no_error(bench: Bench) -> None:
    sweep = bench.sweep()
    (bench.folder / "board-changes.json.new").mkdir()
    sweep.look()


def test_busy_cores_are_a_figure_of_this_machine() -> None:
    busy = board_changes.busy_cores(0.1)
    assert busy is None or -0.01 <= busy <= (board_changes.os.cpu_count() or 1)
