"""The stream below an SSH connection: a socket that notices when nothing more is heard."""

from __future__ import annotations

import errno
import socket
import time
from typing import Protocol

from nntest.measuring.transport.deadline import within

SILENT_AFTER_S = 14.0
"""A link on which nothing has come in for so long is cut."""
PROBE_EVERY_S = 4.0
"""How often the other side is asked for a sign of life; it answers at once."""
RECEIVE_BYTES = 256 * 1024
FIRST_BYTES = 512


class Stream(Protocol):
    """What a socket and a paramiko channel have in common."""

    def recv(self, nbytes: int, /) -> bytes:
        """Read from 1 to `nbytes` bytes; b"" at the end."""

    def send(self, data: bytes, /) -> int:
        """Write some of the bytes; how many."""

    def settimeout(self, seconds: float | None, /) -> None:
        """Set the timeout of the two others."""

    def close(self) -> None:
        """Close it."""


class WatchedStream:
    """A stream for paramiko that ends with an error once the other side has fallen silent.

    TCP alone does not notice: behind a jump host or a proxy our own packets are acknowledged
    while nothing reaches the board.  paramiko's reader asks every 0.1 s, which is the clock.
    """

    def __init__(self, below: Stream) -> None:
        self.below = below
        self._buffer = memoryview(b"")
        self._silent_after_s: float | None = None
        self._silence_s = 0.0
        self._tick = time.monotonic()
        self.closed = False
        self.fell_silent = False
        self.first_bytes = b""
        """What the other side said first, to tell what it is if it is no SSH server."""

    def watch(self, silent_after_s: float) -> None:
        """From now on, silence for so long is the end."""
        self._silence_s = 0.0
        self._tick = time.monotonic()
        self._silent_after_s = silent_after_s

    def recv(self, nbytes: int) -> bytes:
        """Read from 1 to `nbytes` bytes; reads ahead, for paramiko asks for small pieces."""
        if not self._buffer:
            try:
                received = self.below.recv(RECEIVE_BYTES)
            except TimeoutError as error:
                self._count_silence(error)
                raise
            self._silence_s = 0.0
            self._tick = time.monotonic()
            if len(self.first_bytes) < FIRST_BYTES:
                self.first_bytes += received[: FIRST_BYTES - len(self.first_bytes)]
            self._buffer = memoryview(received)
        piece = bytes(self._buffer[:nbytes])
        self._buffer = self._buffer[nbytes:]
        return piece

    def send(self, data: bytes) -> int:
        """Write some of the bytes; how many."""
        try:
            return self.below.send(data)
        except TimeoutError as error:
            self._count_silence(error)
            raise

    def settimeout(self, seconds: float | None) -> None:
        """Set the timeout of `recv` and `send`."""
        self.below.settimeout(seconds)

    def close(self) -> None:
        """Close it."""
        self.closed = True
        self.below.close()

    @property
    def _closed(self) -> bool:
        """The name under which paramiko asks a socket."""
        return self.closed

    def _count_silence(self, error: TimeoutError) -> None:
        """Add up the silence; raises `ConnectionAbortedError` when it was long enough.

        Not ETIMEDOUT: Python makes that a `TimeoutError`, which to paramiko means "ask again".
        For the same reason the kernel's own ETIMEDOUT is turned into something else.
        """
        now = time.monotonic()
        # At most a second a turn: a process that was stopped for a minute has not listened.
        self._silence_s += min(now - self._tick, 1.0)
        self._tick = now
        limit = self._silent_after_s
        if error.errno == errno.ETIMEDOUT or (limit is not None and self._silence_s > limit):
            self.fell_silent = True
            raise ConnectionAbortedError(errno.ECONNABORTED, "nothing heard any more") from None


def dial(host: str, port: int, timeout_s: float) -> socket.socket:
    """A TCP connection to the first address of `host` that takes it.

    Raises `OSError` (`TimeoutError` included), or `UnicodeError` for a wrong name.
    """
    deadline = time.monotonic() + timeout_s
    found = within(timeout_s, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    failure: OSError = OSError(errno.EHOSTUNREACH, "it has no address")
    for family, kind, protocol, _, address in found:
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(max(0.1, deadline - time.monotonic()))
            connection.connect(address)
            _tune(connection)
        except OSError as error:
            failure = error
            connection.close()
        else:
            return connection
    raise failure


def _tune(connection: socket.socket) -> None:
    """Send small packets at once, and have the kernel notice a cut link, too."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # Linux has all of these; elsewhere the watch above stands alone.
    for option, value in (
        ("TCP_USER_TIMEOUT", int(SILENT_AFTER_S * 1000)),
        ("TCP_KEEPIDLE", int(PROBE_EVERY_S)),
        ("TCP_KEEPINTVL", int(PROBE_EVERY_S)),
        ("TCP_KEEPCNT", 3),
    ):
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
