"""Processes that the runner starts, and how they end with it.

Standard library only, Python 3.5 and later: this file is copied to boards.
"""

import ctypes
import os
import signal


def die_with_parent():
    """Have the kernel end this process when the runner ends, however that ends.

    A program that outlived its runner would go on loading a board whose lock is free.
    """
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # 1: PR_SET_PDEATHSIG
    except (OSError, AttributeError):
        pass


def end_group(process):
    """End a process and whatever it started, and wait for it."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
