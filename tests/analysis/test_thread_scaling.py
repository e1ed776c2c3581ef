"""Threads are a coordinate of a point: nothing with different threads is ever pooled."""

from __future__ import annotations

import pandas as pd
import pytest
from analysis.made_up_study import NETWORK, TENSORS, failed_row, network_rows, study_rows
from nntest.analysis.comparison import comparison
from nntest.analysis.estimate import estimate
from nntest.analysis.library_ranking import layer_ranking, network_ranking
from nntest.analysis.points import named_by_threads
from nntest.analysis.schedule import schedule
from nntest.analysis.tables import failed, speedup, summary, tuner_check
from nntest.analysis.thread_scaling import LAYERS, scaling_curves, thread_scaling
from nntest.analysis.trade_offs import of_estimates
from nntest.archives.measurements import to_frame
from nntest.config.comparison import ComparisonBaseline, ComparisonConfig
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.rooflines import ROOFLINE

SMALL = TENSORS[:2]


def run(threads, factor=1.0, **options):
    rows = study_rows(tensors=SMALL, threads=threads, **options)
    return [{**row, "time_us": row["time_us"] * factor} for row in rows]


@pytest.fixture(scope="module")
def frame():
    """One thread, two at 1.6 times the speed, and the library's own number at twice it."""
    failures = (
        failed_row(SMALL[0], "conv", "NONE", threads=n, repetition_id=99) for n in (1, None)
    )
    return to_frame([*run(1), *run(2, 1 / 1.6), *run(None, 0.5), *failures])


def test_speedup_and_efficiency(frame):
    rows = thread_scaling(frame, 42)
    assert set(rows["threads"]) == {2}
    assert len(rows) == len(SMALL) * 4
    assert rows["speedup"].to_numpy() == pytest.approx(1.6)
    assert rows["efficiency"].to_numpy() == pytest.approx(0.8)
    assert set(rows["verdict"]) == {"faster"}
    assert (rows["ci_low"] < 1.6).all() and (rows["ci_high"] > 1.6).all()
    assert (rows["efficiency_ci_high"] == rows["ci_high"] / 2).all()


def test_whole_networks_scale_as_well():
    whole = [
        *network_rows(NETWORK, "NONE", 1000.0, threads=1),
        *network_rows(NETWORK, "NONE", 500.0, threads=4),
    ]
    (row,) = thread_scaling(to_frame(whole), 42).to_dict("records")
    assert (row["species"], row["threads"]) == ("network", 4)
    assert row["efficiency"] == pytest.approx(0.5)


def test_each_set_of_cores_scales_by_itself():
    frame = to_frame([
        *run(1, 1.0, cores="big", ran_on="4"), *run(2, 0.5, cores="big", ran_on="4-5"),
        *run(1, 4.0, cores="little"), *run(2, 4.0, cores="little", threads_used=1),
    ])  # fmt: skip
    rows = thread_scaling(frame, 42)
    found = rows.groupby("cores")[["efficiency", "ran_on", "threads_used"]].first()
    assert found["efficiency"].to_dict() == pytest.approx({"big": 1.0, "little": 0.5})
    assert found["ran_on"]["big"] == "4-5" and pd.isna(found["ran_on"]["little"])
    assert found["threads_used"]["little"] == 1


def test_curves_sum_what_all_lines_have():
    whole = [
        *network_rows(NETWORK, "NONE", 900.0, threads=1, cores="big"),
        *network_rows(NETWORK, "NONE", 300.0, threads=4, cores="big"),
    ]
    more = study_rows(tensors=TENSORS[2:3], threads=1, cores="big")  # one thread alone
    frame = to_frame([
        *whole, *run(1, cores="big"), *run(2, 0.5, cores="big"), *more,
        *run(1, 4.0, cores="little"), *run(2, 4.0, cores="little"),
    ])  # fmt: skip
    curves = scaling_curves(thread_scaling(frame, 42))
    place, library = "Test board · batch 1", "opencl-reference-1.0-1a2b3c4"
    (network,) = curves[f"{NETWORK.name} · {place}"]
    assert (network.line, network.threads) == (f"{library}, cores big", (1, 4))
    assert network.efficiencies == pytest.approx((1.0, 0.75))
    big, little = curves[f"{LAYERS} · {place}"]
    assert (big.line, little.line) == (f"{library}, cores big", f"{library}, cores little")
    assert big.efficiencies == pytest.approx((1.0, 1.0))
    assert little.times_us == pytest.approx([4 * big.times_us[0]] * 2)


def test_a_library_without_core_sets_keeps_its_name():
    curves = scaling_curves(thread_scaling(to_frame([*run(1), *run(2)]), 42))
    assert [one.line for own in curves.values() for one in own] == ["opencl-reference-1.0-1a2b3c4"]


def test_without_one_thread_there_is_nothing_to_scale():
    assert thread_scaling(to_frame([*run(2), *run(None)]), 42).empty


def parts(frame):
    for threads in (1, 2, None):
        chosen = frame["threads"].isna() if threads is None else frame["threads"] == threads
        yield frame[chosen.fillna(False).astype(bool)]


MAKERS = {
    "summary": lambda frame: summary(frame, 42),
    "speedup": lambda frame: speedup(frame, "directconv", "NONE", 42),
    "tuner_check": lambda frame: tuner_check(frame, 42),
    "schedule": lambda frame: schedule(frame, [NETWORK], "study", 42),
    "estimate": lambda frame: estimate(frame, [NETWORK], "study", 42),
    "failed": failed,
}


@pytest.mark.parametrize("name", MAKERS)
def test_no_table_pools_sets_of_cores(name):
    made, every = MAKERS[name], to_frame([*run(1), *run(1, 2.0, cores="big")])
    together = made(every)
    if name != "failed":
        assert set(together["cores"].dropna()) == {"big"}
    assert len(together) == len(made(every[every["cores"].isna()])) * 2


@pytest.mark.parametrize("name", MAKERS)
def test_no_table_pools_threads(frame, name):
    """Each number of threads has the rows that it would have alone."""
    made = MAKERS[name]
    together = made(frame)
    alone = pd.concat([made(part) for part in parts(frame)])
    names = list(together.columns)
    pd.testing.assert_frame_equal(
        together.sort_values(names, ignore_index=True), alone.sort_values(names, ignore_index=True)
    )


def test_libraries_are_ranked_with_equal_threads():
    frame = to_frame([
        *run(1, 1.0, library="a"), *run(1, 2.0, library="b"),
        *run(2, 1.0, library="a"), *run(2, 0.5, library="b"), *run(None, 0.1, library="c"),
    ])  # fmt: skip
    table = network_ranking(frame, [NETWORK], "study", 42)
    ranked = table[["threads", "rank", "library"]].to_numpy().tolist()
    assert ranked == [[1, 1, "a"], [1, 2, "b"], [2, 1, "b"], [2, 2, "a"]]
    layers = layer_ranking(frame, frame_of([], ROOFLINE), [NETWORK], "study", 42)
    assert set(zip(layers["threads"], layers["library"], strict=True)) == {(1, "a"), (2, "b")}


def test_comparison_meets_equal_threads_only(frame):
    old = to_frame([*run(1, seed=2), *run(None, 0.5, seed=2)])
    rule = ComparisonConfig(baseline=ComparisonBaseline(run="old.zip"))
    table = comparison(frame, rule, old, [NETWORK], "study", 42)
    without = table[table["threads"] == 2]
    assert set(without["verdict"]) == {"not in the baseline"}
    assert table[table["threads"] != 2]["ratio"].between(0.9, 1.1).all()


def test_configurations_and_pictures_name_threads(frame):
    whole = to_frame([
        *run(1), *network_rows(NETWORK, "SCHEDULE", 900.0, threads=1),
        *run(None), *network_rows(NETWORK, "SCHEDULE", 500.0),
    ])  # fmt: skip
    found = of_estimates(estimate(whole, [NETWORK], "study", 42), {})
    library = "opencl-reference-1.0-1a2b3c4"
    assert set(found["hardware"]) == {
        f"Test board, {library}", f"Test board, {library}, 1 thread",
    }  # fmt: skip
    assert set(named_by_threads(frame)["library"]) == {
        library, f"{library}, 1 thread", f"{library}, 2 threads",
    }  # fmt: skip
