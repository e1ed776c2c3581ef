"""How a connection to a board fails: one class for each thing that its user does about it.

Messages name the board, the host and the file concerned, and never hold a secret.
"""

from __future__ import annotations

from typing import ClassVar

from nntest.measuring.transport.base import TransportError


class Unreachable(TransportError):
    """Nothing answers at the address, or what answers gives up before the login."""

    retryable: ClassVar[bool] = True


class UnknownName(Unreachable):
    """No address is known for the board's name: a board that is down may take its name with it."""


class NotAnSshServer(TransportError):
    """Something answers at the address, but it is no SSH server (or none that we can talk to)."""


class AuthenticationFailed(TransportError):
    """No key that we have is accepted, or the key that was asked for cannot be used."""


class HostKeyUnknown(TransportError):
    """The host has never been seen, and no setting allows us to trust it at first sight."""


class HostKeyChanged(TransportError):
    """The host shows another key than the one that is on file, or a revoked one."""


class SessionRefused(TransportError):
    """The login worked, but the server or the account does not let commands be run."""


class DeadlineExceeded(TransportError):
    """The board was asked for something and did not do it in time; the link still stands."""


class LostLink(TransportError):
    """The connection broke; whether the command in flight ended is not known.

    The next call on the same transport connects anew.
    """

    retryable: ClassVar[bool] = True


class DamagedTransfer(TransportError):
    """A file arrived with another size or SHA-256 than it has on the board."""
