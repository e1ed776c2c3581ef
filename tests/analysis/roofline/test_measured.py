"""Measured points of a study under its ceilings, those that it measured itself among them."""

from __future__ import annotations

import pytest
from analysis.made_up_study import NETWORK, TENSORS, row, study_rows, true_time_us
from analysis.published.published_data import platform
from nntest.analysis.roofline.ceilings import with_measured
from nntest.analysis.roofline.measured import roofline_points
from nntest.analysis.roofline.model import roofs_of
from nntest.analysis.study_tables import best_shares
from nntest.archives.measurements import to_frame

ROOFS = {"test": roofs_of(platform("mali-t860-rk3399"))}
TRAFFIC = "weights-and-activations"


@pytest.fixture(scope="module")
def frame():
    rows = study_rows(tensors=TENSORS[:3], repetitions=5)
    whole = {
        **row(TENSORS[0], "network", "SCHEDULE", time_us=50_000.0, GFLOPS=None),
        "species": "network",
        "tensor": NETWORK.name,
    }
    return to_frame([*rows, whole])


@pytest.fixture(scope="module")
def points(frame):
    return roofline_points(frame, [NETWORK], "study", ROOFS, TRAFFIC, 1)


class TestPoints:
    def test_achieved_over_attainable_for_every_ceiling(self, points):
        own = points[(points["tensor"] == TENSORS[1].name) & (points["operator"] == "conv")]
        own = own[own["tuner"] == "NONE"]
        assert own["ceiling"].tolist() == ["measured", "mul-add", "vendor formula"]
        assert own["layers"].unique().tolist() == ["Conv2d_1_pointwise"]
        first = own.iloc[0]
        time_us = true_time_us(TENSORS[1], "conv", "NONE")
        assert first["achieved_gops"] == pytest.approx(
            TENSORS[1].executed_flops(1) / time_us / 1e3, rel=0.1
        )
        assert first["achieved_gops"] == pytest.approx(first["gop"] / first["median_us"] * 1e6)
        assert first["share_of_roof"] == pytest.approx(first["achieved_gops"] / 46.16)
        assert first["intensity_ops_per_byte"] == pytest.approx(10.6486, abs=1e-4)

    def test_a_whole_network_is_a_point(self, points):
        whole = points[points["species"] == "network"]
        assert whole["achieved_gops"].iloc[0] == pytest.approx(2 * 568.741376e6 / 50_000 / 1e3)

    def test_a_board_without_ceilings_keeps_its_points(self, frame):
        alone = roofline_points(frame, [NETWORK], "study", {}, TRAFFIC, 1)
        assert len(alone) == 3 * 4 + 1
        assert alone["share_of_roof"].isna().all()

    def test_the_studys_own_networks_are_compared_too(self, points):
        shares = best_shares(points, None, TRAFFIC)
        row = shares[shares["ceiling"] == "measured"].to_dict("records")[0]
        assert (row["network"], row["platform_file"]) == (NETWORK.name, "test")
        assert row["measured_over_predicted"] == pytest.approx(22.75 / 46.16, rel=1e-3)


class TestMeasuredCeilings:
    """What the programs `bandwidth` and `peak` measured on the board comes before all else."""

    def rows(self, **changes):
        def ceiling(species, size, time_us, gflops, repetition):
            return {
                **row(TENSORS[0], species, "NONE", time_us=time_us, GFLOPS=gflops),
                "operator": species, "species": species.removesuffix("-fp16"), "tensor": size,
                "repetition_id": repetition, **changes,
            }  # fmt: skip

        return to_frame([
            ceiling("bandwidth", "256", 100_000.0, None, 0),
            ceiling("bandwidth", "256", 50_000.0, None, 1),
            ceiling("peak", "4", 90_000.0, 40.0, 0),
            ceiling("peak", "4", 80_000.0, 50.0, 1),
            ceiling("peak-fp16", "4", 80_000.0, 95.0, 0),
        ])  # fmt: skip

    def test_the_fastest_runs_make_the_first_roof(self):
        roofs = with_measured({}, self.rows())["test"]
        assert [(roof.data_type, roof.peak_gops, roof.rank) for roof in roofs] == [
            ("fp16", 95.0, 0), ("fp32", 50.0, 0),
        ]  # fmt: skip
        assert roofs[0].bandwidth_gb_s == pytest.approx(2 * 256 * 2**20 / 0.05 / 1e9)
        assert roofs[0].platform == "Test board"
        assert "fastest of 2 runs of peak" in roofs[1].peak_source

    def test_they_go_before_those_of_the_files(self):
        roofs = [r for r in with_measured(ROOFS, self.rows())["test"] if r.data_type == "fp32"]
        assert [(roof.kind, roof.rank) for roof in roofs] == [
            ("measured here", 0), ("measured", 1), ("mul-add", 2), ("vendor formula", 3),
        ]  # fmt: skip

    def test_without_a_bandwidth_there_is_no_roof(self):
        frame = self.rows()
        assert with_measured({}, frame[frame["species"] == "peak"]) == {}
        assert with_measured({}, self.rows(status="failed", time_us=None, GFLOPS=None)) == {}
