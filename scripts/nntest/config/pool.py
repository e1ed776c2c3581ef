"""Several boards of one kind: a file among the boards' that names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, field_validator

from nntest.config.board import Board, SshConnection
from nntest.config.fields import Name, Strict
from nntest.errors import UserError

ALIKE = (
    "platform", "soc", "cpu", "cores", "gpu", "frequency_domains", "libraries", "environment",
    "counters", "meters", "emulated",
)  # fmt: skip
"""What the files of a pool's boards say alike: rows of the one stand beside rows of the other."""


class Pool(Strict):
    """Boards of one kind; the file's name without `.yaml` is its name."""

    name: Name
    description: str = ""
    pool: Annotated[list[Name], Field(min_length=2)] = Field(
        description="names of board files: whichever of the boards is free takes the next library"
    )

    @field_validator("pool")
    @classmethod
    def _no_twins(cls, values: list[str]) -> list[str]:
        if len(set(values)) < len(values):
            raise ValueError("a board is listed twice")
        return values


def check_pool(pool: Pool, members: Sequence[Board]) -> None:
    """`UserError` for boards that one sweep cannot be measured on as well as on the other."""
    first = members[0]
    for board in members:
        where = f"pool {pool.name}: board {board.name}"
        if not isinstance(board.connect, SshConnection) or board.harness != "native":
            raise UserError(
                f"{where}: the boards of a pool are reached over SSH, and have harness: native",
                "name it in `boards` of the config, on its own",
            )
        different = [key for key in ALIKE if getattr(board, key) != getattr(first, key)]
        if different:
            raise UserError(
                f"{where} is of another kind than {first.name}: their files differ in "
                f"{', '.join(f'`{key}`' for key in different)}",
                "write the same in both, or name each in `boards` of the config, on its own",
            )
