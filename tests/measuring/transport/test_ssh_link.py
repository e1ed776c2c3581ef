"""Links that break, and what is made of it."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from measuring.transport.sshd import MEGABYTE, Proxy, Sshd, soon
from nntest.errors import UserError
from nntest.measuring.transport import (
    LostLink,
    Patience,
    with_retries,
)
from nntest.measuring.transport.ssh import SshTransport

pytestmark = pytest.mark.sshd

NOTICED_WITHIN_S = 60.0


def test_a_cut_link_is_noticed_whatever_goes_on(sshd: Sshd, archive: Path, tmp_path: Path) -> None:
    """Nothing is closed, nothing is refused: the packets go nowhere."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "big").write_bytes(os.urandom(30 * MEGABYTE))
    calls: dict[str, Callable[[SshTransport], object]] = {
        "run": lambda board: board.run(["sleep", "100"], timeout_s=100),
        "chatty run": lambda board: board.run(["sh", "-c", "yes"], timeout_s=100),
        "get": lambda board: board.get("archive.zip", tmp_path / "pulled"),
        "put": lambda board: board.put(folder, "cut-put"),
        "write": lambda board: board.write("cut-write", os.urandom(30 * MEGABYTE)),
        "idle": lambda board: _idle(board),
    }
    ended: dict[str, tuple[float, BaseException | None]] = {}
    proxies = {name: Proxy(sshd.port) for name in calls}
    boards = {name: sshd.through(proxy) for name, proxy in proxies.items()}
    cut_at = 0.0

    def work(name: str) -> None:
        failure: BaseException | None = None
        try:
            calls[name](boards[name])
        except BaseException as error:
            failure = error
        ended[name] = (time.monotonic() - cut_at, failure)

    for name, wire in proxies.items():
        if name in ("get", "put", "write"):
            # In the middle of the transfer; what the board answers to a put is little.
            wire.at_bytes = (wire.carried + (2 * MEGABYTE if name == "get" else 6_000), wire.cut)
    threads = [threading.Thread(target=work, args=(name,)) for name in calls]
    cut_at = time.monotonic()
    for one in threads:
        one.start()
    soon(lambda: all(wire.at_bytes is None for wire in proxies.values()))
    cut_at = time.monotonic()
    for wire in proxies.values():
        wire.cut()
    for one in threads:
        one.join(60)
    try:
        for name, (seconds, failure) in ended.items():
            assert isinstance(failure, LostLink), (name, failure)
            assert failure.retryable
            assert "the link is cut" in str(failure), name
            assert f"127.0.0.1:{proxies[name].port}" in str(failure)
            assert seconds < NOTICED_WITHIN_S, name
        assert ended.keys() == calls.keys()
        assert not (tmp_path / "pulled").exists()
        assert not (sshd.home / "cut-put").exists()
        assert not (sshd.home / "cut-write").exists()

        # Once the wire is mended, the same transports go on.
        for wire in proxies.values():
            wire.hang_up()
            wire.mend()
        boards["get"].get("archive.zip", tmp_path / "pulled")
        assert (tmp_path / "pulled").read_bytes() == archive.read_bytes()
        boards["put"].put(folder, "cut-put")
        assert (sshd.home / "cut-put" / "big").read_bytes() == (folder / "big").read_bytes()
        # What was half done is gone, for the board noticed, too.
        soon(lambda: not list(sshd.home.glob(".nntest-part-*")))
    finally:
        for name, wire in proxies.items():
            boards[name].close()
            wire.close()


def _idle(board: SshTransport) -> None:
    """Call once a second, as a sweep does that is followed."""
    for _ in range(100):
        board.read("status.json")
        time.sleep(1)


def test_a_quiet_link_is_not_taken_for_a_cut_one(
    sshd: Sshd, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nntest.measuring.transport.ssh_link.SILENT_AFTER_S", 3.0)
    monkeypatch.setattr("nntest.measuring.transport.ssh_link.PROBE_EVERY_S", 0.5)
    with sshd.through(proxy) as board:
        assert board.run(["sleep", "4"], timeout_s=20).status == 0
        proxy.cut()
        began = time.monotonic()
        with pytest.raises(LostLink, match="the link is cut"):
            board.run(["true"], timeout_s=20)
        assert time.monotonic() - began < NOTICED_WITHIN_S


def test_a_closed_link(sshd: Sshd, proxy: Proxy) -> None:
    with sshd.through(proxy) as board:
        threading.Timer(1, proxy.hang_up).start()
        with pytest.raises(LostLink, match="closed the connection") as failure:
            board.run(["sleep", "100"], timeout_s=100)
        assert failure.value.retryable
        # The next call connects anew.
        assert board.run(["echo", "back"], timeout_s=20).stdout == "back\n"
        proxy.hang_up()
        time.sleep(1)
        assert board.read("nothing") is None


def test_a_link_that_does_not_come_back(sshd: Sshd, proxy: Proxy) -> None:
    with sshd.through(proxy) as board:
        proxy.close()
        with pytest.raises(UserError) as failure:
            board.run(["true"], timeout_s=20)
        assert "board bench" in str(failure.value)
        with pytest.raises(UserError, match="nothing listens"):
            board.run(["true"], timeout_s=20)


def test_a_sshd_that_is_killed_and_comes_back(tmp_path: Path) -> None:
    server = Sshd(tmp_path / "board")
    try:
        with server.connect(patience=Patience(attempts=8, first_pause_s=0.2)) as board:
            pid = board.run(["sh", "-c", "echo $PPID"], timeout_s=20).stdout.strip()
            session = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
            server.stop()
            os.kill(int(session), signal.SIGKILL)
            threading.Timer(1, server.start).start()
            answer = with_retries(
                lambda: board.run(["echo", "back"], timeout_s=20), Patience(attempts=3)
            )
            assert answer.stdout == "back\n"
    finally:
        server.stop()


def test_a_closed_transport_says_so(sshd: Sshd) -> None:
    board = sshd.connect()
    board.close()
    board.close()
    with pytest.raises(UserError, match="was closed before"):
        board.run(["true"], timeout_s=20)
