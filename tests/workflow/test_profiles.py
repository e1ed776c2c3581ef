"""Profiled points beside timed ones, and two warm-ups in one study, through the whole workflow."""

from __future__ import annotations

import itertools
import sys

import pandas as pd
import pytest
from workflow.study import POINTS, REPETITIONS, Checkout, own_study

pytestmark = own_study

# Stands for a reader of a Mali's counters: it counts by the documented contract, but milliseconds.
READER = """
import json, signal, sys, time
before = time.monotonic()
def end(*_):
    print(json.dumps({"clock": {"ms": 1000 * (time.monotonic() - before)}}))
    sys.exit()
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def profiled(finished: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The tiny study after its end, with profiled points and with cold ones added to it."""
    checkout = finished.copy(tmp_path_factory.mktemp("profiled") / "checkout")
    (checkout.folder / "reader.py").write_text(READER, encoding="utf-8")
    board = {
        "connect": {"transport": "local"},
        "work_dir": "results/boards/here",
        "lock_file": str(checkout.folder / "board.lock"),
    }
    added = {"profile": ["kernels", "counters"], "profile_repetitions": 2}
    counters = {
        "reader": [sys.executable, str(checkout.folder / "reader.py")],
        "device": str(checkout.folder / "mali0"),
    }
    checkout.write("config/boards/here.yaml", **board, counters=counters)
    checkout.configure(**added, warmups=["always", "tuner-only"])
    said = checkout.run("--until", "sweep")
    assert said.count("no hardware counters") == 1
    assert f"there is no {counters['device']} on it" in said
    (checkout.folder / "mali0").touch()
    checkout.run("--forcerun", "sweep")
    return checkout


def table(checkout: Checkout, name: str) -> pd.DataFrame:
    return pd.read_parquet(checkout.results / f"tables/{name}.parquet")


def test_timed_points_stay_as_they_were(finished: Checkout, profiled: Checkout) -> None:
    before, lines = finished.journal(), profiled.journal()
    assert lines[: len(before)] == before
    added = lines[len(before) :]
    assert len(added) == REPETITIONS + 2 * POINTS + 2 * POINTS
    measured, old = table(profiled, "measurements"), table(finished, "measurements")
    assert len(measured) == 2 * REPETITIONS
    warm = measured[measured["warmup"] == "always"]
    assert sorted(warm["time_us"]) == sorted(old["time_us"])


def test_kernels_sum_to_within_their_wall_time(profiled: Checkout) -> None:
    share = table(profiled, "kernel_share")
    assert len(share) == POINTS
    # Kernels of some 10 µs: a busy machine may stop any one of them, or the host, for longer.
    assert (share["share_profiled"] > 0).all()
    assert share["share_profiled"].median() <= 1
    assert (share["wall_us"] > 0).all()
    launches = table(profiled, "launches")
    times = [launches[f"{name}_ns"] for name in ("queued", "submitted", "start", "end")]
    assert all((a <= b).all() for a, b in itertools.pairwise(times))
    assert {"warmup", "run", "tuning"} >= set(launches["phase"]) >= {"warmup", "run"}
    # The sums that real CK's readers take are of the timed run alone.
    kernels = table(profiled, "kernels")
    ran = launches[launches["phase"] == "run"].groupby(["point", "repetition_id"])["time_us"]
    assert kernels[kernels["phase"] == "run"]["time_us"].sum() == pytest.approx(ran.sum().sum())


def test_counters_of_each_run_are_in_their_table(profiled: Checkout) -> None:
    counters = table(profiled, "counters")
    assert len(counters) == 2 * POINTS
    assert set(counters["counter"]) == {"clock/ms"}
    assert (counters["value"] > 100).all()  # a process of the program, from start to end


def test_both_warm_ups_stand_side_by_side(profiled: Checkout) -> None:
    check = table(profiled, "protocol_check")
    assert len(check) == POINTS
    assert (check["median_always_us"] > 0).all()
    assert check["speedup_tuner_only"].notna().tolist() == (check["tuner"] == "DEFAULT").tolist()
    summary = table(profiled, "summary")
    libraries = sorted(set(summary["library"]))
    assert libraries == [libraries[0], f"{libraries[0]} (cold)"]
    cold = table(profiled, "measurements").query("warmup == 'tuner-only'")
    assert set(cold["protocol"]) == {"process"}
    assert cold.groupby("point")["process_id"].nunique().eq(3).all()


def test_its_pictures_are_in_the_report(profiled: Checkout, finished: Checkout) -> None:
    for name in ("kernels.stack", "kernels.violin"):
        assert "Nothing to show" not in (profiled.results / f"plots/{name}.svg").read_text("utf-8")
        assert not (finished.results / f"plots/{name}.svg").exists()
    page = (profiled.results / "report.html").read_text("utf-8")
    assert "What the time goes to, in profiled runs" in page
    assert "Two warm-ups" in page
    assert "profiled runs" not in (finished.results / "report.html").read_text("utf-8")
