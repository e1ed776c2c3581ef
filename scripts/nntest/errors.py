"""The one exception that a user's mistake, or a board's refusal, becomes.

Everything that a user can mend (a typo in a config, a zip that is no zip, a board that does
not answer) is raised as a `UserError`: one clear message that names the thing and the mend,
no traceback.  Any other exception that reaches a user is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """Something that the user can mend; `str()` of it is the whole message.

    `hint` says how to mend it and is shown on a line of its own.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(message if hint is None else f"{message}\n  mend: {hint}")


@contextmanager
def user_errors_end_the_process() -> Iterator[None]:
    """Turn a `UserError` (and a full disk) into a message on stderr and exit status 1.

    For the top of a script: `with user_errors_end_the_process(): ...`.
    """
    try:
        yield
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        sys.exit(1)
    except OSError as error:
        if error.errno is None:
            raise
        where = f" ({error.filename})" if error.filename else ""
        print(f"error: {error.strerror}{where}", file=sys.stderr, flush=True)
        sys.exit(1)
