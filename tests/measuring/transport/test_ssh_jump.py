"""The way to a board through other servers, as its file or ~/.ssh/config says."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from measuring.transport.sshd import AT_ONCE, Sshd, free_port, make_key, says
from nntest.measuring.transport import (
    AuthenticationFailed,
    HostKeyUnknown,
    Unreachable,
)
from nntest.measuring.transport.ssh import SshTransport

pytestmark = pytest.mark.sshd


@pytest.fixture(scope="module")
def jump(lab: Path, sshd: Sshd) -> Iterator[Sshd]:
    """A server that lets the board's key through to the board alone."""
    server = Sshd(lab / "jump", settings=f"PermitOpen 127.0.0.1:{sshd.port}")
    with server.authorized_keys.open("a") as file:
        file.write(f"{server.public(sshd.key)}\n")
    with sshd.known_hosts.open("a") as file:
        file.write(f"[127.0.0.1]:{server.port} {server.public(server.host_key)}\n")
    yield server
    server.stop()


def test_a_jump_host(sshd: Sshd, jump: Sshd, tmp_path: Path) -> None:
    lines = len(jump.log.read_text().splitlines())
    with sshd.connect(jump_host=f"{getpass.getuser()}@127.0.0.1:{jump.port}") as transport:
        assert transport.run(["pwd"], timeout_s=20).stdout.strip() == str(sshd.home)
        content = os.urandom(1_000_000)
        transport.write("through", content)
        transport.get("through", tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == content
    assert "Accepted publickey" in "\n".join(jump.log.read_text().splitlines()[lines:])


def test_a_jump_host_that_lets_nobody_through(sshd: Sshd, jump: Sshd, tmp_path: Path) -> None:
    other = Sshd(tmp_path / "other")
    try:
        with pytest.raises(Unreachable, match=r"jump host .* cannot connect to it"):
            other.connect(
                jump_host=f"127.0.0.1:{jump.port}",
                key=str(sshd.key),
                known_hosts=str(sshd.known_hosts),
            )
    finally:
        other.stop()


def test_errors_name_the_hop(sshd: Sshd, jump: Sshd, tmp_path: Path) -> None:
    port = free_port()
    with pytest.raises(Unreachable, match=f"board bench: jump host .*127.0.0.1:{port}"):
        sshd.connect(jump_host=f"127.0.0.1:{port}")
    stranger = make_key(tmp_path / "stranger")
    with pytest.raises(AuthenticationFailed, match=f"jump host .*127.0.0.1:{jump.port}"):
        sshd.connect(jump_host=f"127.0.0.1:{jump.port}", key=str(stranger))
    known = tmp_path / "known_hosts"
    known.write_text(sshd.known_hosts.read_text().splitlines()[0] + "\n")
    with pytest.raises(HostKeyUnknown, match="jump host"):
        sshd.connect(jump_host=f"127.0.0.1:{jump.port}", known_hosts=str(known))


def test_the_users_ssh_config_is_honoured(sshd: Sshd, jump: Sshd, tmp_path: Path) -> None:
    folder = tmp_path / "dot ssh"
    folder.mkdir()
    (folder / "known").write_text(sshd.known_hosts.read_text())
    (folder / "config").write_text(
        f'Include "{folder}/more/*.conf"\n'
        "Host gate\n"
        f"  HostName 127.0.0.1\n  Port {jump.port}\n"
        "Host *\n"
        f"  User {getpass.getuser()}\n"
        f'  UserKnownHostsFile "{folder / "known"}"\n'
    )
    (folder / "more").mkdir()
    (folder / "more" / "bench.conf").write_text(
        "Host bench\n"
        f"  HostName 127.0.0.1\n  Port={sshd.port}\n  ProxyJump gate\n"
        f"Host bench gate\n  IdentityFile {sshd.key}\n"
    )
    connection = sshd.connection(host="bench", port=None, user=None, key=None, known_hosts=None)
    lines = len(jump.log.read_text().splitlines())
    with SshTransport(connection, "bench", ssh_folder=folder, patience=AT_ONCE) as transport:
        assert transport.run(["pwd"], timeout_s=20).stdout.strip() == str(sshd.home)
    assert "Accepted publickey" in "\n".join(jump.log.read_text().splitlines()[lines:])
    # What the board's file says comes first.
    direct = connection.model_copy(update={"jump_host": "none"})
    lines = len(jump.log.read_text().splitlines())
    assert says(SshTransport(direct, "bench", ssh_folder=folder, patience=AT_ONCE)) == "here\n"
    assert jump.log.read_text().splitlines()[lines:] == []
