"""Starts and stops the virtual board.

Its first process has a mount and a process namespace of its own: when that process ends, the
kernel ends every other process of the board and takes its mounts down.  Nothing is left over on
the host after a failed start, a stop, or a kill, and no mount is ever to be seen there.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from host import BoardError, mounts_below
from userland import HERE, Places

ADDRESS = "127.0.0.1"
PORT = 10860
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Running:
    """A board that was started; `started` tells its process from a later one of the same number."""

    pid: int
    started: str
    port: int

    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return _start_time(self.pid) == self.started


def _start_time(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty if there is none (or a dead one)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in ("Z", "X") else fields[19]


def running(places: Places) -> Running | None:
    """The board of this folder if it runs."""
    try:
        board = Running(**json.loads(places.state.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return board if board.is_alive() else None


def start(places: Places, port: int) -> None:
    """Start the board and wait until its sshd answers; `BoardError` if it does not."""
    board = running(places)
    if board is not None:
        if board.port != port:
            raise BoardError(f"the board runs already, on port {board.port}: stop it first")
        print(f"runs already: {ADDRESS}:{port}")
        return
    if places.recipe_built() is None:
        raise BoardError(f"{places.folder}: there is no board in it; build it first")
    _need_free_port(port)
    began = time.monotonic()
    with places.log.open("wb") as log:
        process = subprocess.Popen(
            [
                *("unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child=SIGKILL"),
                *("--propagation", "private", "--", HERE / "init.sh", places.root, str(port)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        )
    board = Running(process.pid, _start_time(process.pid), port)
    try:
        places.state.write_text(json.dumps(board.__dict__) + "\n")
        _write_known_hosts(places, port)
        _wait_for_sshd(process, places, port)
    except BaseException:
        _end(board)
        process.wait()
        places.state.unlink(missing_ok=True)
        raise
    print(f"runs: {ADDRESS}:{port} after {time.monotonic() - began:.1f} s")


def _need_free_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            problem = f"port {port} of {ADDRESS}: {error.strerror}; choose another"
            raise BoardError(problem) from None


def _write_known_hosts(places: Places, port: int) -> None:
    public = (places.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2]
    places.known_hosts.write_text(f"[{ADDRESS}]:{port} {' '.join(public)}\n")


def _wait_for_sshd(process: subprocess.Popen[bytes], places: Places, port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = places.log.read_text(errors="replace").strip()[-1500:]
            raise BoardError(f"the board ended while it started: {said}")
        try:
            with socket.create_connection((ADDRESS, port), timeout=5) as connection:
                if connection.recv(4) == b"SSH-":
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise BoardError(f"the board's sshd does not answer; see {places.log}")


def stop(places: Places) -> None:
    """End the board with everything that runs on it; `BoardError` if something is left over."""
    board = running(places)
    if board is not None:
        _end(board)
    places.state.unlink(missing_ok=True)
    left = mounts_below(places.root) if places.root.exists() else []
    if left:
        raise BoardError(f"still mounted: {', '.join(left)}")
    print("stopped" if board is not None else "does not run")


def _end(board: Running) -> None:
    """End the board's processes: the kernel ends all of them with the first."""
    inside = _children(board.pid)
    for sign in (signal.SIGTERM, signal.SIGKILL):
        # unshare itself waits for its child and heeds no SIGTERM.
        for pid in inside or [board.pid]:
            _send(pid, sign)
        if sign == signal.SIGKILL and board.is_alive():
            _send(board.pid, sign)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while time.monotonic() < deadline:
            if not board.is_alive() and not any(_start_time(pid) for pid in inside):
                return
            time.sleep(0.05)
    raise BoardError(f"process {board.pid} of the board does not end")


def _children(pid: int) -> list[int]:
    try:
        return [int(i) for i in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _send(pid: int, sign: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sign)


def status(places: Places) -> dict[str, object]:
    """What there is to know about the board of a folder."""
    board = running(places)
    return {
        "folder": str(places.folder),
        "built": places.recipe_built() is not None,
        "running": board is not None,
        "address": ADDRESS,
        "port": board.port if board is not None else None,
        "pid": board.pid if board is not None else None,
        "key": str(places.key),
        "known_hosts": str(places.known_hosts),
    }
