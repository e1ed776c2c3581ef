"""Logging in: which keys are offered, and what is said when none will do."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from measuring.transport.sshd import AT_ONCE, Sshd, make_key, says, soon
from nntest.config.board import Board, LocalConnection
from nntest.measuring.transport import (
    AuthenticationFailed,
    connect,
)
from nntest.measuring.transport.local import LocalTransport
from nntest.measuring.transport.ssh import SshTransport

pytestmark = pytest.mark.sshd


def test_a_board_file_says_how_to_connect(sshd: Sshd) -> None:
    board = Board(name="bench", connect=sshd.connection(), work_dir="work")
    with connect(board) as transport:
        assert isinstance(transport, SshTransport)
        assert transport.run(["echo", "here"], timeout_s=20).stdout == "here\n"
    here = Board(name="here", connect=LocalConnection(transport="local"), work_dir="work")
    assert isinstance(connect(here), LocalTransport)


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_kinds_of_keys(tmp_path: Path, kind: str) -> None:
    server = Sshd(tmp_path / "board")
    key = make_key(tmp_path / "key", kind=kind)
    with server.authorized_keys.open("a") as file:
        file.write(f"{server.public(key)}\n")
    try:
        assert says(server.connect(key=str(key))) == "here\n"
    finally:
        server.stop()


def test_a_key_that_the_board_does_not_know(sshd: Sshd, tmp_path: Path) -> None:
    stranger = make_key(tmp_path / "stranger")
    with pytest.raises(AuthenticationFailed) as failure:
        sshd.connect(key=str(stranger))
    message = str(failure.value)
    assert f"board bench ({getpass.getuser()}@127.0.0.1:{sshd.port})" in message
    assert str(stranger) in message
    assert f"ssh-copy-id -p {sshd.port}" in message
    assert not failure.value.retryable
    secret = stranger.read_text().splitlines()[1]
    assert secret not in message


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: None, "there is no key file"),
        (lambda path: path.mkdir(), "cannot be read: Is a directory"),
        (lambda path: path.write_text("hello\n"), "is not a private key that can be used"),
        (lambda path: make_key(path, passphrase="sesame"), "locked with a passphrase"),
    ],
)
def test_a_key_file_that_cannot_be_used(
    sshd: Sshd, tmp_path: Path, make: Callable[[Path], object], says: str
) -> None:
    key = tmp_path / "key"
    make(key)
    with pytest.raises(AuthenticationFailed, match=says) as failure:
        sshd.connect(key=str(key))
    assert str(key) in str(failure.value)


def test_no_key_at_all(sshd: Sshd) -> None:
    with pytest.raises(AuthenticationFailed, match="there is no key to log in with"):
        sshd.connect(key=None)


def test_keys_of_the_ssh_folder(sshd: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "id_rsa", kind="rsa")
    make_key(tmp_path / "id_ecdsa", passphrase="sesame", kind="ecdsa")
    connection = sshd.connection(key=None)
    with pytest.raises(AuthenticationFailed) as failure:
        SshTransport(connection, "bench", ssh_folder=tmp_path, patience=AT_ONCE)
    assert f"tried {tmp_path / 'id_rsa'}" in str(failure.value)
    assert f"{tmp_path / 'id_ecdsa'} is locked with a passphrase" in str(failure.value)
    shutil.copy(sshd.key, tmp_path / "id_ed25519")
    assert says(SshTransport(connection, "bench", ssh_folder=tmp_path)) == "here\n"


@pytest.fixture
def agent(lab: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An SSH agent without keys; its socket."""
    path = lab / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    soon(path.exists)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
    yield path
    process.terminate()
    process.wait()
    path.unlink(missing_ok=True)


def _ssh_add(key: Path, passphrase: str, folder: Path) -> None:
    ask = folder / "ask"
    ask.write_text(f"#!/bin/sh\necho {passphrase}\n")
    ask.chmod(0o700)
    environment = {**os.environ, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
    subprocess.run(["ssh-add", "-q", str(key)], check=True, env=environment)


def test_a_key_of_the_agent(sshd: Sshd, agent: Path, tmp_path: Path) -> None:
    with pytest.raises(AuthenticationFailed):
        sshd.connect(key=None)
    _ssh_add(sshd.key, "", tmp_path)
    assert says(sshd.connect(key=None)) == "here\n"


def test_a_locked_key_that_the_agent_holds_open(sshd: Sshd, agent: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    shutil.copy(sshd.key, key)
    shutil.copy(f"{sshd.key}.pub", f"{key}.pub")
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "sesame", "-f", str(key)], check=True)
    other = make_key(tmp_path / "other")
    _ssh_add(other, "", tmp_path)
    with pytest.raises(AuthenticationFailed, match=f"ssh-add {key}"):
        sshd.connect(key=str(key))
    _ssh_add(key, "sesame", tmp_path)
    assert says(sshd.connect(key=str(key))) == "here\n"
    # A board file may name the public half, the agent having the other.
    assert says(sshd.connect(key=f"{key}.pub")) == "here\n"


def test_an_agent_that_does_not_answer(
    sshd: Sshd, lab: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nntest.measuring.transport.ssh_keys.AGENT_TIMEOUT_S", 0.5)
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(lab / "mute"))
        mute.listen()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(lab / "mute"))
        with pytest.raises(AuthenticationFailed, match="the SSH agent does not answer"):
            sshd.connect(key=None)


def test_too_many_keys(sshd: Sshd, agent: Path, tmp_path: Path) -> None:
    for number in range(8):
        _ssh_add(make_key(tmp_path / f"key{number}"), "", tmp_path)
    with pytest.raises(AuthenticationFailed, match="too many keys were tried"):
        sshd.connect(key=None)
