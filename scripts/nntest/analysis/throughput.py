"""How many images a second parallel streams give, and how long each request takes."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from onboard import outcomes

from nntest.analysis.points import KEY_COLUMNS, row_order, runs_by_point
from nntest.analysis.stats import UNKNOWN, Sample, ratio_of_medians
from nntest.domain.latencies import PERCENTILES, fewest
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.streams import THROUGHPUT


def throughput(frame: pd.DataFrame, runs: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One row for each network and number of streams; medians over runs, each a process.

    `runs` is the table `stream_runs`; the measurements `frame` are not used.  A run's percentiles
    are its own, as MLPerf's result is one run's; a percentile that one of the runs has too few
    requests for is left out, and `note` says how many it needs.
    """
    rows: list[dict[str, Any]] = []
    samples: dict[tuple[Any, ...], Sample] = {}
    for row, group in runs_by_point(runs, "streams"):
        good = group[(group["status"] == outcomes.OK) & (group["frames_per_s"] > 0)]
        if good.empty:
            note = str(group["reason"].iloc[0])[:200]
            rows.append({**dict.fromkeys(THROUGHPUT.names), **row, "n": 0, "note": note})
            continue
        key = _in_streams(row, row["streams"])
        sample = Sample.of(list(good["frames_per_s"]), list(good["process_id"]), seed, key)
        samples[key] = sample
        frames = sample.median_interval
        latencies = {name: good[name].astype(float).median(skipna=False) for name in PERCENTILES}
        rows.append({
            **row,
            "n": len(good),
            "requests": int(good["requests"].median()),
            "frames_per_s": frames.value,
            "frames_ci_low": frames.low,
            "frames_ci_high": frames.high,
            **latencies,
            "peak_mb": good["peak_mb"].astype(float).median(),
            "note": _note(latencies),
        })  # fmt: skip
    for row in rows:
        this = samples.get(_in_streams(row, row["streams"]))
        one = samples.get(_in_streams(row, 1))
        over = ratio_of_medians(this, one) if this and one and this is not one else UNKNOWN
        row["over_one_stream"] = over.value
        row["over_one_ci_low"], row["over_one_ci_high"] = over.low, over.high
    rows.sort(key=lambda row: (row_order(row), row["streams"]))
    return frame_of(rows, THROUGHPUT)


def _in_streams(row: dict[str, Any], streams: int) -> tuple[Any, ...]:
    """A row's point in so many streams."""
    return (*(row[name] for name in KEY_COLUMNS), streams)


def _note(latencies: dict[str, float]) -> str:
    """Which percentiles are missing, and what they need; empty where none is."""
    lacking = [PERCENTILES[name] for name, value in latencies.items() if math.isnan(value)]
    if not lacking:
        return ""
    names = ", ".join(f"p{per_mille / 10:g}" for per_mille in lacking)
    return f"too few requests for {names}: `stream_runs: {{requests: {fewest(max(lacking))}}}`"
