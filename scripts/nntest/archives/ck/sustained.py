"""What sustained runs hold: rate, clock, temperature and power in each window."""

from __future__ import annotations

from collections.abc import Iterator

from onboard import outcomes

from nntest.archives.ck.points import ArchivedPoint
from nntest.archives.ck.read import Row, columns_of, repetition_rows
from nntest.archives.ck.values import dig, objects, positive, real, whole
from nntest.domain.tables.sustained import SUSTAINED_WINDOWS


def sustained_rows(point: ArchivedPoint, first_repetition: int) -> Iterator[Row]:
    """A recording's rows of `SUSTAINED_WINDOWS`: one for each window; one of a failed run."""
    if point.profile != "sustained":
        return
    for index, (row, _, outcome) in enumerate(repetition_rows(point, first_repetition)):
        kept = columns_of(row, SUSTAINED_WINDOWS)
        if outcome.status != outcomes.OK:
            yield kept
            continue
        windows = objects(point.repetitions[index], "nntest_flow", "sustained")
        for number, window in enumerate(windows):
            seconds, runs = positive(window.get("seconds")), whole(window.get("runs"))
            if seconds is None or runs is None:
                continue
            yield {
                **kept,
                "window": number,
                "from_s": real(window.get("from_s")),
                "seconds": seconds,
                "runs": runs,
                "frames_per_s": runs * row["batch_size"] / seconds,
                "clock_mhz": real(window.get("clock_mhz")),
                "temperature_c": real(window.get("temperature_c")),
                "power_w": real(dig(window, "watts", 0, "watts")),
            }
