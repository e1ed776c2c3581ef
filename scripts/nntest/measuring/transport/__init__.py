"""How a board is reached: one small interface, one implementation for each kind of connection."""

from nntest.measuring.transport.base import CommandFailed, Completed, Transport, TransportError
from nntest.measuring.transport.connect import connect
from nntest.measuring.transport.retry import Patience, with_retries
from nntest.measuring.transport.retrying import RetryingTransport
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
    "RetryingTransport",
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
    "with_retries",
]
