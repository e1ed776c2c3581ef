"""What a board is, read off the board."""

from __future__ import annotations

import re
from typing import Any

from nntest.config.board import Board
from nntest.measuring.onboard import call
from nntest.measuring.transport import Transport


def probe(transport: Transport, board: Board) -> tuple[dict[str, Any], dict[str, Any]]:
    """(facts, now): what stays the same, and what changes from minute to minute."""
    folders = [domain.path for domain in board.frequency_domains]
    folders += [zone.path for zone in board.thermal_zones]
    answer = call(transport, board, "probe.py", *folders)
    facts = answer["facts"]
    facts["board"] = board.name
    facts["emulated"] = board.emulated
    facts["platform"] = platform_name(board, facts)
    return facts, answer["now"]


def platform_name(board: Board, facts: dict[str, Any]) -> str:
    """What tables and plots call the board: its file's name for it, its model, or its CPU."""
    cpu = " + ".join(kind["name"] for kind in facts["cpus"])
    name = board.platform.name or facts["model"] or cpu or board.name
    return re.sub(r"\((R|TM)\)", "", name).strip()
