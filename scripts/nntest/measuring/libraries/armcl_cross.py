"""Arm Compute Library built on this machine for a board, checked against the board, sent there.

What is built lies in `.cache/armcl/` of the working directory, by the same key as on the board: a
second board of its kind gets the same files.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from nntest.config.board import Board
from nntest.measuring.libraries.armcl_board import TIMEOUT_S, Place, jobs, need_room
from nntest.measuring.libraries.armcl_source import Recipe, SourceBuild, read_record
from nntest.measuring.libraries.binaries import check_runs
from nntest.measuring.onboard import absolute_root
from nntest.measuring.progress import Watcher
from nntest.measuring.transport import Transport, connect

WORKSHOP = Path(".cache") / "armcl"
ROOM_MB = 150
"""On the board: the libraries (18.05 with everything: 40 MB) and their headers."""


@contextmanager
def workshop() -> Iterator[tuple[Board, Transport]]:
    """The machine that we run on, as a board whose work folder is the workshop."""
    WORKSHOP.mkdir(parents=True, exist_ok=True)
    board = Board.model_validate(
        {"name": "this-machine", "connect": {"transport": "local"}, "work_dir": str(WORKSHOP)}
    )
    with connect(board) as transport:
        yield board, transport


def build_here(
    transport: Transport,
    board: Board,
    recipe: Recipe,
    place: Place,
    watcher: Watcher,
) -> tuple[dict[str, Any], Path]:
    """Build the library here unless it is built, and send it to `place` of the board.

    (The record of how it was built, where it lies here with its headers.)  Raises `UserError`:
    what `SourceBuild.run` raises, and a library that the board cannot run.
    """
    with workshop() as (own, here):
        local = Place(place.where, absolute_root(here, own), place.key)
        facts = {
            "cpus": [{"cores": len(os.sched_getaffinity(0))}],
            "memory_mb": psutil.virtual_memory().total >> 20,
        }
        with _alone(local, watcher):
            record = SourceBuild(here, own, recipe, jobs(facts), local, watcher).run()
    library = Path(local.library)
    if read_record(transport, place) is not None:
        return record, library
    check_runs(sorted((library / "lib").iterdir()), transport, board, place.where)
    watcher.note("sending the library to the board")
    parent = posixpath.dirname(place.library)
    transport.run(["mkdir", "-p", parent], timeout_s=TIMEOUT_S).check(place.where)
    need_room(transport, parent, ROOM_MB, place.where)
    fresh = f"{place.library}.new"
    transport.run(["rm", "-rf", fresh, place.library], timeout_s=TIMEOUT_S).check(place.where)
    transport.put(library, fresh)
    transport.run(["mv", fresh, place.library], timeout_s=TIMEOUT_S).check(place.where)
    return record, library


@contextmanager
def _alone(place: Place, watcher: Watcher) -> Iterator[None]:
    """Hold the lock of a build: two boards of a kind would put its sources in place at once."""
    lock = FileLock(f"{place.root}/{place.key}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        watcher.note("waiting: the same library is being built for another board")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
