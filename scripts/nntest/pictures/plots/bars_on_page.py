"""Which bars a page of a picture with a row for each tensor shows, and where they stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from nntest.analysis.points import tensor_order
from nntest.pictures.plots.paging import page_of, rows_of

BAR_KEY = ["platform", "library", "tensor", "batch_size", "operator", "tuner"]
"""Columns that a bar's key has, in this order."""
_MOST_TENSORS, _MOST_PANELS, _MOST_BARS = 40, 6, 24
"""On one page; bars of a tensor."""

Key = tuple[Any, ...]


@dataclass(frozen=True)
class BarsOnPage:
    """The bars of a page; a panel is a platform and library, a row a tensor and batch size."""

    keys: frozenset[Key]
    panels: list[Key]
    """Of the page, those without a bar on it too."""
    said: str
    """Which page of how many it is, in words; "" for a single one."""

    @property
    def places(self) -> dict[Key, list[Key]]:
        """The rows in their order, each with places for what was tried on its tensor."""
        tried: dict[Key, set[Key]] = {}
        for key in self.keys:
            tried.setdefault(key[2:4], set()).add(key[4:])
        rows = sorted(tried, key=lambda row: (tensor_order(row[0]), row[1]))
        return {row: sorted(tried[row]) for row in rows}


def bars_on_page(
    keys: Iterable[Key], longest: Mapping[Any, float], page: int, option: str
) -> BarsOnPage:
    """The page of some bars; `longest` has what each row takes, the longest come first.

    `page` and `option` are those of `page_of`.
    """
    keys = set(keys)
    choices = sorted({key[4:] for key in keys})
    rows = sorted(
        {key[2:4] for key in keys},
        key=lambda row: (-longest.get(row, 0.0), tensor_order(row[0]), row[1]),
    )
    kinds: list[tuple[str, list[Any], int]] = [
        ("bars a tensor", choices, _MOST_BARS),
        ("panels", sorted({key[:2] for key in keys}), _MOST_PANELS),
        ("tensors, the longest first", rows, rows_of(min(len(choices), _MOST_BARS), _MOST_TENSORS)),
    ]
    parts, said = page_of(page, kinds, option)
    bars, panels, tensors = (set(part.shown) for part in parts)
    there = (key for key in keys if key[4:] in bars and key[:2] in panels and key[2:4] in tensors)
    return BarsOnPage(frozenset(there), sorted(panels), said)
