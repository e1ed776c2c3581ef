"""What a run adds to the history, and where times changed."""

from __future__ import annotations

from datetime import UTC

import numpy as np
import pytest
from analysis.made_up_study import NETWORK, network_rows, study_rows
from archives.history_samples import network_time, noisy
from nntest.analysis.estimate import estimate
from nntest.analysis.history import FEWEST_RUNS, library_and_version, run_of, series_of
from nntest.analysis.tables import device_state
from nntest.archives.measurements import to_frame


class TestRun:
    def run(self, **changes):
        measured = network_rows(NETWORK, "SCHEDULE", 31_000.0, **changes)
        frame = to_frame([*study_rows(**changes), *measured])
        tables = estimate(frame, [NETWORK], "study", 42), device_state(frame)
        return run_of("study", {NETWORK.name: "0123456789ab"}, *tables)

    def test_has_the_best_estimate_of_each_network(self):
        (one,) = self.run().networks
        assert (one.network, one.platform) == (NETWORK.name, "Test board")
        assert (one.library, one.version) == ("opencl-reference", "1.0-1a2b3c4")
        assert one.comparable == "0123456789ab"
        assert one.first_started_at.tzinfo == UTC
        assert one.estimated.low_us < one.estimated.us < one.estimated.high_us
        assert one.runs == 110

    def test_a_time_without_an_interval_has_no_ends(self):
        (one,) = self.run(process_id=0).networks
        assert one.estimated.low_us is None
        assert one.estimated.high_us is None

    def test_what_has_no_place_in_time_is_left_out(self):
        assert self.run(started_at=None).networks == ()

    @pytest.mark.parametrize(
        ("tag", "parts"),
        [
            ("onnxruntime-1.32.0", ("onnxruntime", "1.32.0")),
            ("armcl-opencl-18.05-a1b2c3d", ("armcl-opencl", "18.05-a1b2c3d")),
            ("odd", ("odd", "")),
        ],
    )
    def test_a_library_is_told_from_its_version(self, tag, parts):
        assert library_and_version(tag) == parts


def of_days(times, **changes):
    return [network_time(day, ms, **changes) for day, ms in enumerate(times)]


class TestChanges:
    def test_a_slow_down_is_found_where_it_began(self):
        times = of_days([noisy(day) * (1.2 if day >= 8 else 1.0) for day in range(12)])
        (series,) = series_of(times)
        (change,) = series.changes
        assert change.first == times[8]
        assert change.ratio.value == pytest.approx(1.2, rel=0.05)
        assert change.ratio.low > 1.1

    def test_every_step_is_found(self):
        times = of_days([noisy(n) * (1.0, 1.2, 1.5)[n // 10] for n in range(30)])
        (series,) = series_of(times)
        assert [change.first for change in series.changes] == [times[10], times[20]]
        assert series.changes[1].ratio.value == pytest.approx(1.25, rel=0.05)

    def test_one_odd_run_is_no_change(self):
        for odd in (0, 6, 11):
            times = of_days([50.0 if day == odd else noisy(day) for day in range(12)])
            assert series_of(times)[0].changes == ()

    def test_few_runs_have_no_change(self):
        times = of_days([10.0] * (FEWEST_RUNS - 3) + [20.0] * 2)
        assert series_of(times)[0].changes == ()

    def test_versions_of_a_library_are_one_series_and_what_differs_is_several(self):
        times = [network_time(0), network_time(1, version="1.33.0")]
        assert len(series_of(times)) == 1
        for other in (
            {"library": "openvino"}, {"threads": 2}, {"comparable": "ba9876543210"},
            {"platform": "Other"}, {"measured": None},
        ):  # fmt: skip
            assert len(series_of([network_time(0), network_time(1, **other)])) == 2

    def test_false_changes_are_as_rare_as_stated(self):
        random = np.random.default_rng(4)
        found = 0
        for _ in range(60):
            times = [
                one
                for library in ("a", "b", "c")
                for one in of_days(10 * np.exp(random.normal(0, 0.1, 14)), library=library)
            ]
            found += any(series.changes for series in series_of(times))
        # 5 % of 60 are 3; more than 7 come once in a hundred times.
        assert found <= 7
