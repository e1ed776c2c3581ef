"""Reading both outputs of an SSH channel and writing to it, each with a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import paramiko
from paramiko.ssh_exception import SSHException

LINK_ERRORS = (OSError, EOFError, SSHException)
"""What paramiko raises when the connection is at its end, depending on where that shows."""
READ_BYTES = 4 * 1024 * 1024
SEND_BYTES = 64 * 1024


@dataclass(frozen=True)
class Outcome:
    """What a command on the board came to."""

    status: int
    """Exit status; 128 and the signal's number for a command that a signal ended."""
    stdout: bytes
    stderr: bytes

    @property
    def said(self) -> str:
        """The end of what it said, for messages."""
        text = (self.stderr.strip() or self.stdout.strip()).decode("utf-8", "replace")
        return text[-1000:]


class Ended(Exception):
    """The channel was closed from the other side, or with the link."""


class Outputs:
    """Stdout and stderr of a channel, read as they come.

    Both have to be read: they share a window, and the one that nobody reads stops the other.
    """

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self._bell = _Bell()
        channel.in_buffer.set_event(self._bell)
        channel.in_stderr_buffer.set_event(self._bell)

    def read_until(
        self,
        deadline: float,
        stdout: Callable[[bytes], object],
        stderr: Callable[[bytes], object],
        done: Callable[[], bool],
    ) -> None:
        """Hand what comes to the two callables until `done`.

        Raises `TimeoutError` at `deadline` (of the monotonic clock), and `Ended` when the
        channel ends before.
        """
        channel = self._channel
        while True:
            self._bell.rearm()
            # Asked before the buffers are emptied: what came before the end is then in them.
            over = bool(channel.closed or channel.eof_received)
            while channel.recv_ready():
                stdout(receive(channel.recv))
            while channel.recv_stderr_ready():
                stderr(receive(channel.recv_stderr))
            if done():
                return
            if over:
                raise Ended
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._bell.wait(left)


class _Bell(threading.Event):
    """Rings when either output has something, or the channel ends.

    paramiko clears an event when one buffer is empty; with two buffers that would lose rings.
    """

    def clear(self) -> None:
        """Ignored: see `rearm`."""

    def rearm(self) -> None:
        """Be silent until the next ring."""
        super().clear()


def receive(read: Callable[[int], bytes]) -> bytes:
    """What `read`, a channel's `recv` or `recv_stderr`, gives next; nothing at its end.

    Raises `TimeoutError` as `read` does, and `Ended` on a link that is cut: reading tells the
    other side that there is room again, which may be the first to fail.
    """
    try:
        return read(READ_BYTES)
    except TimeoutError:
        raise
    except LINK_ERRORS:
        raise Ended from None


def send_all(channel: paramiko.Channel, data: bytes, stall_s: float) -> None:
    """Send everything.

    Raises `TimeoutError` when nothing is taken for `stall_s`, and `Ended` when the channel ends
    (paramiko's own sendall then goes round for ever).
    """
    channel.settimeout(stall_s)
    for start in range(0, len(data), SEND_BYTES):
        piece = data[start : start + SEND_BYTES]
        while piece:
            try:
                sent = channel.send(piece)
            except TimeoutError:
                raise
            except LINK_ERRORS:
                raise Ended from None
            if sent == 0:
                raise Ended
            piece = piece[sent:]


def close(channel: paramiko.Channel) -> None:
    """Close a channel, or leave it to the end of its connection."""
    with suppress(*LINK_ERRORS):
        channel.close()
