"""The ways in which a run can end without a measurement, each with its status and exit status.

A :class:`Failure` is expected: it says in one sentence what is wrong and becomes
``tmp-nntest-status.json``. Any other exception is a bug of the program and keeps its traceback.
"""

from __future__ import annotations


class Failure(Exception):
    """A run that cannot be measured, for a reason that its user can act on."""

    status = "crashed"
    exit_status = 1

    def __init__(self, reason: str) -> None:
        """Keep ``reason``, one sentence that needs no other context."""
        super().__init__(reason)
        self.reason = reason


class BadValue(Failure):
    """The environment or a file that it names holds a value that makes no sense."""

    status = "not-supported"
    exit_status = 2


class NotSupported(Failure):
    """The request makes sense, and this program or this device cannot do it."""

    status = "not-supported"
    exit_status = 3


class WrongOutput(Failure):
    """The operator's output differs from the reference by more than the threshold."""

    status = "wrong-output"
    exit_status = 4


class BuildFailed(Failure):
    """The OpenCL compiler rejected a kernel."""

    status = "build-failed"
    exit_status = 5


class OutOfMemory(Failure):
    """The host or the device cannot hold the tensors."""

    status = "out-of-memory"
    exit_status = 6
