"""What accuracy runs hold: how many images a whole network classified rightly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from onboard import outcomes

from nntest.archives.ck.platforms import KnownPlatform
from nntest.archives.ck.points import ArchivedPoint
from nntest.archives.ck.read import Row, log_warning, repetition_rows, rows_of_points
from nntest.archives.ck.safety import Warn
from nntest.archives.ck.values import mapping, whole
from nntest.domain.tables.accuracy import ACCURACY_RUNS

_COUNTS = ("images", "top1", "top5")


def read_accuracy_rows(
    path: Path,
    known_platforms: Iterable[KnownPlatform] = (),
    warn: Warn = log_warning,
    *,
    synthetic: bool = False,
) -> Iterator[Row]:
    """Rows of the table `ACCURACY_RUNS`: one for each part of the images.

    A part that failed has no counts; its status and reason say why.  Arguments and errors as for
    `nntest.archives.ck.read_rows`.
    """
    return rows_of_points(path, known_platforms, warn, synthetic, accuracy_rows)


def accuracy_rows(point: ArchivedPoint, first_repetition: int) -> Iterator[Row]:
    """Rows of one recording, as `read_accuracy_rows` gives them; none without images."""
    if point.profile != "accuracy":
        return
    for row, run, outcome in repetition_rows(point, first_repetition):
        kept = {name: row.get(name) for name in ACCURACY_RUNS.names}
        if outcome.status == outcomes.OK:
            said = mapping(run, "run_time_state", "accuracy")
            kept |= {name: whole(said.get(name)) for name in _COUNTS}
        yield kept
