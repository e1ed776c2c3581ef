"""From a board file to an open connection."""

from __future__ import annotations

from nntest.config.board import Board, LocalConnection
from nntest.transport.base import Transport, TransportError
from nntest.transport.local import LocalTransport


def connect(board: Board) -> Transport:
    """Open the connection that a board file describes; raises `TransportError`."""
    if isinstance(board.connect, LocalConnection):
        return LocalTransport()
    raise TransportError(
        f"board {board.name}: this version measures over 'local' connections only, "
        f"not over '{board.connect.transport}'",
        "run the workflow on the board itself, or import the board's CK archives with `imports`",
    )
