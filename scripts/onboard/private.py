"""Takes out of records what is nobody else's business: home folders, login, host, kernel build.

Standard library only, Python 3.5 and later: this file is copied to boards, where it is the module
`private`; the workflow imports it as `onboard.private`.
"""

import getpass
import re
import socket
from typing import Any, List, Tuple

HOME = re.compile(
    r"(?:/home|/Users|[A-Za-z]:\\+Users)[/\\]+[^/\\\s\"'<>|:;,]+|(?<![\w./-])/root(?![\w-])"
)
"""A home folder, on whatever system it is one."""

KERNEL = re.compile(r"\b((?:Linux|Darwin)[ -]\d+(?:\.\d+)+)[-+~][\w.+~-]*")
"""A kernel's version with its build behind it, as `platform.platform` writes it."""

BUILD = re.compile(r"#\d+(?:[-~.\w]*) (?:SMP|PREEMPT)[^\n\"]*")
"""A kernel's build, as `uname -v` writes it."""

SHORTEST_NAME = 3
"""A host whose name is shorter is left in texts: it is a part of many a word."""

_SAID = re.compile(r"reason|log_tail|notes|message|problem")
"""Keys of what programs said, in their words."""


def public(value: Any) -> Any:
    """`value` (of JSON) with the private parts of its texts taken out; keys stay.

    The host's name and the login are looked for in what programs said alone: a board's and a
    study's names are the user's own choice, and may well be the host's.
    """
    return _public(value, _own_names(), False)


def _public(value: Any, names: List[Tuple[Any, str]], is_said: bool) -> Any:
    if isinstance(value, str):
        text = BUILD.sub("(build)", KERNEL.sub(r"\1", HOME.sub("~", value)))
        for pattern, instead in names if is_said else ():
            text = pattern.sub(instead, text)
        return text
    if isinstance(value, dict):
        return dict(
            (key, _public(inner, names, is_said or _SAID.search(str(key)) is not None))
            for key, inner in value.items()
        )
    if isinstance(value, (list, tuple)):
        return [_public(inner, names, is_said) for inner in value]
    return value


def _own_names() -> List[Tuple[Any, str]]:
    """(what to look for, what to put in its place) for this host and, before an @, its user."""
    found = []
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = ""
    if user:
        found.append((re.compile(r"(?<![\w.-])" + re.escape(user) + r"(?=@)"), "(user)"))
    host = socket.gethostname().split(".")[0]
    if len(host) >= SHORTEST_NAME and host != "localhost":
        found.append((re.compile(r"(?<![\w.-])" + re.escape(host) + r"(?![\w-])"), "(host)"))
    return found
