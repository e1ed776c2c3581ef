"""What accuracy runs hold: how many images a whole network classified rightly."""

from __future__ import annotations

from collections.abc import Iterator

from onboard import outcomes

from nntest.archives.ck.points import ArchivedPoint
from nntest.archives.ck.read import Row, columns_of, repetition_rows
from nntest.archives.ck.values import mapping, whole
from nntest.domain.tables.accuracy import ACCURACY_RUNS

_COUNTS = ("images", "top1", "top5")


def accuracy_rows(point: ArchivedPoint, first_repetition: int) -> Iterator[Row]:
    """A recording's rows of `ACCURACY_RUNS`: one for each part of the images; none without images.

    A part that failed has no counts; its status and reason say why.
    """
    if point.profile != "accuracy":
        return
    for row, run, outcome in repetition_rows(point, first_repetition):
        kept = columns_of(row, ACCURACY_RUNS)
        if outcome.status == outcomes.OK:
            said = mapping(run, "run_time_state", "accuracy")
            kept |= {name: whole(said.get(name)) for name in _COUNTS}
        yield kept
