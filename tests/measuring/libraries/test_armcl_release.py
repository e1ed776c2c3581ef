"""A release's archive: what of it comes to a board, and what is reported of one that is no good."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import socket
import struct
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nntest.config import Board, Library
from nntest.config.install import ReleaseInstall
from nntest.errors import UserError
from nntest.measuring.libraries.armcl import ArmCL
from nntest.measuring.libraries.armcl_provide import Provision
from nntest.measuring.libraries.armcl_release import choose_folder
from nntest.measuring.libraries.fetch import fetch_archive, unpack
from nntest.measuring.transport.local import LocalTransport

TOP = "arm_compute-v18.05-bin-linux"
BINARY = (
    b"\x7fELF\0arm_compute_version=v18.05 Build options: {'neon': '1', 'opencl': '1'} "
    b"Git hash=b3a371bc429d2ba45e56baaf239d8200c2662a74\0"
)
FOLDERS = ("linux-arm64-v8a-cl", "linux-arm64-v8a-neon", "linux-arm64-v8a-neon-cl")
RELEASE = {
    **{f"lib/{folder}/libarm_compute.so": BINARY + folder.encode() for folder in FOLDERS},
    **{f"lib/{folder}-asserts/libarm_compute.so": BINARY for folder in FOLDERS},
    "lib/linux-arm64-v8a-neon-cl/libarm_compute-static.a": b"not for a board",
    "arm_compute/core/Types.h": b"",
    "include/half/half.hpp": b"",
    "support/Mutex.h": b"",
    "src/core/thing.cpp": b"not for a board",
    "documentation/index.html": b"not for a board",
}


def write_tar(path: Path, members: dict[str, bytes], links: dict[str, str] | None = None) -> str:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type = tarfile.SYMTYPE
            member.linkname = target
            tar.addfile(member)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_release(folder: Path) -> tuple[Path, str]:
    path = folder / f"{TOP}.tar.gz"
    return path, write_tar(path, {f"{TOP}/{name}": text for name, text in RELEASE.items()})


class Bench:
    """A board in a folder."""

    def __init__(self, folder: Path) -> None:
        self.work = folder / "work"
        self.work.mkdir()
        self.board = Board.model_validate(
            {"name": "here", "connect": {"transport": "local"}, "work_dir": str(self.work)}
        )

    def install(self, kind: str = "armcl-opencl", **way: Any) -> tuple[Path, dict[str, Any], ArmCL]:
        library = Library.model_validate(
            {
                "name": "armcl",
                "kind": kind,
                "version": "18.05",
                "operators": {"conv": {}},
                "install": {"way": "release", **way},
            }
        )
        facts = {"machine": "aarch64", "cpus": [{"cores": 2}], "memory_mb": 4000}
        armcl = ArmCL(library)
        prefix, record = Provision(
            LocalTransport(), self.board, library, facts, "board here", armcl.watcher
        ).provide()
        assert prefix is not None
        return Path(prefix), record, armcl


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_boards_part_of_a_release_is_sent_once(tmp_path: Path, bench: Bench) -> None:
    archive, checksum = write_release(tmp_path)
    prefix, record, armcl = bench.install(archive=str(archive), sha256=checksum)
    files = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()}
    assert files == {
        "installed.json",
        "lib/libarm_compute.so",
        "arm_compute/core/Types.h",
        "include/half/half.hpp",
        "support/Mutex.h",
    }
    assert record["folder"] == "linux-arm64-v8a-neon-cl"
    assert record["sha256"] == checksum
    found = armcl._find(LocalTransport(), bench.board, str(prefix))
    assert armcl._check_library(found, str(prefix), "board here") == "18.05"
    assert found.git_hash == "b3a371bc429d2ba45e56baaf239d8200c2662a74"

    archive.unlink()
    again = bench.install(archive=str(archive), sha256=checksum)
    assert again[:2] == (prefix, record)


def test_another_folder_of_a_release_lies_beside_the_first(tmp_path: Path, bench: Bench) -> None:
    archive, checksum = write_release(tmp_path)
    first, *_ = bench.install(archive=str(archive), sha256=checksum)
    way = {"archive": str(archive), "sha256": checksum, "folder": "linux-arm64-v8a-cl"}
    second, record, _ = bench.install(**way)
    assert (record["folder"], first != second) == ("linux-arm64-v8a-cl", True)
    assert (first / "lib/libarm_compute.so").read_bytes().endswith(b"neon-cl")
    assert (second / "lib/libarm_compute.so").read_bytes().endswith(b"v8a-cl")
    with pytest.raises(UserError, match=r"has no lib/linux-armv7a-cl .*in it") as caught:
        bench.install(**{**way, "folder": "linux-armv7a-cl"})
    assert "there are: linux-arm64-v8a-cl, linux-arm64-v8a-cl-asserts" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("there", "machine", "backend", "chosen"),
    [
        (["linux-arm64-v8a-neon", "linux-arm64-v8a-cl"], "aarch64", "neon", "linux-arm64-v8a-neon"),
        (["linux-arm64-v8a-neon", "linux-arm64-v8a-cl"], "aarch64", "opencl", "linux-arm64-v8a-cl"),
        (
            ["linux-armv7a-neon-cl", "linux-arm64-v8a-neon-cl"],
            "armv7l",
            "neon",
            "linux-armv7a-neon-cl",
        ),
        (["."], "aarch64", "opencl", "lib"),
        (["linux-arm64-v8a-neon-cl-asserts"], "aarch64", "opencl", None),
        (["android-arm64-v8a-neon-cl"], "aarch64", "opencl", None),
        (["linux-arm64-v8a-neon"], "aarch64", "opencl", None),
    ],
)
def test_the_folder_fits_board_and_kind(
    tmp_path: Path, there: list[str], machine: str, backend: str, chosen: str | None
) -> None:
    for name in there:
        (tmp_path / "lib" / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / "lib" / name / "libarm_compute.so").touch()
    way = ReleaseInstall(way="release", archive="a.tar.gz", sha256="0" * 64)
    if chosen is None:
        with pytest.raises(UserError, match=r"has no lib/linux-arm64-v8a-neon-cl or"):
            choose_folder(tmp_path, way, machine, backend, "here")
    else:
        assert choose_folder(tmp_path, way, machine, backend, "here").name == chosen


def test_a_library_without_the_kinds_backend_is_reported(tmp_path: Path, bench: Bench) -> None:
    archive = tmp_path / "release.tar.gz"
    binary = BINARY.replace(b"'neon': '1', ", b"")
    members = {**RELEASE, "lib/linux-arm64-v8a-neon-cl/libarm_compute.so": binary}
    checksum = write_tar(archive, {f"{TOP}/{name}": text for name, text in members.items()})
    prefix, _, armcl = bench.install("armcl-neon", archive=str(archive), sha256=checksum)
    found = armcl._find(LocalTransport(), bench.board, str(prefix))
    with pytest.raises(UserError, match=r"was built without neon: it says {'opencl': '1'}"):
        armcl._check_library(found, str(prefix), "board here")


@pytest.mark.parametrize("name", ["../out", "/tmp/nntest-out", "top/../../out", "top\\..\\out"])
def test_a_member_outside_is_refused(tmp_path: Path, name: str) -> None:
    write_tar(tmp_path / "bad.tar.gz", {"top/good": b"", name: b"bad"})
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(name, "bad")
    for path in (tmp_path / "bad.tar.gz", tmp_path / "bad.zip"):
        with pytest.raises(UserError, match="would be written outside of it"):
            unpack(path, tmp_path / "in" / "it", "here")
    assert not (tmp_path / "out").exists()
    assert not Path("/tmp/nntest-out").exists()


def test_links_are_left_out(tmp_path: Path) -> None:
    archive = tmp_path / "links.tar.gz"
    write_tar(archive, {"top/good": b"1"}, {"top/link": "/etc/passwd", "top/up": "../.."})
    unpack(archive, tmp_path / "it", "here")
    assert [path.name for path in (tmp_path / "it").iterdir()] == ["good"]


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tar.xz", "a.zip"])
def test_what_is_no_archive_is_reported(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"<html>404</html>")
    with pytest.raises(UserError, match="cannot be unpacked"):
        unpack(tmp_path / name, tmp_path / "it", "here")


def test_members_that_contradict_each_other(tmp_path: Path) -> None:
    write_tar(tmp_path / "bad.tar.gz", {"top/name": b"a file", "top/name/below": b"1"})
    write_tar(tmp_path / "long.tar.gz", {"top/" + "n" * 300: b"1"})
    for name, words in (("bad", "Not a directory|File exists"), ("long", "name too long")):
        with pytest.raises(UserError, match=f"cannot be unpacked: .*({words})"):
            unpack(tmp_path / f"{name}.tar.gz", tmp_path / "it", "here")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server on this machine, and its folder."""
    folder = tmp_path / "www"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}", folder
        serving.shutdown()


def test_an_archive_is_fetched_and_checked(tmp_path: Path, server: tuple[str, Path]) -> None:
    url, folder = server
    archive, checksum = write_release(folder)
    reported: list[str] = []
    got = fetch_archive(f"{url}/{archive.name}", checksum, tmp_path, "here", reported.append)
    assert got.read_bytes() == archive.read_bytes()
    assert reported == [f"fetching {url}/{archive.name}"]
    with pytest.raises(
        UserError, match=f"has the SHA-256 {checksum}, the library's file says 1111"
    ):
        fetch_archive(f"{url}/{archive.name}", "1" * 64, tmp_path, "here", reported.append)
    with pytest.raises(UserError, match="the server says 404"):
        fetch_archive(f"{url}/none.tar.gz", checksum, tmp_path, "here", reported.append)
    with pytest.raises(UserError, match=r"cannot be fetched: .*refused") as caught:
        fetch_archive("http://127.0.0.1:9/a.tar.gz", checksum, tmp_path, "here", reported.append)
    assert "name a copy on this machine" in str(caught.value.hint)
    with pytest.raises(UserError, match=r"there is no archive no/such.zip on this machine"):
        fetch_archive("no/such.zip", checksum, tmp_path, "here", reported.append)


def test_a_download_that_breaks_off(tmp_path: Path) -> None:
    """The server answers, and the connection is reset in the middle of the file."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            client.recv(10_000)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello")
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()

        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/a.tar.gz"
        with pytest.raises(UserError, match=r"cannot be fetched: .*reset|ended early"):
            fetch_archive(url, "0" * 64, tmp_path, "here", lambda text: None)
