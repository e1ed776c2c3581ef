"""Sustained runs: changes are found soon, noise is none, and the ranking may turn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from nntest.analysis.sustained import segments, steady_from, sustained
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.sustained import SUSTAINED_WINDOWS
from nntest.report.sustained import sustained_lines

WINDOW_S, MINUTE = 10.0, 6  # windows of a run of 30 minutes, and how many a minute has


def series(*levels: tuple[int, float], noise: float = 0.01, seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.concatenate([
        level * np.exp(random.normal(0, noise, count)) for count, level in levels
    ])  # fmt: skip


@pytest.mark.parametrize("lower", [0.95, 0.8, 0.5])
@pytest.mark.parametrize("noise", [0.0, 0.002, 0.01])
@pytest.mark.parametrize("seed", range(5))
def test_a_lowered_clock_is_found_within_a_minute_of_data(
    lower: float, noise: float, seed: int
) -> None:
    found = segments(series((90, 100.0), (MINUTE, 100 * lower), noise=noise, seed=seed))
    assert len(found) == 2
    assert found[1].first == pytest.approx(90, abs=1)
    assert found[1].rate / found[0].rate == pytest.approx(lower, rel=0.02)


def test_noise_is_no_change() -> None:
    alarms = [len(segments(series((180, 50.0), noise=0.05, seed=seed))) > 1 for seed in range(100)]
    assert sum(alarms) <= 3


def test_a_single_slow_window_is_no_change() -> None:
    rates = series((180, 50.0))
    rates[70] *= 0.5
    assert len(segments(rates)) == 1


@pytest.mark.parametrize("count", [1, 2, 5])
def test_too_few_windows_have_one_level(count: int) -> None:
    found = segments(series((count, 7.0)))
    assert [one.first for one in found] == [0]
    assert steady_from(found, count) == 0


@pytest.mark.parametrize(
    ("levels", "steady"),
    [
        ([(180, 1.0)], 0),
        ([(60, 1.0), (120, 0.7)], 60),
        ([(60, 1.0), (60, 0.7), (60, 0.71)], 60),  # one level, by 2 %
        ([(150, 1.0), (30, 0.7)], None),  # less than a quarter of the run
        ([(90, 1.0), (60, 0.7), (30, 1.0)], None),
    ],
)
def test_the_steady_state_is_the_last_level_if_it_lasts(
    levels: list[tuple[int, float]], steady: int | None
) -> None:
    found = steady_from(segments(series(*levels, noise=0.002)), 180)
    assert found == (None if steady is None else pytest.approx(steady, abs=1))


def windows(library: str, rates: np.ndarray, **changes: object) -> list[dict[str, object]]:
    kept = {
        **dict.fromkeys(SUSTAINED_WINDOWS.names),
        "platform": "Board", "board": "b", "library": library, "operator": "network",
        "species": "network", "tensor": "net", "batch_size": 1, "tuner": "DEFAULT",
        "repetition_id": 0, "status": "ok", "reason": "", "warmup": "always", "emulated": False,
    }  # fmt: skip
    return [
        {**kept, "window": number, "from_s": number * WINDOW_S, "seconds": WINDOW_S,
         "runs": int(rate * WINDOW_S), "frames_per_s": rate, "clock_mhz": 1000.0 + number,
         **changes}
        for number, rate in enumerate(rates)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """A library that begins first and is throttled after ten minutes, one that is not."""
    failed = windows("broken-1", np.ones(1), window=None, runs=None, frames_per_s=None,
                     status="timeout", reason="ran too long")  # fmt: skip
    rows = [
        *windows("hot-1", series((60, 120.0), (120, 70.0))),
        *windows("cool-1", series((180, 100.0), seed=2)),
        *failed,
    ]
    return frame_of(rows, SUSTAINED_WINDOWS)


def test_first_minute_last_minute_and_both_rankings(frame: pd.DataFrame) -> None:
    table = sustained(pd.DataFrame(), frame).set_index("library")
    hot, cool, broken = table.loc["hot-1"], table.loc["cool-1"], table.loc["broken-1"]
    assert hot["first_frames_per_s"] == pytest.approx(120, rel=0.02)
    assert hot["last_frames_per_s"] == pytest.approx(70, rel=0.02)
    assert hot["change"] == pytest.approx(70 / 120 - 1, abs=0.02)
    assert (hot["first_rank"], hot["last_rank"]) == (1, 2)
    assert (cool["first_rank"], cool["last_rank"]) == (2, 1)
    assert hot["seconds"] == 1800
    assert hot["steady_from_s"] == pytest.approx(600, abs=10)
    assert hot["changes"].endswith(f"% at {hot['steady_from_s']:.0f} s")
    assert cool["steady_from_s"] == 0 and cool["changes"] == ""
    assert hot["first_clock_mhz"] == pytest.approx(1002.5)  # of six windows
    assert hot["last_clock_mhz"] == pytest.approx(1176.5)
    assert np.isnan(hot["first_power_w"])
    assert broken["note"] == "ran too long"
    assert pd.isna(broken["first_rank"]) and np.isnan(broken["change"])


def test_a_short_run_has_quarters_in_the_place_of_minutes() -> None:
    rows = frame_of(windows("a", series((6, 10.0), (6, 5.0), noise=0)), SUSTAINED_WINDOWS)
    (row,) = sustained(pd.DataFrame(), rows).to_dict("records")
    assert row["first_frames_per_s"] == pytest.approx(10)
    assert row["last_frames_per_s"] == pytest.approx(5)
    assert row["first_clock_mhz"] == pytest.approx(1001)


def test_the_report_says_that_the_ranking_changed(frame: pd.DataFrame) -> None:
    lines = sustained_lines(sustained(pd.DataFrame(), frame))
    assert lines[0] == "net on Board, batch 1, sustained"
    assert lines[1].startswith("  cool-1 DEFAULT: ") and lines[1].endswith("steady from 0 s on")
    assert "frames/s in the first minute" in lines[2] and "(-4" in lines[2]
    assert lines[3:] == [
        "  the ranking changed: hot-1 DEFAULT was first in the first minute, cool-1 DEFAULT is in "
        "the last"
    ]
    assert sustained_lines(None) == sustained_lines(sustained(pd.DataFrame(), frame[:0])) == []
