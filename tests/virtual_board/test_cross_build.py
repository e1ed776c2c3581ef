"""A library built by scons on this machine for an aarch64 board, sent there and loaded there.

A small library with Arm Compute Library's layout, by Debian's real cross compiler.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from measuring.libraries.scons_library import Compiler, stop_build, write_repository
from nntest.config import Board, Library
from nntest.errors import UserError
from nntest.measuring.libraries.armcl_provide import Provision
from nntest.measuring.libraries.binaries import read_binary
from nntest.measuring.probe import probe
from nntest.measuring.progress import Watcher
from nntest.measuring.transport import Transport
from virtual_board.own_board import VirtualBoard

pytestmark = pytest.mark.virtual_board

LOAD = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1])._Z5part3v())"


class Bench:
    """The library's file, and what is needed to have it on the board."""

    def __init__(self, folder: Path, transport: Transport, board: Board) -> None:
        self.compiler = Compiler(folder / "compiler", "aarch64-linux-gnu-")
        way = {
            **{"way": "source", "where": "here", "neon": False, "jobs": 2},
            **{"git": str(write_repository(folder / "sources")), "tag": "v18.05"},
            "compiler": self.compiler.path.name,
        }
        self.content: dict[str, Any] = {
            **{"name": "armcl", "kind": "armcl-opencl", "version": "18.05"},
            **{"operators": {"conv": {}}, "install": way},
        }
        self.transport = transport
        self.facts, _ = probe(transport, board)

    def provide(
        self, board: Board, gone: Any = lambda: False, **changes: Any
    ) -> tuple[str | None, dict[str, Any]]:
        """Where it is on the board, and its record."""
        content = {**self.content, "install": {**self.content["install"], **changes}}
        library = Library.model_validate(content)
        where = f"board {board.name}, library armcl"
        return Provision(
            self.transport, board, library, self.facts, where, Watcher(gone=gone)
        ).provide()


@pytest.fixture
def bench(
    tmp_path: Path, transport: Transport, running: VirtualBoard, monkeypatch: pytest.MonkeyPatch
) -> Bench:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'compiler'}{os.pathsep}{os.environ['PATH']}")
    return Bench(tmp_path, transport, running.board)


def board_in(machine: VirtualBoard, folder: str) -> Board:
    """The board with a work folder of its own: another board of the same kind."""
    return machine.board.model_copy(update={"work_dir": folder})


def test_a_killed_build_goes_on_and_serves_two_boards(
    bench: Bench, running: VirtualBoard, tmp_path: Path
) -> None:
    first, second = board_in(running, "cross-first"), board_in(running, "cross-second")
    bench.compiler.stop_after(3)
    build = tmp_path / ".cache" / "armcl" / "armcl" / "build"
    try:
        with pytest.raises(UserError, match="has ended"):
            bench.provide(first, gone=lambda: len(bench.compiler.objects()) > 3)
        (folder,) = build.iterdir()
        stop_build(folder)
    finally:
        bench.compiler.hook.unlink()
    before = bench.compiler.objects()

    prefix, record = bench.provide(first)
    again = bench.compiler.objects()[len(before) :]
    assert len(set(before) & set(again)) <= 2, "only what was being compiled"
    assert {"build=cross_compile", "arch=arm64-v8a"} <= set(record["scons_words"])
    other, same = bench.provide(second)
    assert same == record
    assert len(bench.compiler.objects()) == len(before) + len(again)

    for folder_there in (prefix, other):
        library = f"{folder_there}/lib/libarm_compute.so"
        content = bench.transport.read(library)
        assert content is not None and read_binary(content, library).machine == "aarch64"
        said = bench.transport.run(["python3", "-c", LOAD, library], timeout_s=120).check("load")
        assert said.stdout.strip() == "3", "it runs on the board"


def test_a_compiler_that_the_library_would_not_call_is_refused(
    bench: Bench, running: VirtualBoard
) -> None:
    with pytest.raises(UserError, match="call aarch64-linux-gnu-… and nothing else"):
        bench.provide(running.board, compiler="g++")
    assert bench.compiler.objects() == []
