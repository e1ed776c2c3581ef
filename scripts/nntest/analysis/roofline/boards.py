"""The roofs of a study's boards.

Apart from `analysis.study_tables`, since the workflow asks for these before any job runs:
nothing here imports what makes tables.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from nntest.analysis.roofline.model import Roof, roofs_of_board
from nntest.config.study import Study


def board_roofs(study: Study) -> dict[str, list[Roof]]:
    """The roofs of every board file that has any, by its name."""
    platforms = {platform.name: platform for platform in study.all_platforms}
    boards = {board.name: board for board in (*study.known_boards, *study.boards)}
    found = {
        name: roofs_of_board(board, platforms.get(board.platform.ceilings or ""))
        for name, board in boards.items()
    }
    return {name: roofs for name, roofs in found.items() if roofs}


def roofs_spec(study: Study) -> dict[str, Any]:
    """The ceilings of the study's boards; with imports, of every board file that has any."""
    names = {board.name for board in study.boards}
    return {
        name: [asdict(roof) for roof in roofs]
        for name, roofs in board_roofs(study).items()
        if name in names or study.config.imports
    }
