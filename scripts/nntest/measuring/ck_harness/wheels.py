"""Collective Knowledge from PyPI, fetched by this machine for a board that has no pip."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from nntest.codehash import PROJECT
from nntest.config.board import Board
from nntest.measuring.transport import Transport
from nntest.measuring.wheels import WHEELS, Target, fetch_package


def send_ck(transport: Transport, board: Board, facts: Mapping[str, Any], root: str) -> str | None:
    """Have CK's wheels and those that it needs on a board; their folder there.

    None where the board fetches CK itself, or has it.  `root` is the absolute path of the board's
    work folder.  Raises `UserError` where the package index has none for the board's Python.
    """
    requirement = board.ck_harness.pip
    if requirement is None or board.ck_harness.where != "here":
        return None
    target = Target.of(facts)
    name = f"{requirement.replace('==', '-')}-{target.tag}-{target.machine}"
    folder = PROJECT / WHEELS / name
    fetch_package(requirement, target, folder, f"board {board.name}, ck: pip: {requirement}")
    there = posixpath.join(root, "wheels", name)
    if transport.run(["test", "-d", there], timeout_s=60).status != 0:
        transport.put(folder, there)
    return there
