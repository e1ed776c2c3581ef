"""A machine's drift is found through all of its points, and none where there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from analysis.made_up_study import study_rows
from nntest.analysis.drift import MOST_WINDOWS, PROCESSES_A_WINDOW, drift
from nntest.archives.measurements import to_frame
from nntest.report.steadiness import steadiness

START = datetime(2026, 11, 21, 20, tzinfo=UTC)
SECONDS_A_RUN = 2.0


def rows_over_time(slower_by: float = 0.0, pause_min: float = 0.0) -> list[dict[str, Any]]:
    """Rounds over all points; in the second half of the time everything is slower."""
    rows = study_rows(repetitions=10, per_process=1, between=0.02, within=0.0)
    random = np.random.default_rng(3)
    rounds = [[one for one in rows if one["repetition_id"] == n] for n in range(10)]
    ordered = [one for each in rounds for one in random.permutation(np.array(each, object))]
    half = len(ordered) // 2
    for number, one in enumerate(ordered):
        late = number >= half
        when = START + timedelta(seconds=SECONDS_A_RUN * number, minutes=pause_min * late)
        one["started_at"] = when.isoformat()
        one["time_us"] *= 1 + slower_by * late
    return ordered


def test_a_machine_that_slows_down_is_seen() -> None:
    found = drift(to_frame(rows_over_time(0.1)), 42)
    assert len(found) == MOST_WINDOWS
    assert found["processes"].min() >= PROCESSES_A_WINDOW
    early, late = found.iloc[: MOST_WINDOWS // 2], found.iloc[MOST_WINDOWS // 2 :]
    assert (late["time_ratio"].median() / early["time_ratio"].median()) == pytest.approx(1.1, 0.02)
    assert (early["ci_high"] < late["ci_low"].min()).all()
    assert found["from_min"].iloc[0] == 0
    assert (found["to_min"] > found["from_min"]).all()


def test_a_steady_machine_is_at_one() -> None:
    found = drift(to_frame(rows_over_time()), 42)
    assert found["time_ratio"].tolist() == pytest.approx([1.0] * MOST_WINDOWS, abs=0.01)
    assert ((found["ci_low"] < 1) & (found["ci_high"] > 1)).mean() > 0.7


def test_a_long_pause_begins_another_session() -> None:
    found = drift(to_frame(rows_over_time(pause_min=60)), 42)
    assert found["session"].unique().tolist() == [1, 2]
    assert (found.groupby("session")["from_min"].min() == 0).all()


def test_points_of_two_processes_and_runs_without_a_start_tell_nothing() -> None:
    rows = rows_over_time()
    assert drift(to_frame([row for row in rows if row["repetition_id"] < 2]), 42).empty
    assert drift(to_frame([{**row, "started_at": None} for row in rows]), 42).empty
    assert drift(to_frame([{**row, "started_at": "yesterday"} for row in rows]), 42).empty
    assert drift(to_frame([]), 42).empty


def test_platforms_are_kept_apart() -> None:
    rows = [*rows_over_time(0.1), *({**row, "platform": "another"} for row in rows_over_time())]
    found = drift(to_frame(rows), 42)
    spread = found.groupby("platform")["time_ratio"].agg(lambda ratios: ratios.max() - ratios.min())
    assert spread["another"] < 0.03
    assert spread.drop("another").item() > 0.07


def test_the_first_lines_say_it() -> None:
    table = pd.DataFrame({
        "platform": ["a"] * 3, "session": [1, 1, 2], "window": [1, 2, 1],
        "to_min": [4.0, 8.1, 30.0], "processes": [40, 41, 20], "time_ratio": [0.988, 1.034, 2.0],
    })  # fmt: skip
    states = pd.DataFrame({
        "platform": ["a"], "clean": [9], "disturbed": [1], "unknown": [0], "load_max": [1.0],
        "load_median": [0.5], "clock_min_mhz": [1000.0], "clock_max_mhz": [1000.0],
    })  # fmt: skip
    summary = pd.DataFrame({
        "platform": ["a"], "counted": [9], "clean": [9], "disturbed": [1], "cv": [0.01],
        "ci_high_us": [1.1], "median_us": [1.0],
    })  # fmt: skip
    (said,) = steadiness({"device_state": states, "summary": summary, "drift": table})
    line = "over 8.1 min its times went between -1.2 % and +3.4 % of their medians"
    assert any(line in one for one in said.more)
