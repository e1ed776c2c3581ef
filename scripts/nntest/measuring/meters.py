"""Power meters: which of a board's can be read, asked once before a sweep."""

from __future__ import annotations

import json
from dataclasses import replace

from nntest.config.meters import request
from nntest.config.study import Sweep
from nntest.measuring.onboard import call
from nntest.measuring.progress import Watcher
from nntest.measuring.transport import Transport

_METERED = {"energy": "energy runs", "sustained": "power of sustained runs"}
"""What a board without a meter goes without, by the profile of the points."""


def with_readable_meters(transport: Transport, sweep: Sweep, watcher: Watcher) -> Sweep:
    """The sweep with the meters that can be read; without energy runs if there is none.

    A sustained run has no power then.  What cannot be read, and why, is said once, with
    `watcher.note`; everything else is measured all the same.
    """
    profiles = {point.profile for point in sweep.points}
    wanted = [what for profile, what in _METERED.items() if profile in profiles]
    if not wanted:
        return sweep
    board = sweep.board
    asked = json.dumps([request(meter) for meter in board.meters])
    problems = call(transport, board, "power_sampler.py", "--check", asked)
    unreadable = [f"{name}: {why}" for name, why in problems.items() if why]
    good = [meter for meter in board.meters if not problems[meter.name]]
    readable = replace(sweep, board=board.model_copy(update={"meters": good}))
    if good:
        if unreadable:
            watcher.note(f"meters left out on board {board.name}: {'; '.join(unreadable)}")
        return readable
    missing = "; ".join(unreadable) or "its file has no `meters`"
    watcher.note(f"no {' and no '.join(wanted)} on board {board.name}: {missing}")
    return replace(readable, points=tuple(p for p in sweep.points if p.profile != "energy"))
