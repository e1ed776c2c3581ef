"""Which part of what was measured a picture shows: as much as stays legible, what matters first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MOST_BARS = 160
"""One below the other on a page."""
NOT_ON_THIS_PAGE = "of what is on this page nothing was measured; other pages have more"
"""Why a page is empty: not everything is measured everywhere."""


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


def rows_of(bars: int, most: int, most_bars: int = MOST_BARS) -> int:
    """How many rows of up to `bars` bars a page holds: `most`, or fewer where rows are high."""
    return max(1, min(most, most_bars // max(bars, 1)))


def page_of(
    page: int, kinds: Sequence[tuple[str, Sequence[Any], int]], option: str
) -> tuple[list[Part], str]:
    """The parts of a page, and which page of how many it is, in words ("" for a single one).

    kinds: (name, things, most on a page); things in the order in which they matter.  Pages go
    through the last kind first.  `option`, the key of the config that chooses the page, is of
    several pictures, which need not have equally many pages: behind a picture's last page that
    one is shown, and the words say so.
    """
    pieces = [
        [tuple(things[start : start + most]) for start in range(0, max(len(things), 1), most)]
        for _, things, most in kinds
    ]
    pages = 1
    for piece in pieces:
        pages *= len(piece)
    parts, rest = [], min(page, pages) - 1
    for (kind, things, _), piece in zip(reversed(kinds), reversed(pieces), strict=True):
        rest, place = divmod(rest, len(piece))
        parts.append(Part(kind, piece[place], len(things)))
    parts.reverse()
    if page > pages:
        choice = f"there is no page {page}, which {option} asks for"
    elif pages == 1:
        return parts, ""
    else:
        choice = f"{option} chooses another"
    said = ", ".join(part.said for part in parts if part.said)
    return parts, f"page {min(page, pages)} of {pages:,}{': ' * bool(said)}{said} ({choice})"
