"""The roofline model: a platform computes no faster than its peak, nor than its memory feeds it.

Williams, Waterman and Patterson 2009, Communications of the ACM 52(4): attainable operations in
a second = min(peak, bandwidth x intensity), intensity in operations for each byte of memory
traffic.  Both meet at the ridge, at intensity peak / bandwidth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from nntest.config.board import Board
from nntest.config.platform import ComputeCeiling, MemoryCeiling, Platform
from nntest.domain.data_types import data_type_of, order_of

Bound = Literal["compute", "memory"]

DATA_SHEET = "data sheet"


@dataclass(frozen=True)
class Roof:
    """One compute ceiling of a platform for a data type, with the bandwidth that belongs to it."""

    platform: str
    data_type: str
    kind: str
    """What the figures are: data sheet, measured, …"""
    peak_gops: float
    bandwidth_gb_s: float
    peak_source: str
    bandwidth_source: str
    bandwidth_kind: str = DATA_SHEET
    rank: int = 0
    """Place among the ceilings of the data type; 0 is that of predictions."""
    name: str = ""
    """Name of the platform's file."""

    @property
    def ridge(self) -> float:
        """Intensity in operations a byte above which the platform is bound by its peak."""
        return self.peak_gops / self.bandwidth_gb_s

    def attainable_gops(self, intensity: float) -> float:
        """The most GOP/s at an intensity in operations a byte (infinite: no memory traffic)."""
        if intensity == float("inf"):
            return self.peak_gops
        return min(self.peak_gops, self.bandwidth_gb_s * intensity)

    def bound(self, intensity: float) -> Bound:
        """What limits at an intensity; at the ridge itself both do, and it is called compute."""
        return "memory" if intensity < self.ridge else "compute"


def roofs_of(platform: Platform) -> list[Roof]:
    """Every roof of a platform: data types by their bits, their ceilings in the file's order."""
    return _roofs(platform.name, platform.title, platform.peaks.items(), platform.bandwidth)


def roofs_of_board(board: Board, platform: Platform | None) -> list[Roof]:
    """The roofs of a board: those of its platform's file, then the board file's own.

    `platform` is the file that the board's `platform.ceilings` names, if it names one.
    """
    peaks: dict[str, list[ComputeCeiling]] = {}
    memory: list[MemoryCeiling] = []
    if platform is not None:
        peaks = {data_type: list(ceilings) for data_type, ceilings in platform.peaks.items()}
        memory = list(platform.bandwidth)
    if board.gpu is not None:
        for name, own in board.gpu.peaks.items():
            peaks.setdefault(data_type_of(name) or name, []).extend(
                ComputeCeiling(gops=peak.gflops, kind=peak.kind, source=peak.source) for peak in own
            )
        memory += [
            MemoryCeiling(gb_s=own.gb_s, kind=own.kind, source=own.source)
            for own in board.gpu.bandwidth
        ]
    title = board.platform.name or (platform.title if platform else board.name)
    return _roofs(board.name, title, peaks.items(), memory)


def _roofs(
    name: str,
    title: str,
    peaks: Iterable[tuple[str, Sequence[ComputeCeiling]]],
    memory: Sequence[MemoryCeiling],
) -> list[Roof]:
    found = []
    for data_type, ceilings in sorted(peaks, key=lambda item: order_of(item[0])):
        for rank, ceiling in enumerate(ceilings if memory else ()):
            bandwidth = bandwidth_for(ceiling.kind, memory)
            found.append(
                Roof(
                    platform=title,
                    data_type=data_type,
                    kind=ceiling.kind,
                    peak_gops=ceiling.gops,
                    bandwidth_gb_s=bandwidth.gb_s,
                    peak_source=ceiling.source,
                    bandwidth_source=bandwidth.source,
                    bandwidth_kind=bandwidth.kind,
                    rank=rank,
                    name=name,
                )
            )
    return found


def bandwidth_for(kind: str, memory: Sequence[MemoryCeiling]) -> MemoryCeiling:
    """The bandwidth for a compute ceiling: of its own kind, else the data sheet's, else the first.

    A measured peak is to meet the measured bandwidth, a calculated one the calculated one.
    """
    for wanted in (kind, DATA_SHEET):
        for ceiling in memory:
            if ceiling.kind == wanted:
                return ceiling
    return memory[0]
