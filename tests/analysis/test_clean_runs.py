"""Figures and verdicts are of clean runs where there are enough of them, and say how many."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from analysis.made_up_study import NETWORK, TENSORS, network_rows, study_frame, study_rows
from archives.ck.ck_samples import good, header, make_plan, make_point, write
from nntest.analysis.comparison import comparison
from nntest.analysis.estimate import estimate
from nntest.analysis.library_ranking import layer_ranking, network_ranking
from nntest.analysis.network_schedule import measured_medians
from nntest.analysis.schedule import schedule
from nntest.analysis.tables import device_state, speedup, summary, tuner_check
from nntest.archives.measurements import to_frame
from nntest.config.comparison import ComparisonBaseline, ComparisonConfig
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.rooflines import ROOFLINE

NETWORKS = ([NETWORK], "study", 42)
RUN = ComparisonConfig(baseline=ComparisonBaseline(run="old.zip"))
Row = dict[str, Any]


def disturbed(rows: list[Row], when: Callable[[Row], bool], factor: float = 3.0) -> list[Row]:
    """The rows with their states: those that were disturbed took `factor` as long."""
    return [
        {**row, "time_us": row["time_us"] * factor, "run_state": "disturbed", "waited_us": 500.0}
        if when(row)
        else {**row, "run_state": "clean", "waited_us": 0.0}
        for row in rows
    ]


def first(row: Row) -> bool:
    """Four of the ten repetitions of each point."""
    return bool(row["repetition_id"] < 4)


def most(row: Row) -> bool:
    """Six of them."""
    return bool(row["repetition_id"] < 6)


def test_the_summary_is_of_clean_runs() -> None:
    rows = study_rows(tensors=TENSORS[:2])
    found = summary(to_frame(disturbed(rows, first)), 42)
    alone = summary(to_frame([row for row in rows if not first(row)]), 42)
    assert (found[["n", "clean", "disturbed", "counted"]] == [10, 6, 4, 6]).all(axis=None)
    for name in ("median_us", "min_us", "sd_us", "ci_low_us", "ci_high_us", "processes"):
        assert found[name].tolist() == alone[name].tolist()
    assert found["median_clean_us"].tolist() == found["median_us"].tolist()
    assert (found["median_all_us"] > found["median_us"]).all()


def test_too_few_clean_runs_leave_all() -> None:
    rows = disturbed(study_rows(tensors=TENSORS[:2]), most)
    found = summary(to_frame(rows), 42)
    without = summary(to_frame([{**row, "run_state": "unknown"} for row in rows]), 42)
    assert (found[["n", "clean", "disturbed", "counted"]] == [10, 4, 6, 10]).all(axis=None)
    assert found["median_us"].tolist() == without["median_us"].tolist()
    assert found["median_all_us"].tolist() == found["median_us"].tolist()
    assert (found["median_clean_us"] < found["median_us"]).all()


def test_the_estimate_and_the_rankings_say_how_many_runs_were_clean() -> None:
    libraries = ("slow-1.0-1a2b3c4", "fast-1.0-1a2b3c4")
    rows = [
        {**row, "time_us": row["time_us"] * factor}
        for factor, library in zip((1.5, 1.0), libraries, strict=True)
        for row in study_rows(library=library)
    ]
    # What is faster was disturbed more: by all runs it is the slower one.
    quiet = to_frame(rows)
    busy = to_frame(disturbed(rows, lambda row: first(row) and row["library"] == libraries[1], 9))
    assert busy["time_us"].mean() > quiet["time_us"].mean()
    for frame in (quiet, busy):
        ranked = network_ranking(frame, *NETWORKS)
        assert ranked["library"].tolist()[:2] == list(reversed(libraries))
        assert ranked["verdict"].tolist()[:2] == ["fastest", "slower"]
        layers = layer_ranking(frame, frame_of([], ROOFLINE), *NETWORKS)
        assert set(layers["library"]) == {libraries[1]}
    assert set(layers["clean"]) == {6}
    assert (layers["median_clean_us"] == layers["time_us"]).all()
    best = estimate(busy, *NETWORKS).query("choice == 'best'").set_index("library")
    one = best.loc[libraries[1]]
    assert one["n"] == 10 * len(TENSORS)
    assert one["clean"] == 6 * len(TENSORS)
    assert one["median_clean_us"] == pytest.approx(one["total_us"])
    assert one["median_all_us"] > one["total_us"]
    assert ranked["n"].tolist()[:2] == best.loc[ranked["library"].tolist()[:2], "n"].tolist()


def test_a_network_that_ran_as_a_whole_is_ranked_by_its_clean_runs() -> None:
    rows = [
        row
        for library, time in (("a-1.0-1a2b3c4", 1e5), ("b-1.0-1a2b3c4", 1.2e5))
        for row in [
            *study_rows(tensors=TENSORS[:1], library=library),
            *network_rows(NETWORK, "SCHEDULE", time, library=library),
        ]
    ]
    busy = disturbed(rows, lambda row: first(row) and row["library"].startswith("a"))
    ranked = network_ranking(to_frame(busy), *NETWORKS)
    assert ranked["basis"].tolist()[:2] == ["measured", "measured"]
    assert ranked["library"].iloc[0].startswith("a")
    assert ranked[["n", "clean"]].to_numpy().tolist()[:2] == [[10, 6], [10, 10]]


def side(seed: int, **options: Any) -> list[Row]:
    """A run of twenty repetitions, ten processes."""
    options = {"repetitions": 20, "archive": f"{seed}.zip", "entry": f"{seed:016x}", **options}
    return study_rows(seed=seed, tensors=TENSORS[:3], **options)


def compared(old: list[Row], new: list[Row]) -> pd.DataFrame:
    return comparison(to_frame(new), RUN, to_frame(old), [NETWORK], "study", 42)


def test_a_busy_run_of_the_same_code_differs_by_all_runs_and_not_by_clean_ones() -> None:
    quiet = disturbed(side(1), lambda row: False)
    busy = disturbed(side(2), lambda row: row["repetition_id"] % 2 == 0)
    found = compared(quiet, busy)
    assert set(found["compared_runs"]) == {"clean"}
    assert set(found["verdict"]) == {"no difference"}
    assert (found[["baseline_runs", "other_runs"]] == [20, 10]).all(axis=None)
    plain = compared(*([{**row, "run_state": None} for row in rows] for rows in (quiet, busy)))
    assert set(plain["compared_runs"]) == {"all"}
    assert set(plain["verdict"]) == {"slower"}


def test_clean_runs_are_never_compared_with_all_of_the_other_side() -> None:
    quiet = disturbed(side(1), lambda row: row["repetition_id"] % 2 == 0)
    unknown = side(2)
    found = compared(unknown, quiet)
    assert set(found["compared_runs"]) == {"all"}
    assert (found[["baseline_runs", "other_runs"]] == [20, 20]).all(axis=None)
    assert (found["other_us"] > found["baseline_us"]).all()


def test_clean_runs_of_too_few_processes_for_the_test_leave_all() -> None:
    sides = [
        disturbed(side(seed, repetitions=15, per_process=3), lambda row: row["process_id"] > 1)
        for seed in (1, 2)
    ]
    found = compared(*sides)
    assert set(found["compared_runs"]) == {"all"}
    assert set(found["baseline_n"]) == {5}
    assert found["p_value"].notna().all()


def test_a_networks_layers_are_chosen_by_clean_runs(tmp_path: Path) -> None:
    point = make_point(repetitions=12)
    states = [{"disturbance": {"waited_s": 0.01 * (n < 7), "dispatches": 0}} for n in range(12)]
    lines = [good(point, n, run_time_state=state) for n, state in enumerate(states)]
    archive = write(tmp_path / "a.zip", make_plan([point]), [header(), *lines])
    [medians] = measured_medians([archive], "always").values()
    assert medians == {("conv", "NONE"): pytest.approx(2900.0)}  # of repetitions 7 to 11


def test_the_device_says_how_busy_it_was() -> None:
    rows = disturbed(study_rows(tensors=TENSORS[:1]), first)
    frame = to_frame([{**row, "load": 1.0 + row["repetition_id"]} for row in rows])
    [one] = device_state(frame).to_dict("records")
    assert (one["clean"], one["disturbed"], one["unknown"]) == (24, 16, 0)
    assert one["load_max"] == 10.0
    assert one["waited_share"] == pytest.approx(16 * 500.0 / frame["time_us"].sum())


# -- archives from before the figures were recorded -------------------------------------------


def tables_of(frame: pd.DataFrame) -> list[pd.DataFrame]:
    return [
        summary(frame, 42),
        speedup(frame, "conv", "NONE", 42),
        tuner_check(frame, 42),
        schedule(frame, *NETWORKS),
        estimate(frame, *NETWORKS),
    ]


def test_where_it_is_not_known_nothing_changes() -> None:
    """The same figures, intervals and verdicts as if all runs were known to be clean."""
    old = study_frame()
    assert old["run_state"].isna().all()
    unknown = old.assign(run_state="unknown")
    clean = old.assign(run_state="clean")
    counts = ["clean", "median_clean_us"]
    for before, same, after in zip(*map(tables_of, (old, unknown, clean)), strict=True):
        pd.testing.assert_frame_equal(before, same)
        known = [name for name in counts if name in before]
        pd.testing.assert_frame_equal(before.drop(columns=known), after.drop(columns=known))


def test_where_it_is_not_known_medians_are_of_all_runs() -> None:
    frame = study_frame()
    found = summary(frame, 42)
    times = frame[frame["status"] == "ok"].groupby(["operator", "tensor", "tuner"])["time_us"]
    expected = [times.get_group(key).median() for key in
                zip(found["operator"], found["tensor"], found["tuner"], strict=True)]  # fmt: skip
    np.testing.assert_array_equal(found["median_us"], expected)
    assert (found["counted"] == found["n"]).all()
    assert not found["clean"].any()
    [device] = device_state(frame).to_dict("records")
    assert (device["clean"], device["disturbed"], device["unknown"]) == (0, 0, found["n"].sum())
    assert pd.isna(device["waited_share"])
