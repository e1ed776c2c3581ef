"""What a finished study holds: every file, and figures that agree with the raw journal."""

from __future__ import annotations

import json
import math
import platform
import re
import statistics
import zipfile
from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest
from nntest.archives.history import read_history
from nntest.archives.measurements import load, measured
from nntest.graph.tables import TABLES
from onboard.clean_runs import FEWEST_CLEAN
from workflow.study import POINTS, REPETITIONS, Checkout, own_study


def table(finished: Checkout, name: str) -> pd.DataFrame:
    return pd.read_parquet(finished.results / "tables" / f"{name}.parquet")


# One board and one library: no violins that tell platforms or libraries apart.
PICTURES = (
    "violin.operator.time_us", "violin.operator.GFLOPS", "speedup.median", "speedup.minimum",
    "layers", "layer_order", "drift", "end_to_end", "roofline.layers",
)  # fmt: skip


def test_every_repetition_was_measured_and_was_right(finished: Checkout) -> None:
    frame = load(finished.results / "tables" / "measurements.parquet")
    assert len(frame) == REPETITIONS
    assert len(measured(frame)) == REPETITIONS
    assert set(frame["success?"]) == {"yes"}
    assert set(frame["board"]) == {"here"}
    assert all(line["output_check"]["ok"] for line in finished.journal())


def test_every_table_and_plot_is_there(finished: Checkout) -> None:
    for name in TABLES:
        for kind in ("parquet", "csv"):
            assert (finished.results / "tables" / f"{name}.{kind}").stat().st_size > 0
    pictures = sorted(path.stem for path in (finished.results / "plots").glob("*.svg"))
    assert pictures == sorted(PICTURES)
    for name in pictures:
        assert "<svg" in (finished.results / "plots" / f"{name}.svg").read_text("utf-8")
        assert (finished.results / "plots" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"


def test_the_summary_agrees_with_the_raw_journal(finished: Checkout) -> None:
    plan = pd.read_json(
        finished.results / "sweeps" / "here.opencl-reference.plan.json", typ="series"
    )
    points = {point["id"]: point for point in plan["points"]}
    times: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for line in finished.journal():
        point = points[line["point"]]
        times[point["operator"], point["tuner"], point["tensor"]].append(line["time_s"] * 1e6)
    summary = table(finished, "summary")
    assert len(summary) == len(times) == POINTS
    for row in summary.itertuples():
        raw = times[row.operator, row.tuner, row.tensor]
        assert row.n == len(raw)
        assert row.median_all_us == pytest.approx(statistics.median(raw), rel=1e-9)
        assert row.min_us >= min(raw) * (1 - 1e-9)
        assert row.counted == (row.clean if row.clean >= FEWEST_CLEAN else row.n)


def test_what_disturbed_each_run_travels_from_the_program_to_the_table(finished: Checkout) -> None:
    frame = load(finished.results / "tables" / "measurements.parquet")
    recorded = [line["run_time_state"]["disturbance"] for line in finished.journal()]
    assert all(found["major_faults"] >= 0 for found in recorded)
    waited = [found["waited_s"] for found in recorded if found["waited_s"] is not None]
    assert sorted(frame["waited_us"].dropna()) == pytest.approx(
        [1e6 * one for one in sorted(waited)]
    )
    known = frame["run_state"].isin(["clean", "disturbed"])
    assert known.sum() >= len(waited)
    assert set(frame["run_state"]) <= {"clean", "disturbed", "unknown"}
    device = table(finished, "device_state")
    assert device["clean"].sum() + device["disturbed"].sum() == known.sum()


def test_the_schedules_sum_over_repeats_is_the_estimate(finished: Checkout) -> None:
    schedule = table(finished, "schedule")
    # Nobody typed that the second tensor runs twice: the network lists it twice.
    assert dict(zip(schedule["tensor"], schedule["repeats"], strict=True)) == {
        "3-32-32-3-8-2-0": 1,
        "8-16-16-1-16-1-0": 2,
    }
    estimate = table(finished, "estimate")
    best = estimate[estimate["choice"] == "best"].iloc[0]
    plain = math.fsum(schedule["repeats"] * schedule["time_us"])
    assert plain + best["optimism_us"] == pytest.approx(best["total_us"])
    assert "classes" in str(best["not_covered"])


def test_the_archive_is_one_ck_entry_for_each_program(finished: Checkout) -> None:
    with zipfile.ZipFile(finished.results / "tiny.zip") as archive:
        names = archive.namelist()
    entries = {name.split("/")[1] for name in names if name.endswith("/.cm/meta.json")}
    assert len(entries) == 2
    assert sum(name.endswith(".0001.json") for name in names) == POINTS


def test_the_tuned_local_sizes_are_kept_with_the_results(finished: Checkout) -> None:
    text = (finished.results / "sweeps" / "here.opencl-reference.tuner.json").read_text("utf-8")
    assert "direct_convolution" in text
    # Tuned by the first process of a point, taken from the table by the others.
    tuned = [line["tuning_s"] for line in finished.journal() if line["tuning_s"]]
    processes = {(line["point"], line["process"]) for line in finished.journal()}
    assert 0 < len(tuned) < len(processes)


def test_snakemakes_thread_counts_do_not_reach_the_measurement(finished: Checkout) -> None:
    """With BLAS threads beside it, PoCL's workers share a core and times double now and then."""
    for line in finished.journal():
        environment = line["run_time_state"]["process_environment"]
        assert environment["OPENBLAS_NUM_THREADS"] == environment["OMP_NUM_THREADS"] == "1"


def test_the_headline_and_the_page_say_what_came_out(finished: Checkout) -> None:
    headline = (finished.results / "headline.txt").read_text("utf-8")
    assert "estimate" in headline
    assert re.search(r"runs clean \(|is not known", headline.splitlines()[0])
    page = (finished.results / "report.html").read_text("utf-8")
    assert "8-16-16-1-16-1-0" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert 'src="http' not in page


def test_the_run_is_in_the_history(finished: Checkout) -> None:
    (path,) = (finished.folder / "results" / "history").glob("*.json")
    (time, *_) = read_history(path.parent)
    assert path.stem.endswith(f".{finished.results.name}")
    assert time.library == "opencl-reference"
    assert time.estimated.us > 0
    assert str(path.name) in (finished.results / "history.txt").read_text("utf-8")


@own_study
def test_snakemakes_own_report_works(study: Checkout) -> None:
    study.run("--report", "snakemake-report.zip")
    with zipfile.ZipFile(study.folder / "snakemake-report.zip") as archive:
        assert any(name.endswith("report.html") for name in archive.namelist())


def test_what_is_given_away_names_no_login_home_or_kernel_build(finished: Checkout) -> None:
    results = finished.results
    with zipfile.ZipFile(results / "tiny.zip") as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
        meta = next(json.loads(text) for name, text in texts.items() if name.endswith("meta.json"))
    for path in (
        results / "report.html",
        *results.glob("sweeps/*.plan.json"),
        *results.glob("tables/*.csv"),
        *results.glob("pages/*.html"),
    ):
        texts[path.name] = path.read_text("utf-8")
    assert meta["meta"]["user"] == ""
    private = {str(Path.home()) + "/", platform.platform()}
    found = [(name, one) for name, text in texts.items() for one in private if one in text]
    assert found == []
