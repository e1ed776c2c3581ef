"""What is in an archive, in a few words: one line per entry, or per point of an entry."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from onboard import outcomes

from nntest.archives.ck.platforms import KnownPlatform
from nntest.archives.ck.points import ArchivedPoint
from nntest.archives.ck.profiles import UNKNOWN_PHASE, kernel_rows
from nntest.archives.ck.read import log_warning, read_points, repetition_rows
from nntest.archives.ck.safety import Warn, printable


@dataclass
class PointOverview:
    """One recording of a point; times in µs."""

    point: str
    subpoint: int
    operator: str
    tensor: str
    batch_size: int | None
    tuner: str
    profiled: bool
    times: list[float] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    """(status, reason) of each repetition that failed."""
    kernels: dict[str, list[float]] = field(default_factory=dict)
    """Times of each kernel, of a profiled point."""

    @property
    def median(self) -> float | None:
        """Median time, µs; None if no repetition succeeded."""
        return statistics.median(self.times) if self.times else None


@dataclass
class EntryOverview:
    """One entry, with what all of its points share."""

    alias: str
    uid: str
    program: str
    library: str
    platform: str
    device: str
    driver: str
    tags: list[str]
    archives: list[str] = field(default_factory=list)
    """Files that its points came from."""
    points: list[PointOverview] = field(default_factory=list)

    @property
    def succeeded(self) -> int:
        """Repetitions that succeeded."""
        return sum(len(point.times) for point in self.points)

    @property
    def failed(self) -> int:
        """Points that a repetition of failed."""
        return len({point.point for point in self.points if point.failures})


def overview(
    path: Path, known_platforms: Iterable[KnownPlatform] = (), warn: Warn = log_warning
) -> Iterator[EntryOverview]:
    """Every entry that has a readable point, one at a time; arguments as for `read_rows`."""
    entry: EntryOverview | None = None
    folder = None
    for point in read_points(path, known_platforms, warn, synthetic=True):
        if entry is None or point.entry.folder != folder:
            if entry is not None:
                yield entry
            entry, folder = _entry(point), point.entry.folder
        entry.points.append(_point(point))
        if point.columns["archive"] not in entry.archives:
            entry.archives.append(point.columns["archive"])
    if entry is not None:
        yield entry


def _entry(point: ArchivedPoint) -> EntryOverview:
    columns = point.columns
    return EntryOverview(
        alias=printable(point.entry.alias),
        uid=point.entry.uid,
        program=columns["program"],
        library=columns["library"],
        platform=columns["platform"],
        device=columns["device"],
        driver=columns["driver"],
        tags=[printable(tag) for tag in point.entry.tags],
    )


def _point(point: ArchivedPoint) -> PointOverview:
    columns = point.columns
    found = PointOverview(
        point=columns["point"],
        subpoint=columns["subpoint"],
        operator=columns["operator"],
        tensor=columns["tensor"],
        batch_size=columns["batch_size"],
        tuner=columns["tuner"],
        profiled=point.profiled,
    )
    for row, _, outcome in repetition_rows(point, 0):
        if outcome.status == outcomes.OK:
            found.times.append(row["time_us"])
        else:
            found.failures.append((outcome.status, outcome.reason))
    for row in kernel_rows(point, 0):
        if row["phase"] in ("run", UNKNOWN_PHASE) and row["time_us"] is not None:
            found.kernels.setdefault(row["kernel"], []).append(row["time_us"])
    return found
