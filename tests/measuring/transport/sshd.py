"""A real sshd on this machine, and a wire to it that can be cut."""

from __future__ import annotations

import contextlib
import functools
import getpass
import os
import shlex
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nntest.config.board import SshConnection
from nntest.measuring.transport import Patience
from nntest.measuring.transport.ssh import SshTransport

SSHD = Path("/usr/sbin/sshd")
AT_ONCE = Patience(attempts=1)
MEGABYTE = 1_000_000


def make_key(path: Path, passphrase: str = "", kind: str = "ed25519") -> Path:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "throw-away", "-f", str(path)],
        check=True,
    )
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Sshd:
    """An sshd for this user on 127.0.0.1, with keys of its own and a home folder of its own.

    `before` is shell code that every command on it begins with, to make a board of it that
    lacks something.
    """

    def __init__(self, folder: Path, *, settings: str = "", before: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        self.port = free_port()
        self.key = make_key(folder / "user_key")
        self.host_key = make_key(folder / "host_key")
        self.log = folder / "log"
        start = f"cd {shlex.quote(str(self.home))} && {before or ':'} && "
        start += 'eval "$SSH_ORIGINAL_COMMAND"'
        options = f'environment="HOME={self.home}",command={_double_quoted(start)}'
        self.authorized_keys = folder / "authorized_keys"
        self.authorized_keys.write_text(f"{options} {self.public(self.key)}\n")
        self.known_hosts = folder / "known_hosts"
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {self.public(self.host_key)}\n")
        self.config = folder / "sshd_config"
        self.config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.host_key}\n"
            f"AuthorizedKeysFile {self.authorized_keys}\nPidFile none\nStrictModes no\n"
            "UsePAM no\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n"
            "PermitUserEnvironment yes\nMaxStartups 100\nPrintMotd no\n"
            f"{_no_penalties()}{settings}\n"
        )
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @staticmethod
    def public(key: Path) -> str:
        return " ".join(Path(f"{key}.pub").read_text().split()[:2])

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(SSHD), "-D", "-e", "-f", str(self.config)], stderr=log
            )
        soon(self._listens)

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False

    @property
    def pid(self) -> int:
        """Of the listener."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """End the listener; sessions that are open go on."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)

    def connection(self, **changes: Any) -> SshConnection:
        fields: dict[str, Any] = {
            "transport": "ssh",
            "host": "127.0.0.1",
            "port": self.port,
            "user": getpass.getuser(),
            "key": str(self.key),
            "known_hosts": str(self.known_hosts),
        }
        return SshConnection(**{**fields, **changes})

    def connect(self, patience: Patience = AT_ONCE, **changes: Any) -> SshTransport:
        return SshTransport(
            self.connection(**changes),
            "bench",
            ssh_folder=self.folder / "no-ssh-folder",
            patience=patience,
        )

    def is_known_behind(self, proxy: Proxy) -> None:
        """Have its host key known at a proxy's port, too."""
        with self.known_hosts.open("a") as file:
            file.write(f"[127.0.0.1]:{proxy.port} {self.public(self.host_key)}\n")

    def through(self, proxy: Proxy, **changes: Any) -> SshTransport:
        """A connection through a proxy, the host key being known there, too."""
        self.is_known_behind(proxy)
        return self.connect(port=proxy.port, **changes)


class Proxy:
    """A TCP proxy: a wire to `port` that can be cut and mended."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._whole = threading.Event()
        self._whole.set()
        self._sockets: list[socket.socket] = []
        self.carried = 0
        """Bytes from the board so far."""
        self.at_bytes: tuple[int, Callable[[], None]] | None = None
        """After so many bytes from the board, do that."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                try:
                    there = socket.create_connection(("127.0.0.1", self._target))
                except OSError:  # The board is down; the wire is not.
                    here.close()
                    continue
                self._sockets += [here, there]
                for source, sink in ((here, there), (there, here)):
                    threading.Thread(
                        target=self._carry, args=(source, sink, source is there), daemon=True
                    ).start()

    def _carry(self, source: socket.socket, sink: socket.socket, from_board: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if from_board:
                    self.carried += len(data)
                    if self.at_bytes is not None and self.carried >= self.at_bytes[0]:
                        action, self.at_bytes = self.at_bytes[1], None
                        action()
                self._whole.wait()
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Carry nothing more, and tell nobody."""
        self._whole.clear()

    def mend(self) -> None:
        self._whole.set()

    def hang_up(self) -> None:
        """Close every connection."""
        sockets, self._sockets = self._sockets, []
        for end in sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        # Closing it does not wake up who waits in accept.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.mend()
        self.hang_up()


def busybox_board(folder: Path) -> str:
    """The `before` of a board whose only programs are busybox's."""
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("needs busybox")
    tools = folder / "busybox-bin"
    tools.mkdir(parents=True)
    subprocess.run([busybox, "--install", "-s", str(tools)], check=True)
    return f"export PATH={shlex.quote(str(tools))}"


def says(transport: SshTransport) -> str:
    """What a board answers; the connection is closed."""
    with transport:
        return transport.run(["echo", "here"], timeout_s=20).stdout


def is_gone(pid: int) -> bool:
    """Whether a process is no more; one that nobody has asked after (a zombie) is not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def soon(condition: Callable[[], bool]) -> None:
    """Wait until something holds, which has to be within a minute."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _double_quoted(text: str) -> str:
    """For the options of authorized_keys, where only the double quote is special."""
    return '"' + text.replace('"', '\\"') + '"'


@functools.cache
def _no_penalties() -> str:
    """From OpenSSH 9.8 on, failed logins shut an address out, which is that of all tests."""
    asked = subprocess.run(
        [str(SSHD), "-t", "-f", "/dev/null", "-o", "PerSourcePenalties=no"],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if "Bad configuration option" in asked.stderr else "PerSourcePenalties no\n"
