from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from analysis.made_up_study import (
    CHOICES,
    TENSORS,
    TUNED,
    failed_row,
    row,
    study_frame,
    study_rows,
    true_time_us,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from nntest.analysis import stats
from nntest.analysis.points import points, tensor_order
from nntest.analysis.tables import (
    device_state,
    failed,
    speedup,
    summary,
    tuner_check,
)
from nntest.archives.measurements import POINT_KEYS, to_frame
from pandas.testing import assert_frame_equal

SMALL = TENSORS[:3]

MAKERS = {
    "failed": failed,
    "summary": lambda frame: summary(frame, 42),
    "speedup": lambda frame: speedup(frame, "directconv", "NONE", 42),
    "tuner_check": lambda frame: tuner_check(frame, 42),
    "device_state": device_state,
}


def exact(**options):
    """A sweep without any noise: every repetition takes the true time."""
    return study_rows(**{"tensors": SMALL, "between": 0.0, "within": 0.0, **options})


def only(frame, **wanted):
    for name, value in wanted.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1, frame
    return frame.iloc[0]


@pytest.fixture(scope="module")
def frame():
    return study_frame(tensors=TENSORS[:5])


@pytest.mark.parametrize("name", MAKERS)
class TestEveryTable:
    def test_empty_input_gives_the_same_typed_columns(self, name, frame):
        full, empty = MAKERS[name](frame), MAKERS[name](frame.iloc[:0])
        assert len(full) > 0
        assert len(empty) == 0
        assert empty.dtypes.to_dict() == full.dtypes.to_dict()

    def test_order_of_rows_does_not_matter(self, name, frame):
        mixed = frame.sample(frac=1.0, random_state=3).reset_index(drop=True)
        assert_frame_equal(MAKERS[name](mixed), MAKERS[name](frame))

    def test_input_stays_as_it_was(self, name, frame):
        before = frame.copy(deep=True)
        MAKERS[name](frame)
        assert_frame_equal(frame, before)

    def test_survives_parquet(self, name, frame, tmp_path):
        made = MAKERS[name](frame)
        made.to_parquet(tmp_path / "table.parquet", index=False)
        assert_frame_equal(pd.read_parquet(tmp_path / "table.parquet"), made)

    def test_only_failures(self, name):
        rows = [failed_row(SMALL[0], operator, tuner) for operator, tuner in CHOICES]
        assert len(MAKERS[name](to_frame(rows))) == {"failed": 4, "device_state": 1}.get(name, 0)

    def test_emulated_rows_stand_apart(self, name):
        same = {"between": 0.0, "within": 0.0, "tensors": SMALL[:1]}
        rows = study_rows(**same) + study_rows(**same, emulated=True)
        rows += [failed_row(SMALL[1], "conv", "NONE", emulated=value) for value in (True, False)]
        made = MAKERS[name](to_frame(rows))
        assert set(made["platform"]) == {"Test board", "Test board (emulated)"}
        assert made["platform"].value_counts().nunique() == 1


class TestSummary:
    def test_statistics_are_those_of_the_repetitions(self, frame):
        made = summary(frame, 42)
        ok = frame[frame["status"] == "ok"]
        times = ok.groupby(POINT_KEYS, dropna=False)["time_us"]
        expected = times.agg(["count", "min", "median", "mean", "std"])
        got = made.set_index(POINT_KEYS).sort_index()
        for ours, theirs in zip(
            ["n", "min_us", "median_us", "mean_us", "sd_us"], expected, strict=True
        ):
            np.testing.assert_allclose(
                got[ours].astype(float), expected.sort_index()[theirs], rtol=1e-12
            )
        np.testing.assert_allclose(made["cv"], made["sd_us"] / made["mean_us"])
        assert (made["ci_low_us"] <= made["median_us"]).all()
        assert (made["median_us"] <= made["ci_high_us"]).all()
        assert (made["ci_low_us"] < made["ci_high_us"]).all()

    def test_gflops_at_the_median(self, frame):
        for _, one in summary(frame, 42).iterrows():
            tensor = next(tensor for tensor in TENSORS if tensor.name == one["tensor"])
            expected = tensor.study_flops(1) / one["median_us"] / 1e3
            assert one["GFLOPS"] == pytest.approx(expected)

    def test_a_point_that_failed_half_way(self, frame):
        half = only(
            summary(frame, 42), tensor=TENSORS[4].name, operator="directconv", tuner="DEFAULT"
        )
        assert (half["n"], half["processes"], half["failed"]) == (6, 3, 1)

    def test_tensors_come_as_networks_run_them(self, frame):
        names = list(dict.fromkeys(summary(frame, 42)["tensor"]))
        assert names == [tensor.name for tensor in TENSORS[:5]]

    def test_one_repetition_has_no_spread(self):
        one = summary(to_frame([row(SMALL[0], "conv", "NONE", time_us=50.0)]), 42).iloc[0]
        assert (one["n"], one["median_us"]) == (1, 50.0)
        assert one[["sd_us", "cv", "ci_low_us", "ci_high_us"]].isna().all()

    def test_unknown_processes(self):
        rows = exact(tensors=SMALL[:1], process_id=None)
        assert summary(to_frame(rows), 42)["processes"].isna().all()

    def test_processes_of_two_runs_are_distinguished(self):
        rows = exact(tensors=SMALL[:1], archive="a.zip") + exact(tensors=SMALL[:1], archive="b.zip")
        assert set(summary(to_frame(rows), 42)["processes"]) == {10}

    def test_profiled_kernels_and_times_of_zero_are_left_out(self):
        rows = exact(tensors=SMALL[:1], choices=[("conv", "NONE")])
        whole = summary(to_frame(rows), 42)
        kernel = row(SMALL[0], "conv", "NONE", kernel="gemm", time_us=1.0)
        zero = row(SMALL[0], "conv", "NONE", time_us=0.0, GFLOPS=None, repetition_id=99)
        more = summary(to_frame([*rows, kernel, zero]), 42)
        assert_frame_equal(more.drop(columns="failed"), whole.drop(columns="failed"))

    def test_throttled_repetitions_are_counted(self):
        rows = exact(tensors=SMALL[:1], choices=[("conv", "NONE")])
        for index, throttled in enumerate([True, True, None]):
            rows[index]["throttled"] = throttled
        assert summary(to_frame(rows), 42)["throttled"].tolist() == [2]

    @settings(max_examples=settings().max_examples // 5)
    @given(st.sets(st.integers(0, len(CHOICES) * len(SMALL) - 1), min_size=1))
    def test_an_interval_does_not_hang_on_what_else_is_in_the_table(self, kept):
        frame = to_frame(study_rows(tensors=SMALL))
        whole = summary(frame, 42)
        keys = whole[POINT_KEYS].iloc[sorted(kept)]
        part = summary(frame.merge(keys, on=POINT_KEYS), 42)
        assert_frame_equal(part, whole.iloc[sorted(kept)].reset_index(drop=True))

    def test_thousands_of_points(self, monkeypatch):
        monkeypatch.setattr(stats, "DRAWS", 100)
        rows = []
        for batch_size in range(1, 47):
            rows += exact(tensors=TENSORS, repetitions=5, batch_size=batch_size)
        made = summary(to_frame(rows), 42)
        assert len(made) == 46 * len(TENSORS) * len(CHOICES)


class TestSpeedup:
    def test_true_ratios(self):
        made = speedup(to_frame(exact()), "directconv", "NONE", 42)
        assert len(made) == len(SMALL) * len(CHOICES)
        for _, one in made.iterrows():
            tensor = next(tensor for tensor in SMALL if tensor.name == one["tensor"])
            mine = true_time_us(tensor, one["operator"], one["tuner"])
            expected = true_time_us(tensor, "directconv", "NONE") / mine
            assert one["speedup_median"] == pytest.approx(expected)
            assert one["speedup_min"] == pytest.approx(expected)
            assert one["baseline"] == "directconv NONE"
            if one["operator"] == "conv":
                assert one["verdict"] == "faster"

    def test_medians_and_minima_are_distinguished(self):
        rows = [
            row(SMALL[0], operator, "NONE", time_us=time_us, repetition_id=n, process_id=n)
            for operator, times in (
                ("directconv", [800.0, 2000.0, 2000.0, 2000.0, 2100.0]),
                ("conv", [400.0, 500.0, 500.0, 500.0, 600.0]),
            )
            for n, time_us in enumerate(times)
        ]
        one = only(speedup(to_frame(rows), "directconv", "NONE", 42), operator="conv")
        assert (one["speedup_median"], one["speedup_min"]) == (4.0, 2.0)
        assert (one["min_us"], one["baseline_min_us"]) == (400.0, 800.0)

    def test_verdicts(self):
        frame = to_frame(study_rows(tensors=SMALL))
        made = speedup(frame, "conv", "NONE", 42)
        verdicts = made.groupby(["operator", "tuner"])["verdict"].agg(set).to_dict()
        assert verdicts[("conv", "NONE")] == {"baseline"}
        assert verdicts[("conv", "DEFAULT")] == {"faster"}
        assert verdicts[("directconv", "NONE")] == {"slower"}
        inside = made[made["verdict"].isin(["faster", "slower"])]
        assert not ((inside["median_ci_low"] <= 1) & (inside["median_ci_high"] >= 1)).any()

    def test_equal_points_rarely_differ(self):
        # 100 comparisons of points with the same true time: some 5 may cross by chance.
        frames = [to_frame(study_rows(tensors=TENSORS[:10], seed=seed)) for seed in range(10)]
        verdicts = [
            verdict
            for frame in frames
            for verdict in speedup(
                frame[frame["operator"] == "directconv"], "directconv", "NONE", 42
            ).query("tuner == 'DEFAULT'")["verdict"]
        ]
        assert "directconv" not in TUNED
        assert len(verdicts) == 100
        assert verdicts.count("no difference") >= 88

    def test_the_baseline_is_that_of_the_same_platform_library_and_batch(self):
        rows = exact(tensors=SMALL[:1])
        for changes in ({"platform": "Other"}, {"library": "other-2"}, {"batch_size": 2}):
            rows += exact(tensors=SMALL[:1], choices=[("conv", "NONE")], **changes)
        made = speedup(to_frame(rows), "directconv", "NONE", 42)
        lone = made[made["verdict"] == "no baseline"]
        assert len(lone) == 3
        assert set(lone["note"]) == {"directconv NONE was not measured"}
        assert lone[["speedup_median", "speedup_min", "baseline_median_us"]].isna().all(axis=None)

    def test_says_why_there_is_no_baseline(self):
        rows = exact(tensors=SMALL[:1], choices=[("conv", "NONE")])
        rows.append(failed_row(SMALL[0], "directconv", "NONE"))
        rows.append(row(SMALL[0], "softmax", "NONE", species="softmax"))
        made = speedup(to_frame(rows), "directconv", "NONE", 42)
        notes = dict(zip(made["operator"], made["note"], strict=True))
        assert notes["conv"] == "directconv NONE failed (timeout)"
        assert notes["softmax"] == "directconv NONE is no operator for softmax"

    def test_8_bit_operators_compare_with_the_8_bit_baseline(self):
        rows = exact(tensors=SMALL[:1])
        for operator, factor in (("conv", 0.25), ("directconv", 0.5)):
            for one in exact(tensors=SMALL[:1], choices=[(operator, "NONE")]):
                rows.append(
                    {**one, "operator": f"{operator}-uint8", "time_us": one["time_us"] * factor}
                )
        made = speedup(to_frame(rows), "directconv", "NONE", 42).set_index(["operator", "tuner"])
        fp32, uint8 = made.loc[("conv", "NONE")], made.loc[("conv-uint8", "NONE")]
        assert uint8["baseline"] == "directconv-uint8 NONE"
        assert uint8["speedup_median"] == pytest.approx(2 * fp32["speedup_median"])
        assert made.loc[("directconv-uint8", "NONE"), "verdict"] == "baseline"
        assert fp32["baseline"] == "directconv NONE"

    def test_too_few_repetitions(self):
        made = speedup(to_frame(exact(repetitions=2)), "directconv", "NONE", 42)
        rest = made[made["verdict"] != "baseline"]
        assert set(rest["verdict"]) == {"too few repetitions"}
        assert rest["median_ci_low"].isna().all()
        assert rest["speedup_median"].notna().all()

    def test_intervals_do_not_hang_on_other_points(self):
        frame = to_frame(study_rows(tensors=SMALL))
        whole = speedup(frame, "directconv", "NONE", 42)
        part = speedup(frame[frame["tensor"] == SMALL[1].name], "directconv", "NONE", 42)
        expected = whole[whole["tensor"] == SMALL[1].name].reset_index(drop=True)
        assert_frame_equal(part, expected)


class TestTunerCheck:
    def test_exceptions_come_first(self):
        rows = study_rows(tensors=SMALL)
        for one in rows:
            if one["tensor"] == SMALL[2].name and one["operator"] == "directconv":
                one["time_us"] *= 1.5 if one["tuner"] == "DEFAULT" else 1.0
        made = tuner_check(to_frame(rows), 42)
        assert len(made) == len(SMALL) * 2
        assert made["exception"].tolist() == [True] + [False] * 5
        worst = made.iloc[0]
        assert (worst["tensor"], worst["operator"]) == (SMALL[2].name, "directconv")
        assert worst["verdict"] == "slower"
        assert worst["ci_low"] < worst["tuner_speedup"] < worst["ci_high"] < 1
        assert set(made[made["operator"] == "conv"]["verdict"]) == {"faster"}

    def test_value_is_none_over_default(self):
        made = tuner_check(to_frame(exact(tensors=SMALL[:1])), 42)
        one = only(made, operator="conv")
        expected = true_time_us(SMALL[0], "conv", "NONE") / true_time_us(
            SMALL[0], "conv", "DEFAULT"
        )
        assert one["tuner_speedup"] == pytest.approx(expected)

    def test_a_tuner_that_fails_is_an_exception(self):
        rows = exact(tensors=SMALL[:1], choices=[("conv", "NONE"), ("directconv", "DEFAULT")])
        rows.append(failed_row(SMALL[0], "conv", "DEFAULT", status="crashed(SIGSEGV)"))
        rows.append(failed_row(SMALL[0], "directconv", "NONE"))
        made = tuner_check(to_frame(rows), 42)
        reported = {
            one["operator"]: (one["verdict"], one["exception"]) for _, one in made.iterrows()
        }
        assert reported == {
            "conv": ("DEFAULT failed (crashed(SIGSEGV))", True),
            "directconv": ("NONE failed (timeout)", False),
        }

    def test_operators_tried_with_one_tuner_are_left_out(self):
        frame = to_frame(exact(choices=[("conv", "NONE"), ("directconv", "DEFAULT")]))
        assert tuner_check(frame, 42).empty

    @pytest.mark.parametrize(("warmup", "noted"), [("always", False), ("tuner-only", True)])
    def test_a_cold_start_is_noted(self, warmup, noted):
        made = tuner_check(to_frame(exact(warmup=warmup)), 42)
        assert made["note"].str.contains("flatters the tuner").tolist() == [noted] * len(made)


class TestFailed:
    def test_one_row_for_each_point_and_reason(self):
        rows = exact(tensors=SMALL[:1])
        rows += [failed_row(SMALL[1], "conv", "NONE", repetition_id=n) for n in (3, 4)]
        rows.append(failed_row(SMALL[1], "conv", "NONE", repetition_id=5, status="out-of-memory"))
        made = failed(to_frame(rows))
        assert made["status"].tolist() == ["out-of-memory", "timeout"]
        late = made.iloc[1]
        assert (late["repetitions"], late["first_repetition"]) == (2, 3)
        assert late["reason"] == "no result within 120 s"
        assert (late["archive"], late["entry"]) == (
            "test.opencl-reference.zip",
            "0123456789abcdef",
        )

    def test_a_success_without_a_time_is_a_failure(self):
        made = failed(to_frame([row(SMALL[0], "conv", "NONE", time_us=None, GFLOPS=None)]))
        assert made["status"].tolist() == ["failed"]
        assert made["reason"].tolist() == ["recorded as ok, but without a time"]

    def test_every_row_is_in_the_summary_or_here(self, frame):
        reported = summary(frame, 42)["n"].sum() + failed(frame)["repetitions"].sum()
        assert reported == len(frame)


class TestDeviceState:
    def test_extremes_and_gaps(self):
        rows = exact(tensors=SMALL[:1], choices=[("conv", "NONE")])
        rows[0] |= {"clock_before_mhz": 800.0, "temperature_after_c": 71.0, "throttled": True}
        rows[1]["throttled"] = None
        one = device_state(to_frame(rows)).iloc[0]
        assert (one["clock_min_mhz"], one["clock_max_mhz"]) == (800.0, 2600.0)
        assert (one["temperature_min_c"], one["temperature_max_c"]) == (51.0, 71.0)
        assert one["throttled"] == 1
        assert one["not_read"] == "throttling in 1 rows"
        assert one["first_started_at"] < one["last_started_at"]

    def test_what_could_not_be_set_is_told_once(self):
        rows = exact(tensors=SMALL[:1], choices=[("conv", "NONE")])
        for line in rows[:2]:
            line["notes"] = "GPU: no file governor"
        one = device_state(to_frame(rows)).iloc[0]
        assert one["not_set"] == "GPU: no file governor"

    def test_nothing_readable(self):
        unread = dict.fromkeys(
            ["clock_before_mhz", "clock_after_mhz", "temperature_before_c", "temperature_after_c",
             "throttled"]
        )  # fmt: skip
        one = device_state(to_frame(exact(tensors=SMALL[:1], **unread))).iloc[0]
        assert one["not_read"] == "clock, temperature, throttling"
        assert pd.isna(one["throttled"])
        assert pd.isna(one["clock_min_mhz"])


def test_points_of_two_warm_ups_are_never_pooled():
    rows = exact(tensors=SMALL[:1], choices=[("conv", "NONE")])
    rows[0]["warmup"] = "tuner-only"
    found = {point.library: point for point in points(to_frame(rows), 42)}
    library = rows[0]["library"]
    assert {name: point.warmup for name, point in found.items()} == {
        library: "always", f"{library} (cold)": "tuner-only",
    }  # fmt: skip
    assert len(found[library].sample.values) == len(rows) - 1
    for row_ in rows:
        row_["warmup"] = "tuner-only"
    assert {point.library for point in points(to_frame(rows), 42)} == {library}


@given(st.permutations([tensor.name for tensor in TENSORS]))
def test_tensor_order_is_that_of_the_network(mixed):
    assert sorted(mixed, key=tensor_order) == [tensor.name for tensor in TENSORS]


def test_tensor_order_of_a_name_without_sizes():
    assert sorted(["x", "3-8-8-1-4-1-0"], key=tensor_order) == ["3-8-8-1-4-1-0", "x"]
