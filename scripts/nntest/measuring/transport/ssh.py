"""A board reached over SSH."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from nntest.config.board import SshConnection
from nntest.measuring.transport import ssh_files, ssh_pull
from nntest.measuring.transport.base import Completed, Transport, TransportError
from nntest.measuring.transport.quoting import command
from nntest.measuring.transport.retry import Patience
from nntest.measuring.transport.ssh_config import Hop, route
from nntest.measuring.transport.ssh_connect import open_link
from nntest.measuring.transport.ssh_session import Session

CONNECTING = Patience(attempts=4, first_pause_s=0.5, longest_pause_s=4.0, give_up_after_s=20.0)


class SshTransport(Transport):
    """One connection for as long as it holds; a call after a lost link connects anew.

    Relative paths are below the account's home folder.  Calls from several threads take turns.
    """

    def __init__(
        self,
        connection: SshConnection,
        board: str,
        *,
        ssh_folder: Path | None = None,
        patience: Patience = CONNECTING,
    ) -> None:
        """Connect.

        `ssh_folder` stands in for the user's ~/.ssh.  Raises `UserError` for a config that
        cannot be followed, and the errors of `ssh_errors`.
        """
        self._board = board
        self._patience = patience
        self._hops: list[Hop] = route(connection, board, ssh_folder)
        self._turn = threading.RLock()
        self._closed = False
        self._open: Session | None = None
        self._session()

    def _session(self) -> Session:
        """The open session; opened again if the link was lost."""
        if self._closed:
            raise TransportError(f"board {self._board}: the connection was closed before")
        if self._open is not None and not self._open.link.alive:
            self._open.close()
            self._open = None
        if self._open is None:
            self._open = Session(open_link(self._hops, self._patience))
        return self._open

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        """See `Transport.run`; a command that is ended by a signal has status 128 + signal.

        A command that runs too long, or is broken off by Ctrl-C, is killed on the board.
        """
        code = command(argv, environment)
        with self._turn:
            outcome = self._session().script(code, timeout_s, f"running {argv[0]}")
        return Completed(
            tuple(argv),
            outcome.status,
            outcome.stdout.decode("utf-8", "replace"),
            outcome.stderr.decode("utf-8", "replace"),
        )

    def put(self, source: Path, target: str) -> None:
        """See `Transport.put`."""
        with self._turn:
            ssh_files.put(self._session(), source, target)

    def get(self, source: str, target: Path) -> None:
        """See `Transport.get`; goes on where an earlier call was cut off."""
        with self._turn:
            ssh_pull.get(self._session(), source, target)

    def write(self, target: str, content: bytes) -> None:
        """See `Transport.write`."""
        with self._turn:
            ssh_files.write(self._session(), target, content)

    def read(self, source: str) -> bytes | None:
        """See `Transport.read`."""
        with self._turn:
            return ssh_files.read(self._session(), source)

    def close(self) -> None:
        """See `Transport.close`."""
        self._closed = True
        if self._open is not None:
            self._open.close()
            self._open = None
