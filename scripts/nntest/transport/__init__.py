"""How a board is reached: one small interface, one implementation for each kind of connection."""

from nntest.transport.base import CommandFailed, Completed, Transport, TransportError
from nntest.transport.connect import connect
from nntest.transport.persistent import PersistentTransport
from nntest.transport.retry import Patience, persist
from nntest.transport.ssh_errors import (
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
