"""How a board is reached: one small interface, one implementation for each kind of connection."""

from nntest.transport.base import CommandFailed, Completed, Transport, TransportError
from nntest.transport.connect import connect

__all__ = ["CommandFailed", "Completed", "Transport", "TransportError", "connect"]
