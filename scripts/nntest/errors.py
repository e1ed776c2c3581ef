"""The one exception that a user's mistake, or a board's refusal, becomes.

Everything that a user can correct (a typo in a config, a file that is not a zip, a board that
does not answer) is raised as a `UserError`: one clear message that names the thing, with a hint
and without a traceback.  Any other exception is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from nntest.signals import STOPPED, signals_are_ctrl_c

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
INTERRUPTED = 130
"""Exit status of what Ctrl-C has ended, as shells have it."""
NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


class UserError(Exception):
    """Something that the user can correct; `str()` of it is the whole message.

    `hint` says what to do and is shown on a line of its own.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message if hint is None else f"{message}\n  hint: {hint}")


@contextmanager
def user_errors_end_the_process() -> Iterator[None]:
    """Turn a `UserError` into a message on stderr and exit status 1.

    The same for the system's errors that only the user can correct: a full disk, a file that
    may not be read or written; and Ctrl-C, SIGTERM and SIGHUP into one line and exit status 130.
    For the top of a script.
    """
    try:
        with signals_are_ctrl_c():
            yield
    except KeyboardInterrupt:
        print(STOPPED, file=sys.stderr, flush=True)
        sys.exit(INTERRUPTED)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        sys.exit(1)
    except OSError as error:
        forbidden = error.errno in NOT_ALLOWED and error.filename is not None
        if error.errno not in FULL_DISK and not forbidden:
            raise
        where = f"{error.filename}: " if error.filename is not None else ""
        print(f"error: {where}{error.strerror}", file=sys.stderr, flush=True)
        sys.exit(1)
