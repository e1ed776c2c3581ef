"""Pulls that go on, archives that change, boards that are full."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import paramiko
import pytest
from measuring.transport.sshd import MEGABYTE, Proxy, Sshd, soon
from nntest.errors import UserError
from nntest.measuring.transport import (
    CommandFailed,
    DamagedTransfer,
    DeadlineExceeded,
    LostLink,
    ssh_session,
)
from nntest.measuring.transport.ssh_channel import READ_BYTES

pytestmark = pytest.mark.sshd


def test_a_pull_goes_on_where_it_was_cut(
    sshd: Sshd, proxy: Proxy, archive: Path, tmp_path: Path
) -> None:
    target = tmp_path / "pulled"
    with sshd.through(proxy) as board:
        proxy.at_bytes = (proxy.carried + 20 * MEGABYTE, proxy.hang_up)
        with pytest.raises(LostLink):
            board.get("archive.zip", target)
        assert not target.exists()
        held = (tmp_path / "pulled.part").stat().st_size
        assert held > 10 * MEGABYTE
        before = proxy.carried
        board.get("archive.zip", target)
        assert target.read_bytes() == archive.read_bytes()
        assert proxy.carried - before < 30 * MEGABYTE - held + MEGABYTE
        assert list(tmp_path.iterdir()) == [target]


def test_a_cut_that_reading_notices_first_is_a_lost_link(
    sshd: Sshd, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    received, pieces = paramiko.Channel.recv, count()

    def cut_at_the_third(channel: paramiko.Channel, size: int) -> bytes:
        if size == READ_BYTES and next(pieces) == 3:
            channel.get_transport().close()
            raise EOFError  # as paramiko does where it cannot say that there is room again
        return received(channel, size)

    with sshd.connect() as board:
        monkeypatch.setattr(paramiko.Channel, "recv", cut_at_the_third)
        with pytest.raises(LostLink):
            board.get("archive.zip", tmp_path / "pulled")
        monkeypatch.undo()
        board.get("archive.zip", tmp_path / "pulled")
    assert (tmp_path / "pulled").read_bytes() == archive.read_bytes()


@pytest.mark.parametrize("held", [100, 5 * MEGABYTE, 31 * MEGABYTE])
def test_a_part_of_something_else_is_not_trusted(
    sshd: Sshd, archive: Path, tmp_path: Path, held: int
) -> None:
    (tmp_path / "pulled.part").write_bytes(b"\0" * held)
    with sshd.connect() as board:
        board.get("archive.zip", tmp_path / "pulled")
    assert (tmp_path / "pulled").read_bytes() == archive.read_bytes()


def test_a_file_that_changes_under_the_pull_is_refused(
    sshd: Sshd, proxy: Proxy, tmp_path: Path
) -> None:
    changing = sshd.home / "changing"
    changing.write_bytes(os.urandom(8 * MEGABYTE))

    def change() -> None:
        with changing.open("r+b") as file:
            file.seek(-10, os.SEEK_END)
            file.write(b"0123456789")

    with sshd.through(proxy) as board:
        proxy.at_bytes = (proxy.carried + MEGABYTE, change)
        with pytest.raises(DamagedTransfer, match="changing"):
            board.get("changing", tmp_path / "pulled")
    assert list(tmp_path.iterdir()) == []


def test_a_journal_that_grows_is_pulled_as_it_was(sshd: Sshd, proxy: Proxy, tmp_path: Path) -> None:
    growing = sshd.home / "growing"
    begin = os.urandom(4 * MEGABYTE)
    growing.write_bytes(begin)

    def grow() -> None:
        with growing.open("ab") as file:
            file.write(os.urandom(MEGABYTE))

    with sshd.through(proxy) as board:
        proxy.at_bytes = (proxy.carried + MEGABYTE, grow)
        board.get("growing", tmp_path / "pulled")
    assert growing.stat().st_size == 5 * MEGABYTE
    assert (tmp_path / "pulled").read_bytes() == begin


def test_a_board_without_sha256sum(tmp_path: Path) -> None:
    """python3 does the sums there; without that, too, it is said."""
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "python3").symlink_to(Path(sys.executable).resolve())
    for tool in ("sh", "cat", "wc", "head", "dd"):
        (bare / tool).symlink_to(shutil.which(tool, path=os.defpath) or "missing")
    server = Sshd(tmp_path / "board", before=f"PATH={bare}")
    content = os.urandom(MEGABYTE)
    (server.home / "file").write_bytes(content)
    try:
        with server.connect() as board:
            board.get("file", tmp_path / "pulled")
            assert (tmp_path / "pulled").read_bytes() == content
            (bare / "python3").unlink()
            with pytest.raises(CommandFailed, match="cannot compute a SHA-256"):
                board.get("file", tmp_path / "again")
    finally:
        server.stop()


@pytest.mark.parametrize("what", ["folder", "fifo", "missing"])
def test_getting_what_is_no_file(sshd: Sshd, tmp_path: Path, what: str) -> None:
    path = sshd.home / f"no-file-{what}"
    with contextlib.suppress(FileExistsError):
        {"folder": path.mkdir, "fifo": lambda: os.mkfifo(path), "missing": lambda: None}[what]()
    with sshd.connect() as board, pytest.raises(CommandFailed) as failure:
        board.get(path.name, tmp_path / "pulled")
    assert ("there is no such file" if what == "missing" else "it is not a file") in str(
        failure.value
    )


def test_a_target_that_cannot_be_written(sshd: Sshd, archive: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with sshd.connect() as board, pytest.raises(UserError, match=r"getting archive.zip"):
        board.get("archive.zip", tmp_path / "file" / "below")


def test_a_transfer_that_stalls_ends(
    sshd: Sshd, proxy: Proxy, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link is alive, the command on the board is stuck."""
    monkeypatch.setattr(ssh_session, "STALL_S", 2)
    script = "cat > /dev/null; sleep 100"
    with sshd.connect() as board:
        session = board._session()
        stuck = session.stream("sleep 100", "testing")
        with pytest.raises(DeadlineExceeded, match=r"no data for 2 s"):
            list(stuck.chunks())
        stuck = session.stream("sleep 100", "testing")
        with pytest.raises(DeadlineExceeded):
            for _ in range(1000):
                stuck.send(bytes(MEGABYTE))
        stuck = session.stream(script, "testing")
        assert stuck.send(b"x")
        with pytest.raises(DeadlineExceeded):
            stuck.finish()
        assert board.run(["echo", "next"], timeout_s=20).stdout == "next\n"


def test_a_board_that_is_full(tmp_path: Path) -> None:
    """A limit on the size of files stands for the end of the disk."""
    server = Sshd(tmp_path / "board", before="ulimit -f 500")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "big").write_bytes(bytes(10 * MEGABYTE))
    try:
        with server.connect() as board:
            board.write("kept", b"old")
            calls: list[Callable[[], Any]] = [
                lambda: board.write("kept", bytes(10 * MEGABYTE)),
                lambda: board.put(folder, "folder"),
                lambda: board.put(folder / "big", "kept"),
            ]
            for call in calls:
                with pytest.raises(UserError, match="board bench"):
                    call()
            assert board.read("kept") == b"old"
            assert [entry.name for entry in server.home.iterdir()] == ["kept"]
    finally:
        server.stop()


def test_two_controllers_put_the_same_folder(sshd: Sshd, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(20):
        (folder / f"file{number}").write_bytes(os.urandom(1000))
    digest = hashlib.sha256(b"".join(sorted(p.read_bytes() for p in folder.iterdir())))
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with sshd.connect() as board:
                for _ in range(4):
                    board.put(folder, "twice/folder")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failures == []
    there = sshd.home / "twice"
    assert [entry.name for entry in there.iterdir()] == ["folder"]
    found = hashlib.sha256(b"".join(sorted(p.read_bytes() for p in (there / "folder").iterdir())))
    assert found.digest() == digest.digest()


def test_what_is_not_here_cannot_be_put(sshd: Sshd, tmp_path: Path) -> None:
    with sshd.connect() as board:
        with pytest.raises(UserError, match="there is no such file or folder here"):
            board.put(tmp_path / "nothing", "nothing")
        folder = tmp_path / "folder"
        folder.mkdir()
        (folder / "link").symlink_to("nowhere")
        with pytest.raises(UserError, match="link"):
            board.put(folder, "folder-with-dangling-link")
    assert not (sshd.home / "folder-with-dangling-link").exists()
    soon(lambda: not list(sshd.home.glob(".nntest-part-*")))
