"""What users' ssh configurations ask for, against a real sshd."""

from __future__ import annotations

import base64
import getpass
import logging
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import paramiko
import pytest
from measuring.transport.sshd import AT_ONCE, Sshd, make_key, says, soon
from nntest.measuring.transport import (
    AuthenticationFailed,
    HostKeyChanged,
    HostKeyUnknown,
    NotAnSshServer,
    Unreachable,
)
from nntest.measuring.transport.ssh import SshTransport
from nntest.measuring.transport.ssh_connect import _refuses_rsa
from paramiko import Ed25519Key

pytestmark = [
    pytest.mark.sshd,
    pytest.mark.skipif(shutil.which("ssh") is None, reason="needs OpenSSH's client"),
]

RELAY = """import os, socket, sys, threading
to = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def up():
    while data := os.read(0, 65536): to.sendall(data)
    to.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while data := to.recv(65536): os.write(1, data)
"""


def _connect(server: Sshd, folder: Path, config: str, **fields: Any) -> SshTransport:
    """A board whose file names its host alone; `config` is the user's, for that host."""
    folder.mkdir(exist_ok=True)
    (folder / "config").write_text(
        f"{config}Host bench\n  HostName 127.0.0.1\n  Port {server.port}\n"
        f"  User {getpass.getuser()}\n  UserKnownHostsFile {server.known_hosts}\n"
    )
    nothing = {"host": "bench", "port": None, "user": None, "key": None, "known_hosts": None}
    connection = server.connection(**{**nothing, **fields})
    return SshTransport(connection, "bench", ssh_folder=folder, patience=AT_ONCE)


def _sign(authority: Path, public: Path, *options: str) -> Path:
    """Certify a public key; its certificate."""
    call = ["ssh-keygen", "-q", "-s", str(authority), "-I", "test", *options, f"{public}.pub"]
    subprocess.run(call, check=True)
    return Path(f"{public}-cert.pub")


class TestProxyCommand:
    def _relay(self, folder: Path) -> str:
        relay = folder / "relay.py"
        relay.write_text(RELAY)
        return f"{sys.executable} {relay}"

    def test_it_is_the_connection(self, sshd: Sshd, tmp_path: Path) -> None:
        command = f"{self._relay(tmp_path)} %h %p {tmp_path}/mark"
        config = f"IdentityFile {sshd.key}\nProxyCommand {command}\n"
        with _connect(sshd, tmp_path, config) as board:
            content = bytes(range(256)) * 4000
            board.write("through-a-proxy", content)
            board.get("through-a-proxy", tmp_path / "back")
            assert (tmp_path / "back").read_bytes() == content
            assert _runs(f"{tmp_path}/mark")
        soon(lambda: not _runs(f"{tmp_path}/mark"))

    def test_the_way_to_a_jump_host(self, sshd: Sshd, tmp_path: Path) -> None:
        command = f"{self._relay(tmp_path)} 127.0.0.1 {sshd.port}"
        config = (
            f"IdentityFile {sshd.key}\nHost gate\n  User {getpass.getuser()}\n"
            f"  HostKeyAlias [127.0.0.1]:{sshd.port}\n  ProxyCommand {command}\n"
            f"  UserKnownHostsFile {sshd.known_hosts}\nHost bench\n  ProxyJump gate\n"
        )
        assert says(_connect(sshd, tmp_path, config)) == "here\n"

    @pytest.mark.parametrize(
        ("command", "words"),
        [
            ("sh -c 'echo the gate is shut >&2; exit 1'", "the gate is shut"),
            ("no-such-program %h", "no-such-program"),
            ("true", "it sends nothing"),
        ],
    )
    def test_it_fails(self, sshd: Sshd, tmp_path: Path, command: str, words: str) -> None:
        with pytest.raises(Unreachable, match="ProxyCommand") as failure:
            _connect(sshd, tmp_path, f"ProxyCommand {command}\n")
        assert words in str(failure.value)
        assert "works by itself" in str(failure.value)


def _runs(mark: str) -> bool:
    found = subprocess.run(["pgrep", "-f", mark], capture_output=True, check=False)
    return found.returncode == 0


@pytest.fixture(scope="module")
def certified(lab: Path) -> Iterator[Sshd]:
    """A server that knows an authority, and no key."""
    authority = make_key(lab / "user_ca")
    server = Sshd(lab / "certified", settings=f"TrustedUserCAKeys {authority}.pub")
    server.authorized_keys.write_text("")
    yield server
    server.stop()


class TestUserCertificates:
    def _key(self, lab: Path, folder: Path, kind: str = "ed25519") -> tuple[Path, Path]:
        key = make_key(folder / "key", kind=kind)
        made = _sign(lab / "user_ca", key, "-n", getpass.getuser())
        return key, made.rename(folder / "elsewhere.pub")

    @pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
    def test_certificate_file(self, certified: Sshd, lab: Path, tmp_path: Path, kind: str) -> None:
        key, certificate = self._key(lab, tmp_path, kind)
        with pytest.raises(AuthenticationFailed):
            _connect(certified, tmp_path, f"IdentityFile {key}\n")
        config = f"CertificateFile {certificate}\n"
        for more, fields in ((f"IdentityFile {key}\n", {}), ("", {"key": str(key)})):
            assert says(_connect(certified, tmp_path, config + more, **fields)) == "here\n"

    def test_a_certificate_beside_its_key(self, certified: Sshd, lab: Path, tmp_path: Path) -> None:
        key, certificate = self._key(lab, tmp_path)
        certificate.rename(f"{key}-cert.pub")
        assert says(_connect(certified, tmp_path, f"IdentityFile {key}\n")) == "here\n"

    @pytest.mark.parametrize("kind", ["ed25519", "rsa"])
    @pytest.mark.parametrize("holds", ["the key", "the certificate, too"])
    def test_of_a_key_in_the_agent(
        self, certified: Sshd, lab: Path, tmp_path: Path, agent: Path, kind: str, holds: str
    ) -> None:
        key, certificate = self._key(lab, tmp_path, kind)
        config = f"IdentityAgent {agent}\n"
        if holds == "the key":
            config += f"CertificateFile {certificate}\n"
        else:
            certificate.rename(f"{key}-cert.pub")
        _ssh_add(agent, key)
        assert says(_connect(certified, tmp_path / "dot", config)) == "here\n"

    def test_certificates_that_are_of_no_use(self, certified: Sshd, tmp_path: Path) -> None:
        key = make_key(tmp_path / "key")
        (tmp_path / "odd").write_text("hello\n")
        config = (
            f"IdentityFile {key}\nCertificateFile {tmp_path}/missing\n"
            f"CertificateFile {tmp_path}/odd\nCertificateFile {key}.pub\n"
        )
        with pytest.raises(AuthenticationFailed) as failure:
            _connect(certified, tmp_path, config)
        assert f"there is no certificate {tmp_path}/missing" in str(failure.value)
        assert f"certificate {tmp_path}/odd cannot be used" in str(failure.value)
        assert f"certificate {key}.pub cannot be used: it is a plain key" in str(failure.value)


class TestHostCertificates:
    @pytest.fixture(params=["ed25519", "ecdsa", "rsa"])
    def kind(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    def _server(self, folder: Path, *options: str, kind: str = "ed25519") -> Sshd:
        folder.mkdir(exist_ok=True)
        authority = make_key(folder / "host_ca")
        key = make_key(folder / "certified_key", kind=kind)
        certificate = _sign(authority, key, *options)
        server = Sshd(folder / "board", settings=f"HostKey {key}\nHostCertificate {certificate}\n")
        place = f"[127.0.0.1]:{server.port},127.0.0.1"
        server.known_hosts.write_text(f"@cert-authority {place} {server.public(authority)}\n")
        return server

    def test_an_authority_vouches_for_the_host(self, tmp_path: Path, kind: str) -> None:
        server = self._server(tmp_path, "-h", "-n", "pi.local,127.0.0.*", kind=kind)
        try:
            assert says(server.connect()) == "here\n"
            text = server.known_hosts.read_text()
            server.known_hosts.write_text(text.replace(f"[127.0.0.1]:{server.port},", ""))
            assert says(server.connect()) == "here\n"
            # The key itself may have gone bad.
            bad = server.public(tmp_path / "certified_key")
            server.known_hosts.write_text(f"{text}@revoked * {bad}\n")
            with pytest.raises(HostKeyChanged, match="revoked"):
                server.connect()
            server.known_hosts.write_text(
                f"{text}@revoked * {server.public(tmp_path / 'host_ca')}\n"
            )
            with pytest.raises(HostKeyChanged, match="revoked"):
                server.connect()
        finally:
            server.stop()

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (("-h", "-n", "pi.local"), "it is for pi.local, not for 127.0.0.1"),
            (("-h",), "it is for nobody by name"),
            (("-h", "-n", "127.0.0.1", "-V", "20200101:20200201"), "expired"),
            (("-h", "-n", "127.0.0.1", "-V", "+10d:+20d"), "not valid yet"),
        ],
    )
    def test_a_certificate_that_does_not_hold(
        self, tmp_path: Path, options: tuple[str, ...], words: str
    ) -> None:
        server = self._server(tmp_path, *options)
        try:
            with pytest.raises(HostKeyUnknown, match=words) as failure:
                server.connect(trust_on_first_use=True)
            assert f"{server.known_hosts}:1" in str(failure.value)
        finally:
            server.stop()

    def test_another_authority_says_nothing(self, tmp_path: Path) -> None:
        server = self._server(tmp_path, "-h", "-n", "127.0.0.1")
        other = make_key(tmp_path / "other_ca")
        server.known_hosts.write_text(f"@cert-authority * {server.public(other)}\n")
        try:
            with pytest.raises(HostKeyUnknown, match="is not known"):
                server.connect()
            # The key below the certificate is on file.
            with server.known_hosts.open("a") as file:
                key = server.public(tmp_path / "certified_key")
                file.write(f"[127.0.0.1]:{server.port} {key}\n")
            assert says(server.connect()) == "here\n"
        finally:
            server.stop()


class TestDevNull:
    """Boards that are flashed daily have another host key every day."""

    @pytest.mark.parametrize("checking", ["no", "accept-new"])
    def test_it_is_trusted_with_a_note(
        self, sshd: Sshd, tmp_path: Path, caplog: pytest.LogCaptureFixture, checking: str
    ) -> None:
        config = (
            f"UserKnownHostsFile /dev/null\nStrictHostKeyChecking {checking}\n"
            f"IdentityFile {sshd.key}\n"
        )
        with caplog.at_level(logging.WARNING):
            assert says(_connect(sshd, tmp_path, config)) == "here\n"
        assert "trusted unseen, every time: UserKnownHostsFile is /dev/null" in caplog.text
        assert Path("/dev/null").is_char_device()

    @pytest.mark.parametrize("file", ["/dev/null", "none"])
    def test_unless_it_is_to_be_asked_about(self, sshd: Sshd, tmp_path: Path, file: str) -> None:
        with pytest.raises(HostKeyUnknown, match=f"UserKnownHostsFile is {file}") as failure:
            _connect(sshd, tmp_path, f"UserKnownHostsFile {file}\n")
        assert ">>" not in str(failure.value)
        assert "trust_on_first_use" in str(failure.value)
        assert "accept-new" in str(failure.value)
        config = f"UserKnownHostsFile {file}\n"
        trust = {"trust_on_first_use": True, "key": str(sshd.key)}
        board = _connect(sshd, tmp_path, config, **trust)
        assert says(board) == "here\n"

    def test_in_the_board_file(self, sshd: Sshd) -> None:
        board = sshd.connect(known_hosts="/dev/null", trust_on_first_use=True)
        assert says(board) == "here\n"

    def test_accept_new_notes_the_key(self, sshd: Sshd, tmp_path: Path) -> None:
        known = tmp_path / "known"
        config = (
            f"UserKnownHostsFile {known}\nStrictHostKeyChecking accept-new\n"
            f"IdentityFile {sshd.key}\n"
        )
        assert says(_connect(sshd, tmp_path, config)) == "here\n"
        assert sshd.public(sshd.host_key) in known.read_text()


@pytest.fixture
def agent(lab: Path) -> Iterator[Path]:
    """An SSH agent without keys, of which no variable speaks; its socket."""
    path = lab / "other-agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    soon(path.exists)
    yield path
    process.terminate()
    process.wait()
    path.unlink(missing_ok=True)


def _ssh_add(agent: Path, key: Path, *options: str) -> None:
    environment = {"SSH_AUTH_SOCK": str(agent), "PATH": "/usr/bin:/bin"}
    subprocess.run(["ssh-add", "-q", *options, str(key)], check=True, env=environment)


class TestAgents:
    def test_identity_agent(self, sshd: Sshd, agent: Path, tmp_path: Path) -> None:
        _ssh_add(agent, sshd.key)
        assert says(_connect(sshd, tmp_path, f"IdentityAgent {agent}\n")) == "here\n"
        with pytest.raises(AuthenticationFailed, match="there is no key to log in with"):
            _connect(sshd, tmp_path, "IdentityAgent none\n")
        with pytest.raises(AuthenticationFailed, match=r"agent does not answer \(/nowhere\)"):
            _connect(sshd, tmp_path, "IdentityAgent /nowhere\n")

    def test_identities_only(self, sshd: Sshd, agent: Path, tmp_path: Path) -> None:
        for number in range(8):
            _ssh_add(agent, make_key(tmp_path / f"key{number}"))
        _ssh_add(agent, sshd.key)
        shutil.copy(f"{sshd.key}.pub", tmp_path / "mine.pub")
        config = f"IdentityAgent {agent}\nIdentityFile {tmp_path}/mine\n"
        with pytest.raises(AuthenticationFailed, match="too many keys"):
            _connect(sshd, tmp_path, config)
        assert says(_connect(sshd, tmp_path, f"IdentitiesOnly yes\n{config}")) == "here\n"

    def test_keys_of_no_use_come_before_the_good_one(self, sshd: Sshd, tmp_path: Path) -> None:
        good = Ed25519Key.from_private_key_file(str(sshd.key))
        unwilling = Ed25519Key.from_private_key_file(str(make_key(tmp_path / "unwilling")))
        # The board takes it, and the agent then does not sign: its owner did not touch it.
        listed = f"{unwilling.get_name()} {unwilling.get_base64()}"
        before = sshd.authorized_keys.read_text()
        sshd.authorized_keys.write_text(f"{before}{listed}\n")
        blobs = {
            "a security key": _strings(b"sk-ssh-ed25519@openssh.com", bytes(32), b"ssh:"),
            "an old one": _strings(b"ssh-dss", b"\1", b"\1", b"\1", b"\1"),
            "of tomorrow": _strings(b"ssh-mldsa-44", bytes(10)),
            "a damaged one": _strings(b"ecdsa-sha2-nistp256", b"nistp256", b"\4nonsense"),
            "not a key": b"\0\0\0\xffx",
            "unwilling": unwilling.asbytes(),
            "good": good.asbytes(),
        }

        def sign(blob: bytes, data: bytes) -> bytes | None:
            return good.sign_ssh_data(data).asbytes() if blob == good.asbytes() else None

        try:
            with _FakeAgent(tmp_path / "agent", blobs, sign) as socket_path:
                assert says(_connect(sshd, tmp_path, f"IdentityAgent {socket_path}\n")) == "here\n"
            blobs.pop("good")
            with (
                _FakeAgent(tmp_path / "agent2", blobs, sign) as socket_path,
                pytest.raises(AuthenticationFailed) as failure,
            ):
                _connect(sshd, tmp_path, f"IdentityAgent {socket_path}\n")
        finally:
            sshd.authorized_keys.write_text(before)
        said = str(failure.value)
        for name in blobs:
            assert f"({name})" in said
        assert "not supported: sk-ssh-ed25519@openssh.com" in said
        assert "does not sign" in said


def _strings(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


class _FakeAgent:
    """An agent with these keys, that signs as it is asked to."""

    def __init__(
        self, path: Path, blobs: dict[str, bytes], sign: Callable[[bytes, bytes], bytes | None]
    ) -> None:
        self._path, self._blobs, self._sign = path, dict(blobs), sign
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Path:
        return self._path

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client, client.makefile("rb") as file:
            while size := file.read(4):
                message = file.read(struct.unpack(">I", size)[0])
                client.sendall(_strings(self._answer(message)))

    def _answer(self, message: bytes) -> bytes:
        if message[0] == 11:
            keys = [_strings(blob, name.encode()) for name, blob in self._blobs.items()]
            return b"\x0c" + struct.pack(">I", len(keys)) + b"".join(keys)
        length = struct.unpack(">I", message[1:5])[0]
        blob, rest = message[5 : 5 + length], message[5 + length :]
        data = rest[4 : 4 + struct.unpack(">I", rest[:4])[0]]
        signature = self._sign(blob, data)
        return b"\x05" if signature is None else b"\x0e" + _strings(signature)


class TestSha1:
    """Servers from before 2016, and those that are set up like them."""

    @pytest.mark.parametrize("says_so", [True, False])
    def test_of_the_users_key(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says_so: bool
    ) -> None:
        server = Sshd(tmp_path / "board", settings="PubkeyAcceptedAlgorithms ssh-rsa,ssh-ed25519")
        if says_so:
            # OpenSSH lists all that it was built with; others list what they take.
            monkeypatch.setattr(
                paramiko.Transport,
                "_parse_ext_info",
                lambda self, message: self.server_extensions.update(
                    {"server-sig-algs": b"ssh-rsa,ssh-ed25519"}
                ),
            )
        rsa = make_key(tmp_path / "rsa", kind="rsa")
        with server.authorized_keys.open("a") as file:
            file.write(f"{server.public(rsa)}\n")
        try:
            with pytest.raises(AuthenticationFailed, match="SHA-1") as failure:
                server.connect(key=str(rsa))
            assert "of another kind" in str(failure.value)
            assert str(rsa) in str(failure.value)
            # It is passed over, and the next is offered.
            config = f"IdentityFile {rsa}\nIdentityFile {server.key}\n"
            assert says(_connect(server, tmp_path / "dot", config)) == "here\n"
        finally:
            server.stop()

    @pytest.mark.parametrize(
        ("version", "algorithms", "alone"),
        [
            ("SSH-2.0-OpenSSH_6.6.1p1 Ubuntu-2ubuntu2.13", b"", True),
            ("SSH-2.0-OpenSSH_7.2p2 Ubuntu-4ubuntu2.8", b"", False),
            ("SSH-2.0-dropbear_2019.78", b"", True),
            ("SSH-2.0-dropbear_2022.83", b"", False),
            ("SSH-2.0-OpenSSH_7.4", b"ssh-rsa,ssh-ed25519", True),
            ("SSH-2.0-OpenSSH_7.4", b"ssh-rsa,rsa-sha2-256", False),
            ("SSH-2.0-Other", b"", False),
        ],
    )
    def test_by_list_and_by_age(self, version: str, algorithms: bytes, alone: bool) -> None:
        extensions = {"server-sig-algs": algorithms} if algorithms else {}
        server: Any = SimpleNamespace(remote_version=version, server_extensions=extensions)
        assert _refuses_rsa(server) is alone

    def test_of_the_host_key(self, tmp_path: Path) -> None:
        rsa = make_key(tmp_path / "rsa", kind="rsa")
        server = Sshd(tmp_path / "board")
        server.stop()
        text = server.config.read_text().replace(str(server.host_key), str(rsa))
        server.config.write_text(f"{text}HostKeyAlgorithms ssh-rsa\n")
        server.start()
        try:
            with pytest.raises(NotAnSshServer, match="SHA-1") as failure:
                server.connect()
            assert "ssh-keygen -A" in str(failure.value)
        finally:
            server.stop()


def test_a_blob_is_what_it_says() -> None:
    """The fake agent's messages are the real one's."""
    assert base64.b64encode(_strings(b"ssh-ed25519")).startswith(b"AAAAC3NzaC1lZDI1NTE5")
