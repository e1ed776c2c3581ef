"""How Collective Knowledge is called on a board, as the on-board part is given it."""

from __future__ import annotations

import hashlib
import posixpath
import shlex
from typing import Any

from nntest.config.board import Board
from nntest.measuring.onboard import python_of

START = "import sys, ck.kernel as ck; sys.exit(int(ck.access(sys.argv[1:])['return']))"
"""What CK's own command does, in every version: `python -m ck` came with 2.0 only."""


def pip_folder(board: Board, root: str) -> str | None:
    """Folder on the board of a CK that we install there; None where CK is there already."""
    harness = board.ck_harness
    if harness.pip is None:
        return None
    key = hashlib.sha256(f"{harness.pip} {_python(board)}".encode()).hexdigest()[:8]
    return posixpath.join(root, "ck", f"{harness.pip.replace('==', '-')}-{key}")


def ck_request(board: Board, root: str) -> dict[str, Any]:
    """{argv, environment, path} with which the on-board part starts CK.

    `root` is the absolute path of the board's work folder.
    """
    harness = board.ck_harness
    folder = pip_folder(board, root)
    environment = dict(board.environment)
    for name, path in (
        ("CK_REPOS", harness.repositories_dir or (folder and "ck/repositories")),
        ("CK_TOOLS", harness.tools_dir or (folder and "ck/tools")),
    ):
        if path:
            environment[name] = posixpath.join(root, path)
    if folder is None:
        return {
            "argv": shlex.split(harness.command or "ck"),
            "environment": environment,
            "path": [],
        }
    environment["PYTHONPATH"] = folder
    return {"argv": [_starter(folder)], "environment": environment, "path": [_starters(folder)]}


def pip_request(board: Board, root: str, wheels: str | None = None) -> dict[str, Any] | None:
    """How CK itself is installed; None where it is there already.

    `wheels`: folder on the board with CK's wheels, where they were sent there.
    """
    folder = pip_folder(board, root)
    if folder is None:
        return None
    python = _python(board)
    return {
        "python": python,
        "requirement": board.ck_harness.pip,
        "folder": folder,
        "wheels": wheels,
        "marker": posixpath.join(folder, "installed-by-nntest-flow"),
        "starter": _starter(folder),
        # CK's packages call `ck` by this name.
        "start": f'#!/bin/sh\nexec {shlex.quote(python)} -c "{START}" "$@"\n',
    }


def _python(board: Board) -> str:
    return board.ck_harness.python or python_of(board)


def _starters(folder: str) -> str:
    return posixpath.join(folder, "nntest-flow-bin")


def _starter(folder: str) -> str:
    return posixpath.join(_starters(folder), "ck")
