"""A connection that a command of the user's ssh configuration makes (`ProxyCommand`)."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress


class ProxyStream:
    """The stdin and stdout of a command as a stream; closing it ends the command."""

    def __init__(self, command: str) -> None:
        """Start it by the user's shell, as ssh does; raises `OSError`."""
        self._socket, theirs = socket.socketpair()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  # Closed with the stream.
        try:
            # A session of its own: Ctrl-C means the measuring, whose end goes over this link.
            self._process = subprocess.Popen(
                [os.environ.get("SHELL") or "/bin/sh", "-c", f"exec {command}"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._stderr,
                start_new_session=True,
            )
        except BaseException:
            self._socket.close()
            self._stderr.close()
            raise
        finally:
            theirs.close()

    def complaint(self) -> str:
        """The last that it wrote to stderr, on one line."""
        if self._stderr.closed:
            return ""
        with suppress(subprocess.TimeoutExpired):  # Its end comes a moment after its output's.
            self._process.wait(1.0)
        self._stderr.seek(0)
        text = self._stderr.read().decode("utf-8", "replace")
        lines = ["".join(sign for sign in line if sign.isprintable()) for line in text.splitlines()]
        return " / ".join(line for line in lines if line)[-300:]

    def recv(self, nbytes: int) -> bytes:
        """Read from 1 to `nbytes` bytes; b"" at the end."""
        return self._socket.recv(nbytes)

    def send(self, data: bytes) -> int:
        """Write some of the bytes; how many."""
        return self._socket.send(data)

    def settimeout(self, seconds: float | None) -> None:
        """Set the timeout of `recv` and `send`."""
        self._socket.settimeout(seconds)

    def close(self) -> None:
        """Close it, and end the command with all that it started."""
        self._socket.close()
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(1.0)
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._stderr.close()
