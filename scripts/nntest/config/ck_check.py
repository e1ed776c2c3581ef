"""What of a study Collective Knowledge cannot measure, said before anything is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nntest.domain.tensor_suffixes import PADS_VARIABLE
from nntest.errors import UserError

if TYPE_CHECKING:
    from nntest.config.study import Study


def check_ck(study: Study) -> None:
    """`UserError` for boards and libraries of CK that do not go together, or with the study."""
    for board in study.boards:
        if board.harness == "ck" and not study.libraries_of(board):
            raise UserError(
                f"board {board.name}: harness ck needs a library of kind ck, and the study has "
                "none for it",
                "add one to `libraries` (config/libraries/ck-armcl-18.05.yaml is an example)",
            )
        if board.harness == "ck":
            continue
        others = [library.name for library in study.libraries if library.kind != "ck"]
        if study.libraries and not others:
            raise UserError(
                f"board {board.name}: libraries of kind ck need a board with "
                f"harness: ck, and the study has no other library for it",
                "set `harness: ck` in the board's file, or add a library",
            )
    for library in study.libraries:
        if library.kind != "ck" or not study.boards:
            continue
        if not any(library in study.libraries_of(board) for board in study.boards):
            raise UserError(
                f"library {library.name}: kind ck needs a board with harness: ck, and "
                "no board of the study takes it",
                "set `harness: ck` in a board's file, or remove the library",
            )
        for point in study.points(library):
            if PADS_VARIABLE in point.tensor.env():
                raise UserError(
                    f"library {library.name}: CK-NNTest's programs pad all sides equally, and "
                    f"tensor {point.tensor.name} does not",
                    "set `padding: study`, or remove the tensor",
                )
            if point.tensor.species == "maxpool":
                raise UserError(
                    f"library {library.name}: CK-NNTest has no program for maxpool",
                    "remove it from the library's `operators`",
                )
