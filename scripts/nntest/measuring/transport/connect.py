"""From a board file to an open connection."""

from __future__ import annotations

from nntest.config.board import Board, LocalConnection
from nntest.measuring.transport.base import Transport
from nntest.measuring.transport.local import LocalTransport


def connect(board: Board) -> Transport:
    """Open the connection that a board file describes; raises `TransportError`."""
    if isinstance(board.connect, LocalConnection):
        return LocalTransport()
    # Here, so that a study without such a board does not wait for the SSH library's import.
    from nntest.measuring.transport.ssh import SshTransport

    return SshTransport(board.connect, board.name)
