"""Building a library with scons on a board, on a small one with Arm Compute Library's layout."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from measuring.libraries.scons_library import (
    Compiler,
    git,
    stop_build,
    write_library,
    write_repository,
)
from nntest.codehash import ONBOARD
from nntest.config import Board, Library
from nntest.errors import UserError
from nntest.measuring.libraries.armcl import ArmCL
from nntest.measuring.libraries.armcl_board import Found
from nntest.measuring.libraries.armcl_provide import Provision
from nntest.measuring.progress import Watcher
from nntest.measuring.transport.local import LocalTransport

pytestmark = [
    pytest.mark.skipif(shutil.which("scons") is None, reason="needs scons (apt install scons)"),
    pytest.mark.skipif(shutil.which("git") is None, reason="needs git"),
    pytest.mark.skipif(
        platform.machine() not in ("x86_64", "aarch64"),
        reason="a machine that scons is reported of",
    ),
]
SCRIPT = ONBOARD / "armcl" / "build_library.py"


class Bench:
    """A board in a folder, and the library file for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.compiler = Compiler(folder / "compiler")
        self.repository = write_repository(folder / "sources")
        self.environment: dict[str, str] = {}

    def install(self, watcher: Watcher | None = None, **changes: Any) -> dict[str, Any]:
        """Have it built; the record."""
        way = {
            "way": "source",
            "git": str(self.repository),
            "tag": "v18.05",
            "compiler": str(self.compiler.path),
            "jobs": 2,
            **changes,
        }
        way = {key: value for key, value in way.items() if value is not None}
        library = Library.model_validate(
            {
                "name": "armcl",
                "kind": "armcl-opencl",
                "version": "18.05",
                "operators": {"conv": {}},
                "install": way,
            }
        )
        board = Board.model_validate(
            {
                "name": "here",
                "connect": {"transport": "local"},
                "work_dir": str(self.folder / "work"),
                "lock_file": str(self.folder / "board.lock"),
                "environment": self.environment,
            }
        )
        (self.folder / "work").mkdir(exist_ok=True)
        facts = {"machine": platform.machine(), "cpus": [{"cores": 2}], "memory_mb": 4000}
        kind = ArmCL(library, watcher)
        prefix, record = Provision(
            LocalTransport(), board, library, facts, "board here, library armcl", kind.watcher
        ).provide()
        self.found = kind._find(LocalTransport(), board, prefix)
        return record

    @property
    def build_folder(self) -> Path:
        (folder,) = (self.folder / "work/armcl/build").iterdir()
        return folder

    @property
    def prefix(self) -> Path:
        (folder,) = (self.folder / "work/armcl/libraries").iterdir()
        return folder

    def status(self) -> dict[str, Any]:
        asked = [sys.executable, str(SCRIPT), "status", str(self.build_folder)]
        done = subprocess.run(asked, capture_output=True, check=True)
        return dict(json.loads(done.stdout))


class Leaves(Watcher):
    """Who is gone after so many objects."""

    def __init__(self, after: int, error: BaseException | None = None) -> None:
        super().__init__(gone=lambda: self.done >= after)
        self.done = 0
        self.after = after
        self.error = error
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def progress(self, status: Mapping[str, Any]) -> None:
        self.done = status["repetitions"] - status["missing"]
        if self.error is not None and self.done >= self.after:
            raise self.error


@pytest.fixture(autouse=True)
def _asks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nntest.measuring.detached.LOCAL_LOOK_EVERY_S", 0.1)
    monkeypatch.setattr("nntest.measuring.detached.ASK_EVERY_S", 0.5)
    monkeypatch.setattr("nntest.measuring.detached.QUIET_FOR_S", 3.0)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Bench]:
    """One whose build stops after three objects, until its compiler's hook is gone."""
    bench = Bench(tmp_path)
    bench.compiler.stop_after(3)
    yield bench
    bench.compiler.hook.unlink(missing_ok=True)
    folder = bench.folder / "work/armcl/build"
    for path in folder.iterdir() if folder.is_dir() else []:
        subprocess.run([sys.executable, str(SCRIPT), "stop", str(path)], check=True)


def test_a_tag_and_an_archive_are_built_once_and_say_what_they_are(bench: Bench) -> None:
    record = bench.install()
    revision = git(bench.repository, "rev-parse", "HEAD")
    assert record["revision"] == revision
    assert record["tag"] == "v18.05"
    assert (
        f"arch={'x86_64' if platform.machine() == 'x86_64' else 'arm64-v8a'}"
        in (record["scons_words"])
    )
    assert record["compiler"].startswith("g++")
    found: Found = bench.found
    assert [file["name"] for file in found.files] == ["arm_compute", "arm_compute_core"]
    assert (found.release(), found.git_hash) == ("18.05", revision)
    assert found.is_whole([])
    assert not found.lacks("opencl")
    assert found.lacks("neon") == (platform.machine() == "x86_64")
    if record["scons"]["python"].startswith("3"):
        assert "SConstruct: 2 print statements made calls, for Python 3" in record["edits"]
        assert "SConscript: kernels' sources decoded as UTF-8, for Python 3" in record["edits"]
    assert not list(bench.prefix.rglob("documentation"))
    left = {path.name for path in bench.build_folder.iterdir()}
    assert left.isdisjoint({"source", "cache"})

    compiled = bench.compiler.objects()
    assert len(compiled) == len(set(compiled)) == 8
    assert record["compiled_objects"] == 8
    # The same as an archive, compiled in another way: it lies beside the first.
    archive = bench.folder / "ComputeLibrary-18.05.tar.gz"
    top = "--prefix=ComputeLibrary-18.05/"
    git(bench.repository, "archive", top, f"--output={archive}", "HEAD")
    checksum = hashlib.sha256(archive.read_bytes()).hexdigest()
    changes = {"git": None, "tag": None, "archive": str(archive), "extra_cxx_flags": ["-O1"]}
    with pytest.raises(UserError, match=f"has the SHA-256 {checksum}, the library's file says"):
        bench.install(**changes, sha256="0" * 64)
    prefix = bench.prefix
    other = bench.install(**changes, sha256=checksum)
    assert (other["revision"], other["sha256"]) == (revision, checksum)
    assert bench.found.git_hash == revision
    others = set((bench.folder / "work/armcl/libraries").iterdir()) - {prefix}
    assert len(others) == 1
    assert all((folder / "lib/libarm_compute.so").is_file() for folder in (*others, prefix))

    shutil.rmtree(bench.repository)  # nothing is fetched again
    assert bench.install() == record
    assert len(bench.compiler.objects()) == 16


def test_followed_again_and_killed_it_goes_on_from_what_was_compiled(held: Bench) -> None:
    with pytest.raises(UserError, match="has ended; the board continues on its own"):
        held.install(Leaves(after=1))
    second = Leaves(after=2)
    with pytest.raises(UserError, match="has ended; the board continues on its own"):
        held.install(second)
    assert "the job is already running on the board: following it" in second.notes, held.status()
    status = held.status()
    assert status["running"]
    scons = subprocess.run(
        ["pgrep", "-P", str(status["pid"])], capture_output=True, text=True, check=True
    )
    os.kill(status["pid"], signal.SIGKILL)
    assert held.status()["running"], "its compilers still run"
    os.killpg(int(scons.stdout), signal.SIGKILL)
    before = held.compiler.objects()

    held.compiler.hook.unlink()
    record = held.install()
    again = held.compiler.objects()[len(before) :]
    assert 0 < len(again) <= 6
    assert len(set(before) & set(again)) <= 2, "only what was being compiled, by two jobs"
    assert set(before) | set(again) == set(before + again)
    assert record["compiled_objects"] == len(again)


def test_it_waits_for_who_measures_and_ctrl_c_loses_nothing(held: Bench) -> None:
    holder = subprocess.Popen(
        ["flock", "--no-fork", str(held.folder / "board.lock"), "cat"], stdin=subprocess.PIPE
    )

    class Waits(Leaves):
        waited = False

        def note(self, text: str) -> None:
            super().note(text)
            if text.startswith("waiting: the board is measuring"):
                assert held.compiler.objects() == []
                self.waited = True
                holder.communicate()

    watcher = Waits(after=2, error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        held.install(watcher)
    assert watcher.waited
    assert watcher.notes[-1].startswith("stopped: what is compiled stays")
    status = held.status()
    assert (status["running"], status["state"]) == (False, "stopped")
    before = len(held.compiler.objects())
    held.compiler.hook.unlink()
    held.install()
    assert len(held.compiler.objects()) - before <= 6


def test_what_does_not_compile_is_told_with_the_logs_place(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    write_library(bench.repository, **{"src/runtime/Part3.cpp": "int part() { return nothing; }\n"})
    git(bench.repository, "commit", "--all", "--quiet", "--message=broken")
    git(bench.repository, "tag", "v18.05-broken")
    with pytest.raises(UserError) as caught:
        bench.install(tag="v18.05-broken")
    assert "the build failed: src/runtime/Part3.cpp" in caught.value.message
    assert "was not declared in this scope" in caught.value.message
    log = bench.build_folder / "build.log"
    assert str(log) in str(caught.value.hint)
    assert "Part3.cpp" in log.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system is mounted as root only")
def test_a_full_disk_ends_the_build_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path)
    disk = tmp_path / "work"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16M", "tmpfs", disk], check=True)
    try:
        with pytest.raises(UserError, match=r"has 1\d MB free; 500 MB are needed"):
            bench.install()
        monkeypatch.setattr("nntest.measuring.libraries.armcl_source.ROOM_MB", 1)
        # The compiler's last object finds no room.
        filler = disk / "filler"
        bench.compiler.hook.write_text(
            f'case "$*" in *Version*) cat /dev/zero > {filler} 2> /dev/null;; esac\n'
        )
        with pytest.raises(UserError, match="the build failed: the disk is full"):
            bench.install(jobs=1)
        before = bench.compiler.objects()
        filler.unlink()
        bench.compiler.hook.unlink()
        bench.install(jobs=1)
        assert set(bench.compiler.objects()[len(before) :]).isdisjoint(before[:-1])
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


@pytest.mark.parametrize(
    ("changes", "reported"),
    [
        ({"tag": "v17.99"}, r"tag v17\.99 of .* cannot be cloned: .*v17\.99"),
        ({"commit": "0" * 40}, "tag v18.05 of .* is commit .*, the library's file says 0000"),
        ({"tag": None, "commit": "0" * 40}, "has no commit 0000"),
        ({"git": "/no/such/repository"}, "cannot be cloned: .*no/such/repository"),
        ({"compiler": "g++-of-nobody"}, r"there is no g\+\+-of-nobody on the board"),
    ],
)
def test_what_cannot_be_fetched_or_built_is_reported(
    bench: Bench, changes: dict[str, Any], reported: str
) -> None:
    with pytest.raises(UserError, match=reported):
        bench.install(**changes)
    assert bench.compiler.objects() == []


def test_a_board_without_scons_is_told_what_to_install(bench: Bench) -> None:
    bench.environment = {"PATH": str(bench.compiler.path.parent)}
    with pytest.raises(UserError, match="no scons on the board") as caught:
        bench.install()
    assert caught.value.hint == "on the board: sudo apt-get install scons"


def test_sources_of_another_version_are_reported(bench: Bench) -> None:
    script = (bench.repository / "SConscript").read_text().replace("v18.05", "v18.03")
    write_library(bench.repository, SConscript=script)
    git(bench.repository, "commit", "--all", "--quiet", "--message=older")
    git(bench.repository, "tag", "older")
    with pytest.raises(UserError, match=r"is version 18\.03, the library's file says 18\.05"):
        bench.install(tag="older")


@pytest.fixture
def workshop(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a library is built that is built here: below the working directory."""
    monkeypatch.chdir(bench.folder)
    return bench.folder / ".cache" / "armcl" / "armcl"


def test_built_here_once_for_two_boards_and_sent(bench: Bench, workshop: Path) -> None:
    record = bench.install(where="here")
    assert "build=native" in record["scons_words"]  # a board of this machine's kind
    assert bench.found.is_whole([])
    assert not (bench.folder / "work/armcl/build").exists(), "nothing is built on the board"
    assert len(bench.compiler.objects()) == 8

    bench.folder.joinpath("work").rename(bench.folder / "other-board")
    assert bench.install(where="here") == record
    assert len(bench.compiler.objects()) == 8
    (built,) = (workshop / "libraries").iterdir()
    assert (built / "lib/libarm_compute.so").is_file()

    shutil.rmtree(workshop)  # what is on the board is not built or sent again
    assert bench.install(where="here") == record
    assert not workshop.exists()


def test_a_killed_build_here_goes_on_from_what_was_compiled(bench: Bench, workshop: Path) -> None:
    bench.compiler.stop_after(3)
    try:
        with pytest.raises(UserError, match="has ended; the board continues on its own"):
            bench.install(Leaves(after=1), where="here")
        (folder,) = (workshop / "build").iterdir()
        stop_build(folder)
    finally:
        bench.compiler.hook.unlink()
    before = bench.compiler.objects()
    bench.install(where="here")
    again = bench.compiler.objects()[len(before) :]
    assert len(set(before) & set(again)) <= 2, "only what was being compiled"


def test_tools_that_this_machine_lacks_are_named(bench: Bench, workshop: Path) -> None:
    with pytest.raises(UserError, match=r"no g\+\+-of-nobody on this machine") as caught:
        bench.install(where="here", compiler="g++-of-nobody")
    assert caught.value.hint == "on this machine: sudo apt-get install g++-of-nobody"
