"""Collective Knowledge archives: read, check and merge what boards, people and years measured."""

from nntest.archives.ck.check import Complaint, check
from nntest.archives.ck.merge import MergeReport, merge
from nntest.archives.ck.overview import EntryOverview, PointOverview, overview
from nntest.archives.ck.platforms import KnownPlatform
from nntest.archives.ck.read import has_rows, read_points, read_rows, variants_of
from nntest.archives.ck.revealed import revealed

__all__ = [
    "Complaint",
    "EntryOverview",
    "KnownPlatform",
    "MergeReport",
    "PointOverview",
    "check",
    "has_rows",
    "merge",
    "overview",
    "read_points",
    "read_rows",
    "revealed",
    "variants_of",
]
