"""Processes that a job starts: how they are waited for, and how they end with it.

Standard library only, Python 3.5 and later: this file is copied to boards.
"""

import os
import signal
import subprocess
import time

from cores import VARIABLE, stay_on

try:
    import ctypes
except ImportError:  # a package of its own on small systems
    ctypes = None

WAKE_EVERY_S = 1.0
"""Who waits beside a measurement looks round no more often than this."""


def ended_within(process, seconds):
    """Whether a process has ended, waiting for up to some seconds.

    process: a Popen, or a `ForkedProcess`, whose end is told on a socket.

    The caller sleeps until a child of its ends: a harness that wakes up many times a second, as
    `Popen.wait` with a timeout does, disturbs what it measures.  For a process of one thread.
    """
    if not isinstance(process, subprocess.Popen):
        return process.ended_within(seconds)
    blocked = {signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    try:
        deadline = time.monotonic() + seconds
        # Blocked before it is asked: an end in between is then waiting for us.
        while process.poll() is None:
            left = max(0.0, deadline - time.monotonic())
            if signal.sigtimedwait(blocked, left) is None:
                break
        return process.poll() is not None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_runner = []
"""The process id of the runner, once it is detached."""


def this_is_the_runner():
    """Remember this process: what it starts from now on ends with it."""
    _runner[:] = [os.getpid()]


def die_with_parent():
    """Have the kernel end this process when the runner ends, however that ends.

    A program that outlived its runner would go on loading a board whose lock is free.
    """
    if ctypes is None:
        return
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG
    except (OSError, AttributeError):
        pass
    if _runner and os.getppid() != _runner[0]:
        os._exit(1)  # it ended before the kernel was asked


def before_program(environment):
    """What a process does before it becomes a program: it stays on its cores, and ends with us."""

    def prepare():
        stay_on(environment.get(VARIABLE, ""))
        die_with_parent()

    return prepare


def end_group(process):
    """End a process and whatever it started, and wait for it."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
