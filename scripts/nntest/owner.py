"""Who runs this, and where: what locks and archives say of their owner."""

from __future__ import annotations

import getpass
import os
import socket


def user_name() -> str:
    """The user's name; the numeric id where the system knows no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def this_owner() -> dict[str, str]:
    """{user, host} of this process."""
    return {"user": user_name(), "host": socket.gethostname()}
