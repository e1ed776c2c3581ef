"""What runs on a board: copied there once for each version, and called by its full path."""

from __future__ import annotations

import hashlib
import posixpath
import sys
from functools import cache
from typing import Any

from onboard.answers import WHOLE_PYTHON, answer_in, missing_module

from nntest.codehash import ONBOARD
from nntest.config.board import Board, LocalConnection
from nntest.errors import UserError
from nntest.measuring.transport import Transport

COMMAND_TIMEOUT_S = 120.0
"""For a small command on a board; a sweep is not waited for in one command."""


def python_of(board: Board) -> str:
    """The Python that runs things on a board."""
    if board.python is not None:
        return board.python
    return sys.executable if isinstance(board.connect, LocalConnection) else "python3"


@cache
def version() -> str:
    """Twelve hex digits over the bytes of everything that is copied to boards."""
    digest = hashlib.sha256()
    for path in sorted(ONBOARD.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(str(path.relative_to(ONBOARD)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def deploy(transport: Transport, board: Board) -> str:
    """Copy the on-board files unless this version is there; their folder on the board."""
    folder = posixpath.join(board.work_dir, "programs", version())
    marker = posixpath.join(folder, "runner.py")
    if transport.read(marker) is None:
        transport.put(ONBOARD, folder)
    return folder


def absolute_root(transport: Transport, board: Board) -> str:
    """The board's work folder as an absolute path: what is detached runs elsewhere."""
    deploy(transport, board)
    done = transport.run(
        ["sh", "-c", 'cd "$1" && pwd -P', "sh", board.work_dir], timeout_s=60
    ).check(f"board {board.name}: work folder {board.work_dir}")
    return done.stdout.strip()


def call(
    transport: Transport,
    board: Board,
    script: str,
    *arguments: str,
    timeout_s: float = COMMAND_TIMEOUT_S,
) -> dict[str, Any]:
    """Run one of the on-board scripts and read the JSON object that it answers with.

    Raises `UserError` when it fails or gives no answer.
    """
    path = posixpath.join(deploy(transport, board), script)
    done = transport.run(
        [python_of(board), path, *arguments],
        timeout_s=timeout_s,
        environment=board.environment,
    )
    answer = answer_in(done.stdout)
    if answer is None:
        _refuse_small_python(board, done.stderr)
        done.check(f"board {board.name}: {script}")
        raise UserError(f"board {board.name}: {script} gave no answer")
    # A job's status may say that it failed: asking for it has not.
    if answer.get("state") == "failed" and "running" not in answer:
        raise UserError(f"board {board.name}: {answer['message']}")
    return answer


def _refuse_small_python(board: Board, said: str) -> None:
    """Raise `UserError` if a script ended because its Python is not a whole one."""
    module = missing_module(said)
    if module is not None and module.split(".")[0] in sys.stdlib_module_names:
        raise UserError(
            f"board {board.name}: {python_of(board)} has no module {module}, which belongs to "
            "Python's standard library",
            f"{WHOLE_PYTHON.format(module)}; or name another one as `python:` in the board's file",
        )
