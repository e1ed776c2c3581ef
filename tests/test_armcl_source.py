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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nntest.codehash import ONBOARD
from nntest.config import Board, Library
from nntest.errors import UserError
from nntest.libraries.armcl import ArmCL
from nntest.libraries.armcl_board import Found
from nntest.libraries.base import Following
from nntest.transport.local import LocalTransport
from scons_library import Compiler, git, write_library, write_repository

pytestmark = [
    pytest.mark.skipif(shutil.which("scons") is None, reason="needs scons (apt install scons)"),
    pytest.mark.skipif(shutil.which("git") is None, reason="needs git"),
    pytest.mark.skipif(
        platform.machine() not in ("x86_64", "aarch64"), reason="a machine that scons is told of"
    ),
]
SCRIPT = ONBOARD / "armcl" / "build_library.py"


class Bench:
    """A board in a folder, and the library file for it."""

    def __init__(self, folder: Path, pace_s: float = 0.0) -> None:
        self.folder = folder
        self.compiler = Compiler(folder / "compiler", pace_s)
        self.repository = write_repository(folder / "sources")
        self.environment: dict[str, str] = {}

    def install(self, following: Following | None = None, **changes: Any) -> dict[str, Any]:
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
        kind = ArmCL(library, following)
        prefix, record = kind._provide(LocalTransport(), board, facts, "board here, library armcl")
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


class Leaves(Following):
    """Who is gone after so many objects."""

    def __init__(self, after: int, error: BaseException | None = None) -> None:
        super().__init__()
        self.done = 0
        self.after = after
        self.error = error
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def progress(self, done: int, total: int, unit: str, seconds_left: float | None) -> None:
        self.done = done
        if self.error is not None and done >= self.after:
            raise self.error

    def refuse_if_abandoned(self, still: str, then: str) -> None:
        if self.done >= self.after:
            raise UserError(f"gone; {still}", then)


@pytest.fixture(autouse=True)
def _asks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nntest.libraries.armcl_source.POLL_S", 0.1)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, pace_s=0.4)
    yield bench
    folder = bench.folder / "work/armcl/build"
    for path in folder.iterdir() if folder.is_dir() else []:
        subprocess.run([sys.executable, str(SCRIPT), "stop", str(path)], check=True)


def test_a_tag_is_built_once_and_says_what_it_is(bench: Bench) -> None:
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
    prefix = bench.prefix
    bench.install(extra_cxx_flags=["-O1"])
    others = set((bench.folder / "work/armcl/libraries").iterdir()) - {prefix}
    assert len(others) == 1, "two builds lie side by side"
    assert all((folder / "lib/libarm_compute.so").is_file() for folder in (*others, prefix))

    shutil.rmtree(bench.repository)  # nothing is fetched again
    assert bench.install() == record
    assert len(bench.compiler.objects()) == 16


def test_an_archive_with_its_checksum_tells_its_revision(bench: Bench) -> None:
    archive = bench.folder / "ComputeLibrary-18.05.tar.gz"
    git(
        bench.repository, "archive", "--prefix=ComputeLibrary-18.05/", f"--output={archive}", "HEAD"
    )
    checksum = hashlib.sha256(archive.read_bytes()).hexdigest()
    changes = {"git": None, "tag": None, "archive": str(archive)}
    with pytest.raises(UserError, match=f"has the SHA-256 {checksum}, the library's file says"):
        bench.install(**changes, sha256="0" * 64)
    record = bench.install(**changes, sha256=checksum)
    assert record["revision"] == git(bench.repository, "rev-parse", "HEAD")
    assert bench.found.git_hash == record["revision"]


def test_killed_in_the_middle_it_goes_on_from_what_was_compiled(slow: Bench) -> None:
    with pytest.raises(UserError, match="gone; the board goes on building"):
        slow.install(Leaves(after=2))
    status = slow.status()
    assert status["running"]
    scons = subprocess.run(
        ["pgrep", "-P", str(status["last"]["pid"])], capture_output=True, text=True, check=True
    )
    os.kill(status["last"]["pid"], signal.SIGKILL)
    assert slow.status()["running"], "its compilers still run"
    os.killpg(int(scons.stdout), signal.SIGKILL)
    before = slow.compiler.objects()

    record = slow.install()
    again = slow.compiler.objects()[len(before) :]
    assert 0 < len(again) <= 6
    assert len(set(before) & set(again)) <= 2, "only what was being compiled, by two jobs"
    assert set(before) | set(again) == set(before + again)
    assert record["compiled_objects"] == len(again)


def test_a_second_call_follows_the_first_ones_build(slow: Bench) -> None:
    with pytest.raises(UserError, match="gone"):
        slow.install(Leaves(after=1))
    second = Leaves(after=99)
    slow.install(second)
    assert "found the board building it already: following it" in second.notes
    assert len(slow.compiler.objects()) == 8


def test_ctrl_c_stops_it_and_loses_nothing(slow: Bench) -> None:
    with pytest.raises(KeyboardInterrupt):
        slow.install(Leaves(after=2, error=KeyboardInterrupt()))
    status = slow.status()
    assert (status["running"], status["last"]["state"]) == (False, "stopped")
    before = len(slow.compiler.objects())
    slow.install()
    assert len(slow.compiler.objects()) - before <= 6


def test_a_build_waits_for_who_measures(bench: Bench) -> None:
    holder = subprocess.Popen(
        ["flock", "--no-fork", str(bench.folder / "board.lock"), "cat"], stdin=subprocess.PIPE
    )

    class Waits(Following):
        waited = False

        def note(self, text: str) -> None:
            if text.startswith("waiting: the board is measuring"):
                assert bench.compiler.objects() == []
                self.waited = True
                holder.communicate()

    following = Waits()
    bench.install(following)
    assert following.waited
    assert holder.poll() == 0


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


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"tag": "v17.99"}, r"tag v17\.99 of .* cannot be cloned: .*v17\.99"),
        ({"commit": "0" * 40}, "tag v18.05 of .* is commit .*, the library's file says 0000"),
        ({"tag": None, "commit": "0" * 40}, "has no commit 0000"),
        ({"git": "/no/such/repository"}, "cannot be cloned: .*no/such/repository"),
        ({"compiler": "g++-of-nobody"}, r"there is no g\+\+-of-nobody on the board"),
    ],
)
def test_what_cannot_be_fetched_or_built_is_told(
    bench: Bench, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(UserError, match=told):
        bench.install(**changes)
    assert bench.compiler.objects() == []


def test_a_board_without_scons_is_told_what_to_install(bench: Bench) -> None:
    bench.environment = {"PATH": str(bench.compiler.path.parent)}
    with pytest.raises(UserError, match="no scons on the board") as caught:
        bench.install()
    assert caught.value.hint == "on the board: sudo apt-get install scons"


def test_sources_of_another_version_are_told(bench: Bench) -> None:
    script = (bench.repository / "SConscript").read_text().replace("v18.05", "v18.03")
    write_library(bench.repository, SConscript=script)
    git(bench.repository, "commit", "--all", "--quiet", "--message=older")
    git(bench.repository, "tag", "older")
    with pytest.raises(UserError, match=r"is version 18\.03, the library's file says 18\.05"):
        bench.install(tag="older")
