"""Collective Knowledge archives: read, check and merge what boards, people and years measured."""

from nntest.archives.ck.accuracy import read_accuracy_rows
from nntest.archives.ck.check import Complaint, check
from nntest.archives.ck.energy import read_energy_rows
from nntest.archives.ck.memory import read_memory_rows
from nntest.archives.ck.merge import MergeReport, merge
from nntest.archives.ck.nodes import read_node_rows
from nntest.archives.ck.one_pass import read_tables
from nntest.archives.ck.overview import EntryOverview, PointOverview, overview
from nntest.archives.ck.platforms import KnownPlatform
from nntest.archives.ck.profiles import (
    read_counter_rows,
    read_kernel_rows,
    read_launch_rows,
)
from nntest.archives.ck.read import has_rows, read_points, read_rows, variants_of
from nntest.archives.ck.revealed import revealed
from nntest.archives.ck.streams import read_stream_rows
from nntest.archives.ck.sustained import read_sustained_rows

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
    "read_accuracy_rows",
    "read_counter_rows",
    "read_energy_rows",
    "read_kernel_rows",
    "read_launch_rows",
    "read_memory_rows",
    "read_node_rows",
    "read_points",
    "read_rows",
    "read_stream_rows",
    "read_sustained_rows",
    "read_tables",
    "revealed",
    "variants_of",
]
