"""Calls `nntest` in this process: starting Python and importing pandas takes seconds each time."""

from __future__ import annotations

import contextlib
import io
import signal
from pathlib import Path
from typing import NamedTuple

from nntest.commands.main import main


class Done(NamedTuple):
    """How a call ended, and what it said."""

    status: int
    stdout: str
    stderr: str


def nntest(*arguments: object, folder: Path | None = None) -> Done:
    """Call the command line in a folder; a traceback is an exception here."""
    out, err = io.StringIO(), io.StringIO()
    on_closed_pipe = signal.getsignal(signal.SIGPIPE)
    try:
        with (
            contextlib.chdir(folder or "."),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            status = main([str(argument) for argument in arguments])
    except SystemExit as ended:
        assert isinstance(ended.code, int)
        status = ended.code
    finally:
        signal.signal(signal.SIGPIPE, on_closed_pipe)
    return Done(status, out.getvalue(), err.getvalue())
