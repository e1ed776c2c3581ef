"""What a run costs in energy, from the runs that meters watched."""

from __future__ import annotations

from typing import Any

import pandas as pd
from onboard import outcomes

from nntest.analysis.points import row_order, runs_by_point
from nntest.analysis.stats import Sample
from nntest.domain.tables.energy import ENERGY
from nntest.domain.tables.frames import frame_of
from nntest.domain.tensors import NETWORK


def energy(frame: pd.DataFrame, runs: pd.DataFrame, seed: int) -> pd.DataFrame:
    """One row for each point and meter: its powers in W, and the energy of a run in mJ.

    `runs` is the table `energy_runs`; the measurements `frame` are not used.  The interval is of
    the median over processes (`nntest.analysis.stats`).  A point without a figure has a note with
    the reason.
    """
    rows: list[dict[str, Any]] = []
    for row, group in runs_by_point(runs, "meter", "meter_number"):
        good = group[(group["status"] == outcomes.OK) & (group["energy_mj"] > 0)]
        if good.empty:
            failed = group[group["status"] != outcomes.OK]
            note = str(failed["reason"].iloc[0])[:200] if len(failed) else _TOO_SHORT
            rows.append({**dict.fromkeys(ENERGY.names), **row, "n": 0, "note": note})
            continue
        values = good["energy_mj"].astype(float)
        sample = Sample.of(list(values), list(good["process_id"]), seed, tuple(row.values()))
        interval = sample.median_interval
        above = values * (1 - good["idle_w"].astype(float) / good["full_w"].astype(float))
        rows.append({
            **row,
            "n": len(good),
            **{name: good[name].median() for name in ("idle_w", "base_w", "full_w", "time_us")},
            "energy_mj": interval.value,
            "energy_ci_low_mj": interval.low,
            "energy_ci_high_mj": interval.high,
            "above_idle_mj": above.median(),
            "note": "",
        })  # fmt: skip
    rows.sort(key=lambda row: (row["operator"] != NETWORK, row_order(row), str(row["meter"])))
    return frame_of(rows, ENERGY)


_TOO_SHORT = "the meter's readings do not cover the loop: make `energy: {loop_s: …}` longer"
