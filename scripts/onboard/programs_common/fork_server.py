"""Starts measurements out of one process that has imported everything already.

Importing NumPy and a library takes longer than most measurements.  A server imports once, and each
measurement is a process that it forks: with its own memory, threads and files, which may crash or
be killed as any other, at a fraction of the cost.  Threads do not survive a fork, so a process that
has others after the imports than those that are known to be idle serves nobody.

The runner on the other end of the socket (`fork_client.py`) sends a line of JSON for each process,
`{"arguments", "environment", "folder", "log"}`, and gets two: `{"pid"}`, and when it has ended
`{"status"}`: its exit status, or the signal that ended it as a negative number.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import socket
import sys
import traceback
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from typing import TextIO

_PR_SET_PDEATHSIG = 1


def threads_of_this_process() -> int:
    """Return how many there are; many where the kernel does not say."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return sys.maxsize


def serve(descriptor: int, run: Callable[[], int], idle_threads: int = 0) -> int:
    """Serve on the socket ``descriptor`` until its other end is closed; the exit status.

    ``run`` measures in the forked process, from its arguments, environment and working directory,
    and returns the exit status.  It can do without ``idle_threads`` threads that imports leave.
    """
    with socket.socket(fileno=descriptor) as ours, ours.makefile("rw", encoding="utf-8") as wire:
        if threads_of_this_process() > 1 + idle_threads:
            _say(wire, {"ready": False})
            return 0
        gc.freeze()  # what is there now stays, and its pages need not be copied
        _say(wire, {"ready": True})
        for line in wire:
            server = os.getpid()
            pid = os.fork()
            if pid == 0:
                ours.detach()
                os.close(descriptor)
                _become(json.loads(line), run, server)
            _say(wire, {"pid": pid})
            _, ended = os.waitpid(pid, 0)
            _say(wire, {"status": os.waitstatus_to_exitcode(ended)})
    return 0


def _say(wire: TextIO, content: dict[str, Any]) -> None:
    wire.write(json.dumps(content) + "\n")
    wire.flush()


def _become(request: dict[str, Any], run: Callable[[], int], server: int) -> None:
    """Be the process that was asked for, and end with ``server``; does not return."""
    status = 1
    try:
        os.setsid()  # a group of its own, which the runner can end
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != server:
            sys.exit(1)  # it ended before the kernel was asked
        os.chdir(request["folder"])
        log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        for stream in (1, 2):
            os.dup2(log, stream)
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv[1:] = request["arguments"]
        status = run()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
