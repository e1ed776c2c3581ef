"""Made-up runs of a history, for the tests of what reads one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nntest.archives.history import NetworkTime, Run, Time, write_run

FIRST_DAY = datetime(2026, 11, 1, 20, tzinfo=UTC)


def network_time(day: int = 0, ms: float = 10.0, **changes: Any) -> NetworkTime:
    """A network's measured time on a day, with an interval of ±5 %."""
    us = 1e3 * ms
    start = FIRST_DAY + timedelta(days=day)
    fields = {
        "network": "small", "platform": "Test board", "device": "cpu", "library": "onnxruntime",
        "version": "1.32.0", "batch_size": 1, "data_type": "fp32", "threads": None,
        "comparable": "0123456789ab", "first_started_at": start,
        "last_started_at": start + timedelta(minutes=5), "runs": 60, "clean": 45,
        "estimated": Time(us=1.2 * us),
        "measured": Time(us=us, low_us=0.95 * us, high_us=1.05 * us),
    }  # fmt: skip
    return NetworkTime(**{**fields, **changes})


def write_history(folder: Path, times: list[NetworkTime], study: str = "study") -> None:
    """A file for each time."""
    for one in times:
        write_run(Run(study=study, networks=(one,)), folder)


def noisy(day: int) -> float:
    """A time in ms that differs a little from day to day, in no order."""
    return 10.0 + 0.1 * ((7 * day) % 10)
