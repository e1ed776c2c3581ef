"""Blocks of a network by its layers' names: what stands together and has a name in common.

``layer1.0.conv1`` is conv1 of the block layer1.0, ``expanded_conv_2/add`` add of expanded_conv_2,
``Conv2d_1_depthwise`` depthwise of Conv2d_1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

MOST = 12
"""Layers of the largest block: a larger one is divided further, where its names allow it."""

_SEPARATOR = re.compile(r"/|\.(?!\d)|(?<=\d)_|(?<=\d[a-z])_(?=[a-z])", re.ASCII)
"""Between a block's name and what is in it: a slash, a dot that is before no number, an underscore
behind a number."""


def blocks(names: Sequence[str]) -> list[str]:
    """The block of each layer, in the order in which they run; empty for one without."""
    found = [""] * len(names)
    _divide(names, range(len(names)), 0, found)
    return found


def name_in_block(name: str, block: str) -> str:
    """What a layer is called within its block."""
    return name[len(block) + 1 :] if block else name


def _divide(names: Sequence[str], places: range, depth: int, found: list[str]) -> None:
    """Note the blocks of consecutive names that have the first `depth` parts in common."""
    for prefix, group in groupby(places, lambda place: _prefix(names[place], depth)):
        members = list(group)
        if prefix is None or len(members) == 1:
            continue
        if len(members) > MOST:
            _divide(names, range(members[0], members[-1] + 1), depth + 1, found)
            continue
        for place in members:
            found[place] = prefix


def _prefix(name: str, depth: int) -> str | None:
    """A name up to its separator number `depth`; None if it has fewer."""
    ends = [match.start() for match in _SEPARATOR.finditer(name) if match.start() > 0]
    return name[: ends[depth]] if depth < len(ends) else None
