"""From a board file to an open connection."""

from __future__ import annotations

from collections.abc import Callable

from nntest.config.board import Board, LocalConnection
from nntest.measuring.transport.base import Transport, TransportError
from nntest.measuring.transport.local import LocalTransport
from nntest.measuring.transport.power import PowerSwitch
from nntest.measuring.transport.retry import Patience, with_retries
from nntest.measuring.transport.ssh_errors import UnknownName


def connect(board: Board) -> Transport:
    """Open the connection that a board file describes; raises `TransportError`."""
    if isinstance(board.connect, LocalConnection):
        return LocalTransport()
    # Here, so that a study without such a board does not wait for the SSH library's import.
    from nntest.measuring.transport.ssh import SshTransport

    return SshTransport(board.connect, board.name)


def connect_patiently(
    board: Board, note: Callable[[str], None], power: PowerSwitch | None = None
) -> Transport:
    """The same, waiting for a board that cannot be reached for as long as its `patience_s`.

    It may be booting, or its network away; then `power` (by default the board's own switch) may
    bring it back.  A name that nobody knows is more likely mistyped, and
    an error at once, as is a login that is refused.  `note` is given what is waited for, each
    reason once.
    """
    said: set[str] = set()

    def say(error: TransportError) -> None:
        if error.message not in said:
            said.add(error.message)
            note(f"{error.message}; trying again for {board.patience_s:g} s")

    return with_retries(
        lambda: connect(board),
        Patience.lasting(board.patience_s, first_pause_s=2.0),
        on_retry=say,
        may_pass=lambda error: error.retryable and not isinstance(error, UnknownName),
        last_resort=(power or PowerSwitch(board, note)).cycle,
    )
