"""Which part of what was measured a picture shows: as much as stays legible, what matters first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nntest.errors import UserError


@dataclass(frozen=True)
class Part:
    """Of one kind of things (tensors, platforms ...) those that a page shows."""

    kind: str
    """As a heading calls several of them."""
    shown: tuple[Any, ...]
    total: int

    @property
    def said(self) -> str:
        """How many of how many, in words; nothing where it is all."""
        return "" if len(self.shown) == self.total else (
            f"{len(self.shown):,} of {self.total:,} {self.kind}")  # fmt: skip


def page_of(
    page: int, kinds: Sequence[tuple[str, Sequence[Any], int]], option: str
) -> tuple[list[Part], str]:
    """The parts of a page, and which page of how many it is, in words ("" for a single one).

    kinds: (name, things, most on a page); things in the order in which they matter.  Pages go
    through the last kind first.  `UserError` for a page that there is not, naming the `option`.
    """
    pieces = [
        [tuple(things[start : start + most]) for start in range(0, max(len(things), 1), most)]
        for _, things, most in kinds
    ]
    pages = 1
    for piece in pieces:
        pages *= len(piece)
    if page > pages:
        raise UserError(
            f"config: {option}: there is no page {page}",
            f"the picture has {pages} page{'s' * (pages > 1)}",
        )
    parts, rest = [], page - 1
    for (kind, things, _), piece in zip(reversed(kinds), reversed(pieces), strict=True):
        rest, place = divmod(rest, len(piece))
        parts.append(Part(kind, piece[place], len(things)))
    parts.reverse()
    if pages == 1:
        return parts, ""
    said = ", ".join(part.said for part in parts if part.said)
    return parts, f"page {page} of {pages:,}: {said} ({option} chooses another)"
