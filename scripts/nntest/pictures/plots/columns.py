"""What the plots read of the measurement table, which is wide and may have a million rows."""

from __future__ import annotations

from nntest.analysis.points import KEY_COLUMNS
from nntest.archives.measurements import PROCESS_KEYS
from nntest.pictures.style import HEADED

PLOTTED = tuple(dict.fromkeys((
    *HEADED, *KEY_COLUMNS, *PROCESS_KEYS, "time_us", "GFLOPS", "run_state", "kernel", "status",
)))  # fmt: skip
