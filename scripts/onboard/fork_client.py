"""Processes that a server has forked, which has imported everything already.

Standard library only, Python 3.5 and later: this file is copied to boards.

`programs_common/fork_server.py` is the other end, and says why.  A server is for points that its
library must be loaded alike for; it serves each of them once, so that what a process owes to its
luck (where its libraries lie in memory) is another one's in the next round.
"""

import json
import os
import select
import signal
import socket
import subprocess
import time

from processes import WAKE_EVERY_S, before_program, end_group

POINTS_OWN = ("CK_", "NNTEST_")
"""What variables begin with that say what a point is."""
LOADED_WITH = ("CK_LWS_TUNER_TYPE", "NNTEST_SETTINGS", "NNTEST_THREADS", "NNTEST_CORES")
"""Those among them that a library may read when it is loaded."""


class ForkedProcess:
    """Looks like a `subprocess.Popen`, as far as a measurement needs one."""

    def __init__(self, server, pid):
        self.pid = pid
        self.returncode = None
        self._server = server

    def poll(self):
        """The exit status, or the signal as a negative number; None while it runs."""
        if self.returncode is None and self._server.has_answer(0.0):
            self._take()
        return self.returncode

    def wait(self):
        """Wait for its end."""
        if self.returncode is None:
            self._take()
        return self.returncode

    def ended_within(self, seconds):
        """Whether it has ended, waiting for up to some seconds."""
        if self.returncode is None and self._server.has_answer(max(0.0, seconds)):
            self._take()
        return self.returncode is not None

    def _take(self):
        answer = self._server.answer()
        status = answer.get("status") if answer else None
        # A server that is gone has taken its child with it.
        self.returncode = status if type(status) is int else -signal.SIGKILL


class ForkServers:
    """The servers that run, and the kinds of which none can be had.

    One for each library and way to load it: points of several libraries may be measured in turn.
    """

    def __init__(self):
        self._servers = {}
        self._refused = set()

    def start(self, point, environment, folder, log, on_wait):
        """A `ForkedProcess` that measures `point` in `folder`; None where it has to be started.

        environment: all of the process's variables.  on_wait is called once a second while the
        server is loading; if it returns True, there is none.
        """
        argv = point.get("server")
        key = _key(argv, environment)
        if argv is None or key in self._refused:
            return None
        server = self._servers.get(key)
        if server is None or not server.is_for(point["id"]):
            self._end(key)
            server = _Server(argv, environment, folder)
            if not server.is_ready(point["timeout_s"], on_wait):
                server.close()
                self._refused.add(key)
                return None
            self._servers[key] = server
        process = server.fork(point, environment, folder, log)
        if process is None:
            self._end(key)
        return process

    def close(self):
        """End the servers that run."""
        for key in list(self._servers):
            self._end(key)

    def _end(self, key):
        server = self._servers.pop(key, None)
        if server is not None:
            server.close()


def _key(argv, environment):
    shared = sorted(
        (name, value)
        for name, value in environment.items()
        if name in LOADED_WITH or not name.startswith(POINTS_OWN)
    )
    return json.dumps([argv, shared])


class _Server:
    def __init__(self, argv, environment, folder):
        self._served = set()
        self._said = b""
        self._ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(
                    argv + [str(theirs.fileno())],
                    cwd=os.path.dirname(folder),
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                    preexec_fn=before_program(environment),
                )
            except OSError:  # as the process itself will say
                self._process = None

    def is_ready(self, patience_s, on_wait):
        """Whether it has loaded its library, and can fork."""
        deadline = time.monotonic() + patience_s
        while self._process is not None and time.monotonic() < deadline:
            if self.has_answer(WAKE_EVERY_S):
                return (self.answer() or {}).get("ready") is True
            if on_wait():
                break
        return False

    def is_for(self, point_id):
        """Whether it has not served a point yet."""
        return point_id not in self._served

    def fork(self, point, environment, folder, log):
        """The process, started; None if the server is gone."""
        self._served.add(point["id"])
        request = {
            "arguments": point["argv"][2:],
            "environment": environment,
            "folder": folder,
            "log": log,
        }
        try:
            self._ours.sendall(json.dumps(request).encode("utf-8") + b"\n")
        except OSError:
            return None
        pid = (self.answer() or {}).get("pid")
        return ForkedProcess(self, pid) if type(pid) is int else None

    def has_answer(self, seconds):
        """Whether there is a line, or the end, to be read."""
        return b"\n" in self._said or bool(select.select([self._ours], [], [], seconds)[0])

    def answer(self):
        """The next line's object; None if the server is gone, or says something else."""
        while b"\n" not in self._said:
            try:
                more = self._ours.recv(4096)
            except OSError:
                more = b""
            if not more:
                return None
            self._said += more
        line, _, self._said = self._said.partition(b"\n")
        try:
            content = json.loads(line.decode("utf-8"))
        except ValueError:
            return None
        return content if isinstance(content, dict) else None

    def close(self):
        """End it."""
        self._ours.close()
        if self._process is not None:
            end_group(self._process)
