"""Hardware counters: whether a board can count, asked once before a sweep."""

from __future__ import annotations

from dataclasses import replace

from nntest.config.instruments import instruments_of
from nntest.config.study import Study, Sweep
from nntest.measuring.progress import Watcher
from nntest.measuring.transport import Transport

# "$1" is what the reader reads, "$2" the reader's command.
_LOOK = 'test -e "$1" || { echo "no $1"; exit; }; command -v "$2" >/dev/null || echo "no $2"'


def countable(transport: Transport, study: Study, sweep: Sweep, watcher: Watcher) -> Sweep:
    """The sweep as it is, or without the points that need counters which the board has not.

    What is missing is said once, with `watcher.note`; the other points are measured all the same.
    """
    if "counters" not in instruments_of(study.config.profile, sweep.library.kind):
        return sweep
    counters = sweep.board.counters
    if counters is None:
        missing = "its file has no `counters`"
    else:
        command = ["sh", "-c", _LOOK, "sh", counters.device, counters.reader[0]]
        missing = transport.run(
            command, timeout_s=60, environment=sweep.board.environment
        ).stdout.strip()
        missing = missing and f"there is {missing} on it"
    if not missing:
        return sweep
    watcher.note(f"no hardware counters on board {sweep.board.name}: {missing}")
    return replace(sweep, points=tuple(p for p in sweep.points if p.profile != "counters"))
