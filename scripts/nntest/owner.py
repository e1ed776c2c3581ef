"""Who runs this, and where: what locks and archives say of their owner."""

from __future__ import annotations

import getpass
import hashlib
import os
import socket
from pathlib import Path


def user_name() -> str:
    """The user's name; the numeric id where the system knows no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid-{os.getuid()}"


def this_owner() -> dict[str, str]:
    """{user, host} of this process."""
    return {"user": user_name(), "host": socket.gethostname()}


def this_workflow() -> dict[str, str]:
    """The owner and what tells this workflow from others of theirs: where it runs.

    A folder has one workflow at a time; its name need not be known on the board.
    """
    folder = hashlib.sha256(os.fsencode(Path.cwd())).hexdigest()
    return {**this_owner(), "workflow": folder[:12]}
