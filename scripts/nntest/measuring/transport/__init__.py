"""How a board is reached: one small interface, one implementation for each kind of connection."""

from nntest.measuring.transport.base import CommandFailed, Completed, Transport, TransportError
from nntest.measuring.transport.connect import connect, connect_patiently
from nntest.measuring.transport.power import PowerSwitch
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
    UnknownName,
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
    "PowerSwitch",
    "SessionRefused",
    "Transport",
    "TransportError",
    "UnknownName",
    "Unreachable",
    "connect",
    "connect_patiently",
    "with_retries",
]
