"""How a board is reached: one small interface, one implementation for each kind of connection."""

from nntest.measuring.transport.base import CommandFailed, Completed, Transport, TransportError
from nntest.measuring.transport.connect import connect
from nntest.measuring.transport.persistent import PersistentTransport
from nntest.measuring.transport.retry import Patience, persist
from nntest.measuring.transport.ssh_errors import (
    AuthenticationFailed,
    DamagedTransfer,
    DeadlineExceeded,
    HostKeyChanged,
    HostKeyUnknown,
    LostLink,
    NotAnSshServer,
    SessionRefused,
    Unreachable,
)

__all__ = [
    "PersistentTransport",
    "AuthenticationFailed",
    "CommandFailed",
    "Completed",
    "DamagedTransfer",
    "DeadlineExceeded",
    "HostKeyChanged",
    "HostKeyUnknown",
    "LostLink",
    "NotAnSshServer",
    "Patience",
    "SessionRefused",
    "Transport",
    "TransportError",
    "Unreachable",
    "connect",
    "persist",
]
