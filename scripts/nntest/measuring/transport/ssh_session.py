"""What a connection is used for: small scripts in one shell, and streams of bytes beside it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import suppress

from nntest.measuring.transport.base import TransportError
from nntest.measuring.transport.quoting import one_line
from nntest.measuring.transport.ssh_channel import (
    LINK_ERRORS,
    Ended,
    Outcome,
    Outputs,
    close,
    receive,
    send_all,
)
from nntest.measuring.transport.ssh_errors import DeadlineExceeded, LostLink, SessionRefused
from nntest.measuring.transport.ssh_link import Link
from nntest.measuring.transport.ssh_shell import Shell

STALL_S = 60.0
"""A transfer in which nothing moves for so long has failed."""
# The same in every login shell (no newline, backslash or exclamation mark within the quotes);
# the script comes as the first line of stdin, and `read` leaves what follows to the script.
READ_A_SCRIPT = "exec sh -c 'IFS= read -r line && eval \"$line\"'"


class Session:
    """A link and the shell that is open on it."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._shell: Shell | None = None

    @property
    def label(self) -> str:
        """Who is at the other end, for messages."""
        return self.link.label

    def script(self, code: str, timeout_s: float, doing: str) -> Outcome:
        """Run shell code; whatever ends it early, it does not go on running on the board.

        Raises `DeadlineExceeded`, `LostLink` or `SessionRefused`.
        """
        if self._shell is None:
            self._shell = Shell(self.link)
        shell = self._shell
        try:
            return shell.run(code, timeout_s, doing)
        except LostLink:
            self._shell = None
            raise
        except BaseException:
            # A deadline, or Ctrl-C: what the shell would say next belongs to no call any more.
            self._shell = None
            self._stop(shell)
            raise

    def _stop(self, shell: Shell) -> None:
        """Kill a shell with what it runs, from a new one."""
        with suppress(TransportError):
            shell.close()
            fresh = Shell(self.link)
            fresh.kill(shell)
            self._shell = fresh

    def stream(self, script: str, doing: str) -> StreamingCommand:
        """Start a script whose stdin and stdout are streams of bytes."""
        return StreamingCommand(self.link, script, doing)

    def close(self) -> None:
        """End the connection."""
        self.link.close()


class StreamingCommand:
    """A script on the board that is fed, or whose output is read, piece by piece."""

    def __init__(self, link: Link, script: str, doing: str) -> None:
        self._link = link
        self._doing = doing
        self._channel = link.open_session(READ_A_SCRIPT)
        self._outputs = Outputs(self._channel)
        self._refuses = False
        self._mark = f"{secrets.token_hex(16)}\n".encode()
        line = f"echo {self._mark.decode().strip()}; {one_line(script)}\n"
        self.send(line.encode("utf-8", "surrogateescape"))

    def send(self, data: bytes) -> bool:
        """Feed its stdin; False once it takes no more, which `finish` will explain.

        Raises `LostLink` or `DeadlineExceeded`.
        """
        if self._refuses:
            return False
        try:
            send_all(self._channel, data, STALL_S)
        except TimeoutError:
            self.close()
            raise self._stalled() from None
        except Ended:
            if not self._link.settle():
                raise self._link.lost(self._doing) from None
            self._refuses = True
            return False
        return True

    def chunks(self) -> Iterator[bytes]:
        """Its stdout until that ends; `finish` says whether it ended well.

        Raises `LostLink` or `DeadlineExceeded`.
        """
        self._channel.settimeout(STALL_S)
        before: bytes | None = b""
        while True:
            try:
                piece = receive(self._channel.recv)
            except TimeoutError:
                self.close()
                raise self._stalled() from None
            except Ended:
                self._link.settle()
                raise self._link.lost(self._doing) from None
            if not piece:
                return
            if before is None:
                yield piece
                continue
            # What a login shell's start-up files print comes first.
            before += piece
            _, mark, piece = before.partition(self._mark)
            if mark:
                before = None
                if piece:
                    yield piece

    def finish(self) -> Outcome:
        """Close its stdin and wait for its end.

        Raises `LostLink`, `DeadlineExceeded`, or `SessionRefused` if it ends without a status.
        """
        channel = self._channel
        deadline = time.monotonic() + STALL_S
        stdout, stderr = bytearray(), bytearray()
        try:
            with suppress(*LINK_ERRORS):
                channel.shutdown_write()
            try:
                self._outputs.read_until(deadline, stdout.extend, stderr.extend, lambda: False)
            except Ended:
                pass
            except TimeoutError:
                raise self._stalled() from None
            # The status comes after the end of the outputs; -1 stands for none at all.
            channel.status_event.wait(max(0.1, deadline - time.monotonic()))
            if channel.exit_status < 0:
                if not self._link.settle():
                    raise self._link.lost(self._doing)
                raise SessionRefused(
                    f"{self._link.label}: {self._doing}: the command on the board was ended by "
                    "a signal",
                    "see whether the board ran out of memory, and try again",
                )
        finally:
            close(channel)
        return Outcome(channel.exit_status, bytes(stdout), bytes(stderr))

    def close(self) -> None:
        """Leave it; its stdin and stdout are closed, which ends it."""
        close(self._channel)

    def _stalled(self) -> DeadlineExceeded:
        return DeadlineExceeded(f"{self._link.label}: {self._doing}: no data for {STALL_S:g} s")
