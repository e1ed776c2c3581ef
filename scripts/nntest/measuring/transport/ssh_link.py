"""An open connection to a board: channels with deadlines, and its state."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import paramiko
from paramiko.ssh_exception import ChannelException, SSHException

from nntest.measuring.transport.deadline import broken_off_after
from nntest.measuring.transport.ssh_channel import LINK_ERRORS, close
from nntest.measuring.transport.ssh_config import Hop
from nntest.measuring.transport.ssh_errors import DeadlineExceeded, LostLink, SessionRefused
from nntest.measuring.transport.ssh_socket import PROBE_EVERY_S, SILENT_AFTER_S, WatchedStream

OPEN_TIMEOUT_S = 15.0
"""For a session to be opened and its command to be started."""
WINDOW_BYTES = 2 * 1024 * 1024
"""Received and not yet read; with more, paramiko's buffer becomes the slow part (measured)."""


@dataclass(frozen=True)
class OpenHop:
    """A server on the way, logged in to."""

    hop: Hop
    stream: WatchedStream
    transport: paramiko.Transport


class Link:
    """The connection to a board through all its hops; not to be shared between threads."""

    def __init__(self, hops: Sequence[OpenHop]) -> None:
        self._hops = list(hops)
        self._last = hops[-1]
        self.label = self._last.hop.label
        self._closed = threading.Event()
        for hop in hops:
            hop.stream.watch(SILENT_AFTER_S)
        threading.Thread(target=self._probe, name="ssh probe", daemon=True).start()

    @property
    def alive(self) -> bool:
        """Whether nothing is known to be wrong with it."""
        return not self._closed.is_set() and all(hop.transport.is_active() for hop in self._hops)

    def open_session(self, command: str, timeout_s: float = OPEN_TIMEOUT_S) -> paramiko.Channel:
        """Start a command for the account's login shell; its channel.

        Raises `LostLink`, `DeadlineExceeded` or `SessionRefused`.
        """
        try:
            channel = self._last.transport.open_session(window_size=WINDOW_BYTES, timeout=timeout_s)
        except ChannelException as error:
            raise SessionRefused(
                f"{self.label}: the server opens no further session: {error.text}",
                "allow at least four at a time: MaxSessions in its sshd_config",
            ) from None
        except LINK_ERRORS as error:
            raise self._failure("opening a session", error, timeout_s) from None
        # exec_command itself waits for the answer without end.
        with broken_off_after(timeout_s, lambda: close(channel)) as late:
            try:
                channel.exec_command(command)
            except LINK_ERRORS as error:
                close(channel)
                late_error = TimeoutError() if late.is_set() else error
                raise self._failure("starting a shell", late_error, timeout_s) from None
        return channel

    def lost(self, doing: str) -> LostLink:
        """The error for a link that broke while doing something."""
        if any(hop.stream.fell_silent for hop in self._hops):
            reason = "the link is cut: the other side no longer answers"
        else:
            causes = [hop.transport.saved_exception for hop in self._hops]
            reason = "the other side closed the connection"
            for cause in causes:
                if isinstance(cause, OSError) and cause.strerror:
                    reason = f"the connection broke: {cause.strerror}"
                elif isinstance(cause, SSHException):
                    reason = f"the connection broke: {cause}"
        return LostLink(
            f"{self.label}: {doing}: {reason}",
            "see that the board is up and the network is there, and run the same command again",
        )

    def settle(self) -> bool:
        """Whether the link lives, given a moment for the end of it to arrive."""
        self._last.transport.join(0.5)
        return self.alive

    def close(self) -> None:
        """End the connection; what runs on the board in its own session goes on."""
        self._closed.set()
        for hop in reversed(self._hops):
            hop.transport.close()

    def _failure(
        self, doing: str, error: BaseException, timeout_s: float
    ) -> LostLink | DeadlineExceeded | SessionRefused:
        if not self.alive:
            return self.lost(doing)
        # paramiko raises a plain SSHException for its own time-out.
        if isinstance(error, TimeoutError) or str(error).startswith("Timeout"):
            return DeadlineExceeded(f"{self.label}: {doing}: no answer within {timeout_s:g} s")
        return SessionRefused(
            f"{self.label}: {doing}: refused by the server",
            "see that the account may run commands (no ForceCommand, a login shell)",
        )

    def _probe(self) -> None:
        """Ask for a sign of life as long as the connection lasts; the streams do the noticing."""
        while not self._closed.wait(PROBE_EVERY_S) and self._last.transport.is_active():
            try:
                self._last.transport.global_request("keepalive@openssh.com", wait=True)
            except LINK_ERRORS:
                # The connection is at its end, or exchanging keys: then there is traffic.
                continue
