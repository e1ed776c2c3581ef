"""Which board of a pool takes a library, keeps it, and loses it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from archives.test_pools import FACTS
from filelock import FileLock
from nntest.archives.missing import write_missing
from nntest.config import Board, Pool
from nntest.config.study import Sweep
from nntest.errors import UserError
from nntest.measuring import pools
from nntest.measuring.pools import board_of, measure_on_its_board
from nntest.measuring.progress import BoardBusy, NotWatched, Watcher

NAMES = ["a", "b"]
LIBRARIES = ["x", "y", "z"]


class Bench:
    """A pool of boards that were probed and have all libraries, and what was measured where."""

    def __init__(self, results: Path, on_busy_board: str = "wait") -> None:
        self.results = results
        self.boards = [
            Board.model_validate(
                {"name": name, "connect": {"transport": "ssh", "host": name}, "work_dir": "w"}
            )
            for name in NAMES
        ]
        self.study: Any = SimpleNamespace(
            config=SimpleNamespace(on_busy_board=on_busy_board),
            board=lambda name: self.boards[NAMES.index(name)],
        )
        self.notes: list[str] = []
        self.watcher = Watcher()
        self.watcher.note = self.notes.append  # type: ignore[method-assign]
        self.done: list[tuple[str, str, str]] = []
        """(library, board, what is to be done if it is busy)."""
        for name in NAMES:
            (results / "boards" / name).mkdir(parents=True)
            self.file(name, "facts").write_text(json.dumps({**FACTS, "board": name}))
            for library in LIBRARIES:
                self.file(name, library).write_text("{}")

    def file(self, board: str, name: str) -> Path:
        return self.results / "boards" / board / f"{name}.json"

    def sweep(self, library: str) -> Sweep:
        pool = Pool(name="p", pool=NAMES)
        named: Any = SimpleNamespace(name=library)
        return Sweep(f"p.{library}", self.boards[0], named, (), pool)

    def measure(self, library: str, meanwhile: Callable[[str], object] = lambda _: None) -> None:
        """Measure a library; `meanwhile` is done on the board that is chosen, by its name."""

        def on_board(sweep: Sweep, on_busy_board: str) -> None:
            meanwhile(sweep.board.name)
            self.done.append((library, sweep.board.name, on_busy_board))

        sweep = self.sweep(library)
        measure_on_its_board(self.study, sweep, self.results, self.watcher, on_board)


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "ASK_EVERY_S", 0.01)
    monkeypatch.setattr(pools, "BUSY_EVERY_S", 0.01)


def test_two_at_once_take_two_boards_and_a_third_waits_for_one_that_is_free(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    together, third = threading.Barrier(3, timeout=30), threading.Event()

    def until_the_third_waits(_: str) -> None:
        together.wait()
        assert third.wait(30)

    threads = [
        threading.Thread(target=bench.measure, args=(library, until_the_third_waits))
        for library in "xy"
    ]
    for thread in threads:
        thread.start()
    together.wait()
    bench.watcher.note = lambda _: third.set()  # type: ignore[method-assign]
    bench.measure("z")
    for thread in threads:
        thread.join(30)
    assert {board for library, board, _ in bench.done if library != "z"} == {"a", "b"}
    assert len(bench.done) == 3


def test_a_library_stays_on_the_board_that_has_it_also_if_that_is_not_the_first(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    with FileLock(tmp_path / "boards/a/.lock"):
        bench.measure("x")
    bench.measure("x")
    bench.measure("y")
    assert bench.done == [("x", "b", "fail"), ("x", "b", "wait"), ("y", "a", "fail")]
    assert board_of(bench.sweep("x"), tmp_path) == "b"


def test_what_was_interrupted_goes_on_on_the_same_board(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with FileLock(tmp_path / "boards/a/.lock"), pytest.raises(KeyboardInterrupt):
        bench.measure("x", interrupt)
    bench.measure("x")
    assert bench.done == [("x", "b", "wait")]


def test_what_is_for_one_board_waits_until_that_is_free(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    alone = Sweep("a.x", bench.boards[0], SimpleNamespace(name="x"), ())  # type: ignore[arg-type]
    done: list[str] = []
    held = FileLock(tmp_path / "boards/a/.lock")
    held.acquire()

    def free(text: str) -> None:
        bench.notes.append(text)
        held.release()

    bench.watcher.note = free  # type: ignore[method-assign]
    measure_on_its_board(
        bench.study, alone, tmp_path, bench.watcher, lambda _, busy: done.append(busy)
    )
    assert done == ["wait"]
    assert bench.notes == ["waiting until a is free of this run's other sweeps"]
    assert board_of(bench.sweep("x"), tmp_path) == "", "it takes no library"


def fails_on(*names: str) -> Callable[[str], None]:
    def fail(name: str) -> None:
        if name in names:
            raise UserError(f"board {name}: it is dead")

    return fail


def test_the_next_board_takes_what_a_failing_one_has_begun(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.measure("x")
    bench.measure("x", fails_on("a"))
    bench.measure("x")
    assert [board for _, board, _ in bench.done] == ["a", "b", "b"]
    assert "board a: it is dead; another board of pool p takes p.x" in bench.notes


def test_if_every_board_fails_the_last_ones_reason_is_the_error(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with pytest.raises(UserError, match="board b: it is dead"):
        bench.measure("x", fails_on("a", "b"))


def test_a_board_without_the_library_is_left_out_and_said(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    write_missing(bench.file("a", "x"), "board a: no compiler")
    bench.measure("x")
    assert bench.done == [("x", "b", "fail")]
    assert "left out: board a: no compiler" in bench.notes
    write_missing(bench.file("b", "facts"), "no route to it")
    with pytest.raises(UserError, match=r"none of its boards can be used\n  board a: no compiler"):
        bench.measure("x")


def test_boards_of_two_kinds_measure_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.file("b", "facts").write_text(json.dumps({**FACTS, "board": "b", "model": "other"}))
    with pytest.raises(UserError, match="not of one kind: model Firefly on a, other on b"):
        bench.measure("x")
    assert bench.done == []


def busy_on(*names: str, times: int = 99) -> Callable[[str], None]:
    """These boards measure for somebody else, when they are first asked."""
    asked: list[str] = []

    def refuse(name: str) -> None:
        asked.append(name)
        if name in names and asked.count(name) <= times:
            raise BoardBusy(f"board {name} is measuring for eve")

    return refuse


@pytest.mark.parametrize("on_busy_board", ["wait", "fail", "take-over"])
def test_a_board_that_measures_for_others_is_passed_over(
    tmp_path: Path, on_busy_board: str
) -> None:
    bench = Bench(tmp_path, on_busy_board)
    bench.measure("x", busy_on("a"))
    assert bench.done == [("x", "b", "fail")]
    assert "board a is measuring for eve" in bench.notes


def test_when_all_measure_for_others_the_first_that_is_free_again_is_taken(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.measure("x", busy_on("a", "b", times=1))
    assert bench.done == [("x", "a", "fail")]
    assert "waiting: all boards of pool p measure for others" in bench.notes


def test_when_all_measure_for_others_a_study_that_does_not_wait_fails_or_takes_over(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path / "1", "fail")
    with pytest.raises(BoardBusy, match="is measuring for eve"):
        bench.measure("x", busy_on("a", "b"))
    bench = Bench(tmp_path / "2", "take-over")
    bench.measure("x", busy_on("a", "b", times=1))
    assert bench.done == [("x", "a", "take-over")]


def test_a_job_whose_workflow_has_ended_waits_for_no_board(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.watcher.gone = lambda: True
    a, b = (FileLock(tmp_path / f"boards/{name}/.lock") for name in NAMES)
    with a, b, pytest.raises(NotWatched, match="nothing was started"):
        bench.measure("x")
