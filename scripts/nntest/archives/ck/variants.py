"""Points that differ in a variable which has no column stay apart: as libraries of other names.

So a schedule does not choose among them, a picture does not draw one over the other, and no
median is taken over both.  Behind the library's name stands each variable in which any two of
its points differ that would be the same otherwise: ``arm-compute-library-18.05 {CK_FUSED=1}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from nntest.archives.ck.choices import Settings
from nntest.archives.ck.points import ArchivedPoint
from nntest.archives.ck.safety import Warn, printable
from nntest.domain.tables.column import names
from nntest.domain.tables.shared import KEY

_ABSENT = "unset"


class Variants:
    """Which variables tell points apart that have the same key, by platform and library."""

    def __init__(self) -> None:
        self._first: dict[tuple[object, ...], dict[str, str]] = {}
        self._differing: dict[tuple[str, str], set[str]] = {}

    def noting(self, points: Iterable[ArchivedPoint]) -> Iterator[ArchivedPoint]:
        """The points, taken in as they pass; all of them, before the first is named."""
        known: dict[Settings, dict[str, str]] = {}
        for point in points:
            settings = known.setdefault(point.settings, dict(point.settings))
            key = (point.profile, point.streams, *(point.columns[name] for name in names(KEY)))
            first = self._first.setdefault(key, settings)
            if settings is not first:
                different = dict(settings.items() ^ first.items()).keys()
                if different:
                    self._differing.setdefault(_library(point), set()).update(different)
            yield point

    def named(self, point: ArchivedPoint) -> ArchivedPoint:
        """The point, with what tells it from others behind its library's name."""
        library = self.library(*_library(point), point.settings)
        if library == point.columns["library"]:
            return point
        return replace(point, columns={**point.columns, "library": library})

    def library(self, platform: str, library: str, settings: Settings) -> str:
        """A library's name with what tells points with these settings from others behind it."""
        differing = self._differing.get((platform, library))
        if not differing:
            return library
        values = dict(settings)
        said = ", ".join(f"{name}={values.get(name, _ABSENT)}" for name in sorted(differing))
        return f"{library} {{{said}}}"

    def report(self, warn: Warn, where: object) -> None:
        """One sentence for each variable that tells points apart."""
        for name in sorted(set().union(*self._differing.values())):
            warn(
                f"{where}: points differ in {printable(name)}, which has no column: they are kept "
                "apart by its value, behind the library's name"
            )


def _library(point: ArchivedPoint) -> tuple[str, str]:
    return point.columns["platform"], point.columns["library"]
