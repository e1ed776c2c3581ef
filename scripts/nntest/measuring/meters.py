"""Power meters: which of a board's can be read, asked once before a sweep."""

from __future__ import annotations

import json
from dataclasses import replace

from nntest.config.meters import request
from nntest.config.study import Sweep
from nntest.measuring.onboard import call
from nntest.measuring.progress import Watcher
from nntest.measuring.transport import Transport


def with_readable_meters(transport: Transport, sweep: Sweep, watcher: Watcher) -> Sweep:
    """The sweep with the meters that can be read; without energy runs if there is none.

    What cannot be read, and why, is said once, with `watcher.note`; everything else is measured
    all the same.
    """
    if all(point.profile != "energy" for point in sweep.points):
        return sweep
    board = sweep.board
    asked = json.dumps([request(meter) for meter in board.meters])
    problems = call(transport, board, "power_sampler.py", "--check", asked)
    unreadable = [f"{name}: {why}" for name, why in problems.items() if why]
    good = [meter for meter in board.meters if not problems[meter.name]]
    if good:
        if unreadable:
            watcher.note(f"meters left out on board {board.name}: {'; '.join(unreadable)}")
        return replace(sweep, board=board.model_copy(update={"meters": good}))
    missing = "; ".join(unreadable) or "its file has no `meters`"
    watcher.note(f"no energy runs on board {board.name}: {missing}")
    return replace(sweep, points=tuple(p for p in sweep.points if p.profile != "energy"))
