"""Programs that were compiled here against what a board has."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest
from nntest.config import Board
from nntest.errors import UserError
from nntest.measuring.libraries.binaries import check_runs, read_binary
from nntest.measuring.transport.local import LocalTransport

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")

OLD = "int first() { return 1; }\n"
NEW = OLD + "int second() { return 2; }\n"
VERSIONS = {"old": "PART_1.9 { global: first; };", "new": "PART_1.10 { global: second; } PART_1.9;"}


def compile_with(compiler: str, target: Path, source: str, *options: str) -> Path:
    path = target.with_suffix(".c")
    path.write_text(source)
    subprocess.run([compiler, "-x", "c", path, "-x", "none", "-o", target, *options], check=True)
    return target


def shared_part(folder: Path, source: str, versions: str) -> Path:
    """libpart.so.1 with versioned symbols, in a folder of its own."""
    folder.mkdir()
    script = folder / "versions"
    script.write_text(versions)
    library = compile_with(
        "gcc", folder / "libpart.so.1", source,
        "-shared", "-fPIC", "-Wl,-soname,libpart.so.1", f"-Wl,--version-script={script}",
    )  # fmt: skip
    (folder / "libpart.so").symlink_to(library.name)
    return library


def board(folder: Path, libraries: Path | None = None) -> Board:
    environment = {} if libraries is None else {"LD_LIBRARY_PATH": str(libraries)}
    return Board.model_validate(
        {
            "name": "here",
            "connect": {"transport": "local"},
            "work_dir": str(folder / "work"),
            "environment": environment,
        }
    )


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """One that needs PART_1.10 of libpart.so.1."""
    new = shared_part(tmp_path / "new", NEW, VERSIONS["old"] + VERSIONS["new"])
    source = "int second(); int main() { return second() - 2; }\n"
    return compile_with("gcc", tmp_path / "program", source, f"-L{new.parent}", "-lpart")


def test_what_it_needs_is_read(program: Path) -> None:
    binary = read_binary(program.read_bytes(), program)
    assert binary.machine == platform.machine()
    assert binary.needed["libpart.so.1"] == {"PART_1.10"}
    library = program.parent / "new" / "libpart.so.1"
    assert {"PART_1.9", "PART_1.10"} <= read_binary(library.read_bytes(), library).defined


def test_a_board_that_has_it_passes(program: Path, tmp_path: Path) -> None:
    check_runs([program], LocalTransport(), board(tmp_path, tmp_path / "new"), "board here")


def test_an_older_library_is_named_with_the_newest_that_it_has(
    program: Path, tmp_path: Path
) -> None:
    old = shared_part(tmp_path / "old", OLD, VERSIONS["old"])
    with pytest.raises(UserError) as caught:
        check_runs([program], LocalTransport(), board(tmp_path, old.parent), "board here")
    assert "needs PART_1.10 of libpart.so.1; the board's is older and ends with PART_1.9" in (
        caught.value.message
    )
    assert "as old as the board's system" in str(caught.value.hint)


def test_a_library_that_the_board_lacks_is_named(program: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"needs libpart\.so\.1, which the board has not"):
        check_runs([program], LocalTransport(), board(tmp_path), "board here")


def test_libraries_that_are_sent_along_are_not_asked_for(program: Path, tmp_path: Path) -> None:
    both = [program, tmp_path / "new" / "libpart.so.1"]
    check_runs(both, LocalTransport(), board(tmp_path), "board here")


@pytest.mark.skipif(
    shutil.which("aarch64-linux-gnu-gcc") is None or platform.machine() == "aarch64",
    reason="needs a cross compiler (apt install g++-aarch64-linux-gnu)",
)
def test_another_kind_of_machine_is_reported(tmp_path: Path) -> None:
    source = "int main() { return 0; }\n"
    path = compile_with("aarch64-linux-gnu-gcc", tmp_path / "program", source)
    with pytest.raises(UserError, match="is for aarch64, the board's programs are for"):
        check_runs([path], LocalTransport(), board(tmp_path), "board here")


def test_what_is_no_program_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_bytes(b"#!/bin/sh\n")
    with pytest.raises(UserError, match="program is not a program or library of Linux"):
        check_runs([path], LocalTransport(), board(tmp_path), "board here")
