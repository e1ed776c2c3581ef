"""How a machine's speed drifted while it measured: the line that all its points draw together.

A sweep visits its points again and again, in rounds of mixed order, so every point is an anchor:
what a process of it took, over the median of all its processes, says how fast the machine was then,
whatever the point is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from nntest.analysis.points import KEY_COLUMNS, labelled
from nntest.analysis.stats import Sample
from nntest.archives.measurements import PROCESS_KEYS, measured
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.study import DRIFT

FEWEST_PROCESSES = 3
"""Of a point that is an anchor."""
PROCESSES_A_WINDOW = 20
MOST_WINDOWS = 12
PAUSE_MIN = 10.0
"""A longer pause begins another session: a study that is measured further another day."""


def anchors(frame: pd.DataFrame) -> pd.DataFrame:
    """What each process took over its point's median, in the order of starting.

    Columns `platform`, `session` (from 1), `library`, `minute` (since the session's start) and
    `time_ratio`; of points with fewer than `FEWEST_PROCESSES` processes, and of runs whose start is
    not known, nothing.
    """
    rows = measured(labelled(frame))
    started = pd.to_datetime(rows["started_at"], utc=True, errors="coerce", format="ISO8601")
    rows = rows.assign(started=started)
    rows = rows[(rows["time_us"] > 0) & rows["started"].notna() & rows["process_id"].notna()]
    process = [*KEY_COLUMNS, *PROCESS_KEYS]
    found = rows.groupby(process, dropna=False, sort=False).agg(
        {"time_us": "median", "started": "min"}
    )
    times = found.reset_index()
    by_point = times.groupby(list(KEY_COLUMNS), dropna=False)["time_us"]
    times["time_ratio"] = times["time_us"] / by_point.transform("median")
    times = times[by_point.transform("size") >= FEWEST_PROCESSES]
    times = times.sort_values(["platform", "started"], kind="stable", ignore_index=True)
    pause = times.groupby("platform")["started"].diff() > pd.Timedelta(minutes=PAUSE_MIN)
    times["session"] = pause.groupby(times["platform"]).cumsum() + 1
    first = times.groupby(["platform", "session"])["started"].transform("min")
    times["minute"] = (times["started"] - first).dt.total_seconds() / 60
    return times[["platform", "session", "library", "minute", "time_ratio"]]


def drift(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The median of the anchors in windows of equally many processes, each with its interval.

    A session with too few processes for two windows has no row.
    """
    rows: list[dict[str, Any]] = []
    for key, group in anchors(frame).groupby(["platform", "session"]):
        assert isinstance(key, tuple)
        windows = min(MOST_WINDOWS, len(group) // PROCESSES_A_WINDOW)
        if windows < 2:
            continue
        for number, place in enumerate(np.array_split(np.arange(len(group)), windows), start=1):
            window = group.iloc[place]
            sample = Sample.of(list(window["time_ratio"]), None, seed, (*key, number))
            interval = sample.median_interval
            rows.append({
                "platform": key[0],
                "session": key[1],
                "window": number,
                "from_min": window["minute"].iloc[0],
                "to_min": window["minute"].iloc[-1],
                "processes": len(window),
                "time_ratio": interval.value,
                "ci_low": interval.low,
                "ci_high": interval.high,
            })  # fmt: skip
    return frame_of(rows, DRIFT)
