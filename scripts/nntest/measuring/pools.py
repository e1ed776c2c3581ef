"""Which board of a pool takes a sweep.

A library is measured on one board, all its sweeps: its journal is there, and a whole network stands
beside its layers.  So what boards take from a pool are libraries.  Which one has which is noted
beside the boards' results, for the run that goes on; a note is no lock: while a board measures for
one of our sweeps, that sweep's job holds the board's file lock, and the kernel gives it back
however the job ends.  Others who use the board are kept out by the board's own lock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from nntest.archives.missing import Missing, read_results
from nntest.archives.pools import refuse_other_kinds
from nntest.config.study import Study, Sweep
from nntest.errors import UserError
from nntest.measuring.progress import BoardBusy, NotWatched, Watcher

ASK_EVERY_S = 1.0
"""How often a job looks whether a board is free of our other sweeps."""
BUSY_EVERY_S = 15.0
"""How often boards are asked that all measure for others: each time with the whole plan."""

Measure = Callable[[Sweep, str], None]
"""Measure a sweep on the board that it says, with `on_busy_board` as given."""


def measure_on_its_board(
    study: Study, sweep: Sweep, results: Path, watcher: Watcher, measure: Measure
) -> None:
    """Measure a sweep on its board; one of a pool on the board that has its library, or takes it.

    A board is first waited for until it is free of our other sweeps.  One that fails (`UserError`)
    is left, and the next one takes the library from its beginning; if all have failed, the last
    one's error is raised.  results: the study's folder.
    """
    configured = study.config.on_busy_board
    if sweep.pool is None:
        with _take([sweep.board.name], sweep, results, watcher)[1]:
            measure(sweep, configured)
        return
    pool = sweep.pool.name
    usable = _usable(sweep, results, watcher)
    refuse_other_kinds(sweep.pool, list(usable.values()))
    left, busy = list(usable), set[str]()
    while True:
        began = board_of(sweep, results)
        free = [name for name in left if name not in busy]
        if began in left:
            names, policy = [began], configured
        elif free:
            names, policy = free, "fail"
        elif configured == "wait":
            watcher.note_once(f"waiting: all boards of pool {pool} measure for others")
            _pause(watcher, BUSY_EVERY_S)
            busy.clear()
            continue
        else:
            names, policy = left, configured
        name, lock = _take(names, sweep, results, watcher)
        with lock:
            watcher.note(f"on board {name}")
            try:
                measure(replace(sweep, board=study.board(name)), policy)
            except BoardBusy as error:
                if names is not free:
                    raise
                busy.add(name)
                watcher.note(error.message)
                _note(sweep, results).unlink(missing_ok=True)
            except NotWatched:
                raise
            except UserError as error:
                left.remove(name)
                if not left:
                    raise
                watcher.note(f"{error.message}; another board of pool {pool} takes {sweep.name}")
            else:
                return


def board_of(sweep: Sweep, results: Path) -> str:
    """Name of a sweep's board: of a pool's the one that took its library; empty: none has yet."""
    if sweep.pool is None:
        return sweep.board.name
    try:
        return _note(sweep, results).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _note(sweep: Sweep, results: Path) -> Path:
    return results / "boards" / sweep.place / f"{sweep.library.name}.board"


def _usable(sweep: Sweep, results: Path, watcher: Watcher) -> dict[str, Mapping[str, Any]]:
    """Facts of the boards that have the library, by name; `UserError` if none has."""
    found: dict[str, Mapping[str, Any]] = {}
    reasons = []
    for name in sweep.board_names:
        folder = results / "boards" / name
        try:
            read_results(folder / f"{sweep.library.name}.json")
            found[name] = read_results(folder / "facts.json")
        except Missing as missing:
            reasons.append(f"board {name}: {missing.message.removeprefix(f'board {name}: ')}")
    if not found:
        said = "\n  ".join(reasons)
        raise UserError(f"pool {sweep.place}: none of its boards can be used\n  {said}")
    for reason in reasons:
        watcher.note(f"left out: {reason}")
    return found


def _take(
    names: Sequence[str], sweep: Sweep, results: Path, watcher: Watcher
) -> tuple[str, FileLock]:
    """The first of these boards that is free of our other sweeps, and its lock, which is taken."""
    folder = results / "boards"
    (folder / sweep.place).mkdir(parents=True, exist_ok=True)
    while True:
        # One job chooses at a time: two sweeps of a library are to find each other's note.
        with FileLock(folder / sweep.place / ".choosing.lock"):
            noted = board_of(sweep, results)
            for name in [noted] if noted in names else names:
                lock = FileLock(folder / name / ".lock")
                try:
                    lock.acquire(timeout=0)
                except Timeout:
                    continue
                if sweep.pool is not None:
                    _note(sweep, results).write_text(name, encoding="utf-8")
                return name, lock
        watcher.note_once(f"waiting until {' or '.join(names)} is free of this run's other sweeps")
        _pause(watcher, ASK_EVERY_S)


def _pause(watcher: Watcher, seconds: float) -> None:
    if watcher.gone():
        raise NotWatched(
            "the workflow that started this has ended; nothing was started",
            "run the same command again: it follows a running job to its end",
        )
    time.sleep(seconds)
