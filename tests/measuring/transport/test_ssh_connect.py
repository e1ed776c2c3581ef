"""What is not there, is something else, or lets no commands be run."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from measuring.transport.sshd import Proxy, Sshd, free_port, says
from nntest.errors import UserError
from nntest.measuring.transport import (
    AuthenticationFailed,
    DeadlineExceeded,
    NotAnSshServer,
    Patience,
    SessionRefused,
    TransportError,
    Unreachable,
    ssh_connect,
    ssh_shell,
)

pytestmark = pytest.mark.sshd
SCRIPTS = Path(__file__).parents[3] / "scripts"


def test_nobody_listens(sshd: Sshd) -> None:
    port = free_port()
    with pytest.raises(Unreachable, match=f"nothing listens on port {port}") as failure:
        sshd.connect(port=port)
    assert failure.value.retryable


def test_what_is_transient_is_tried_again(sshd: Sshd, tmp_path: Path) -> None:
    """A board that is just booting: its port opens a moment later."""
    server = Sshd(tmp_path / "board")
    server.stop()
    threading.Timer(0.7, server.start).start()
    patience = Patience(attempts=6, first_pause_s=0.3)
    try:
        assert says(server.connect(patience=patience)) == "here\n"
    finally:
        server.stop()


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "x" * 70 + ".invalid"])
def test_a_host_that_nobody_knows(sshd: Sshd, host: str) -> None:
    with pytest.raises(Unreachable, match=f"{host!r}"):
        sshd.connect(host=host)


@pytest.mark.parametrize("host", ["x; rm -rf ~", "$(reboot)", "-oProxyCommand=x", "a b", "h\0"])
def test_a_host_that_is_no_name(sshd: Sshd, host: str) -> None:
    with pytest.raises(UserError, match="is not a host name"):
        sshd.connect(host=host)


@pytest.mark.parametrize("user", ["x; rm -rf ~", "$(reboot)", "-x", "a b"])
def test_a_user_that_is_no_name(sshd: Sshd, user: str) -> None:
    with pytest.raises(UserError, match="is not a user name"):
        sshd.connect(user=user)


def test_a_user_that_the_board_does_not_have(sshd: Sshd) -> None:
    with pytest.raises(AuthenticationFailed, match="for nobody-of-that-name"):
        sshd.connect(user="nobody-of-that-name")


class _Web(BaseHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def test_a_web_server(sshd: Sshd) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Web) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(NotAnSshServer, match="it is a web server, not an SSH server"):
            sshd.connect(port=server.server_port)
        server.shutdown()


@pytest.mark.parametrize(
    ("greeting", "error", "says"),
    [
        (b"220 mail.example ESMTP\r\n", NotAnSshServer, "220 mail.example ESMTP"),
        (b"\x15\x03\x01\x00\x02\x02\x46", NotAnSshServer, "TLS"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", NotAnSshServer, "web server"),
        (b"SSH-2.0-Torn_", Unreachable, "during the handshake"),
        (b"Exceeded MaxStartups\r\n", Unreachable, "refuses the connection"),
        (b"", Unreachable, "sends nothing"),
    ],
)
def test_what_else_may_answer(
    sshd: Sshd, greeting: bytes, error: type[TransportError], says: str
) -> None:
    with _greeter(greeting) as port, pytest.raises(error, match=says):
        sshd.connect(port=port)


@contextlib.contextmanager
def _greeter(greeting: bytes) -> Iterator[int]:
    """A server that says one thing and hangs up; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    client.sendall(greeting)
                    # What was not read when it is closed would turn the end into a reset.
                    client.settimeout(2)
                    with contextlib.suppress(TimeoutError):
                        client.recv(1000)
                    client.close()

        threading.Thread(target=serve, daemon=True).start()
        yield int(listener.getsockname()[1])


def test_nothing_but_the_error_is_said(sshd: Sshd) -> None:
    """The SSH library logs tracebacks of its own, which nobody asked for."""
    code = (
        "import sys; from pathlib import Path; from nntest.config.board import SshConnection; "
        "from nntest.errors import UserError; "
        "from nntest.measuring.transport.ssh import SshTransport\n"
        "for text in sys.argv[1:]:\n"
        "    try: print(SshTransport(SshConnection.model_validate_json(text), 'bench',"
        " ssh_folder=Path('none')).run(['echo', 'here'], timeout_s=20).stdout)\n"
        "    except UserError as error: print(type(error).__name__)"
    )
    with _greeter(b"220 mail.example ESMTP\r\n") as port:
        connections = [sshd.connection(), sshd.connection(port=port), sshd.connection(user="no")]
        done = subprocess.run(
            [sys.executable, "-c", code, *(one.model_dump_json() for one in connections)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(SCRIPTS), *sys.path])},
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.split() == ["here", "NotAnSshServer", "AuthenticationFailed"]
    assert done.stderr == ""


def test_a_server_that_never_says_anything(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_connect, "BANNER_TIMEOUT_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = time.monotonic()
        with pytest.raises(Unreachable, match="sends nothing"):
            sshd.connect(port=listener.getsockname()[1])
        assert time.monotonic() - began < 20


def first_words(port: int) -> int:
    """How many bytes a server sends before it waits for our key: its greeting, and what it can."""
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.sendall(b"SSH-2.0-test\r\n")
        link.settimeout(2)
        count = 0
        with contextlib.suppress(TimeoutError):
            while data := link.recv(65536):
                count += len(data)
    return count


def test_a_server_that_stops_in_the_handshake(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_connect, "HANDSHAKE_TIMEOUT_S", 8)  # a busy sshd takes a while
    proxy = Proxy(sshd.port)
    # At its answer to our key: what it says first may come in one piece, and would be lost whole.
    proxy.at_bytes = (first_words(sshd.port) + 1, proxy.cut)
    try:
        began = time.monotonic()
        with pytest.raises(Unreachable, match="during the handshake"):
            sshd.through(proxy)
        assert time.monotonic() - began < 60
    finally:
        proxy.close()


def _forced(folder: Path, command: str, settings: str = "") -> Sshd:
    server = Sshd(folder, settings=settings)
    server.authorized_keys.write_text(f'command="{command}" {server.public(server.key)}\n')
    return server


def test_an_account_without_a_shell(tmp_path: Path) -> None:
    server = _forced(tmp_path / "board", "echo This account is not available")
    try:
        with server.connect() as transport, pytest.raises(SessionRefused) as failure:
            transport.run(["true"], timeout_s=20)
        assert "the account does not run a shell" in str(failure.value)
        assert "This account is not available" in str(failure.value)
    finally:
        server.stop()


def test_an_account_whose_shell_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssh_shell, "START_TIMEOUT_S", 1)
    server = _forced(tmp_path / "board", "sleep 30")
    try:
        with server.connect() as transport, pytest.raises(DeadlineExceeded):
            transport.run(["true"], timeout_s=20)
    finally:
        server.stop()


def test_a_chatty_login(tmp_path: Path) -> None:
    """What a login shell's start-up files print is no output of a command's."""
    server = Sshd(tmp_path / "board", before="(echo Welcome; echo Last login >&2; printf x)")
    try:
        with server.connect() as transport:
            done = transport.run(["sh", "-c", "echo out; echo err >&2"], timeout_s=20)
            assert (done.stdout, done.stderr) == ("out\n", "err\n")
            transport.write("file", b"content")
            assert transport.read("file") == b"content"
            # A file comes through a session of its own, in which the chatter would come first.
            big = os.urandom(400_000)
            transport.write("big", big)
            transport.get("big", tmp_path / "big")
            assert (tmp_path / "big").read_bytes() == big
    finally:
        server.stop()


def test_a_server_with_too_few_sessions(tmp_path: Path) -> None:
    server = Sshd(tmp_path / "board", settings="MaxSessions 1")
    try:
        with server.connect() as transport:
            transport.run(["true"], timeout_s=20)
            with pytest.raises(SessionRefused, match="MaxSessions"):
                transport.write("file", b"content")
            assert transport.run(["echo", "goes on"], timeout_s=20).stdout == "goes on\n"
    finally:
        server.stop()
