"""Values as words of a POSIX shell: whatever they hold, the shell takes them as they are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from nntest.errors import UserError

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def word(value: str) -> str:
    """A value as one word.  Raises `UserError` for a NUL byte, which no command can be given."""
    if "\0" in value:
        raise UserError(f"{value!r} holds a NUL byte: nothing on a board can have that name")
    return shlex.quote(value)


def one_line(script: str) -> str:
    """A script without a line's end in it that does what `script` does.

    Only for scripts whose line ends are all inside of single quotes (those of `word`).
    """
    if "\n" not in script:
        return script
    body = script.replace("\n", "'\"$nl\"'")
    return rf"nl=$(printf '\nx'); nl=${{nl%x}}; {body}"


def remote_path(path: str) -> str:
    """A path on the board as one word, never to be taken for an option; relative: as it is."""
    if not path:
        raise UserError("an empty path names nothing on a board")
    return word(path if path.startswith("/") else f"./{path}")


def command(argv: Sequence[str], environment: Mapping[str, str] | None) -> str:
    """A command for a shell to turn into: no function, no builtin, nothing expanded.

    Raises `UserError` for a wrong name of a variable.
    """
    if not argv or not argv[0]:
        raise UserError("an empty command cannot be run on a board")
    if argv[0].startswith("-"):
        raise UserError(f"{argv[0]!r} cannot be run: a program's name does not begin with '-'")
    words = [word(value) for value in argv]
    if not environment:
        return "exec " + " ".join(words)
    for name in environment:
        if not NAME.fullmatch(name):
            raise UserError(f"{name!r} is not the name of an environment variable")
    if "=" in argv[0]:
        # env would take it for one more variable.
        words = ["sh", "-c", word('exec "$0" "$@"'), *words]
    settings = [f"{name}={word(value)}" for name, value in environment.items()]
    return " ".join(["exec env", *settings, *words])
