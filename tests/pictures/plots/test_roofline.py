"""The roofline of a board and the heat map of predictions, as a reader sees them."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pandas as pd
import pytest
from analysis.made_up_study import NETWORK, TENSORS, row, study_rows, true_time_us
from analysis.published.published_data import platform
from nntest.analysis.roofline.ceilings import with_measured
from nntest.analysis.roofline.measured import roofline_points
from nntest.analysis.roofline.model import roofs_of
from nntest.analysis.roofline.tables import prediction
from nntest.analysis.study_tables import best_shares
from nntest.archives.measurements import to_frame
from nntest.config.plot_options import PlotOptions
from nntest.domain.networks import cnv
from nntest.pictures.plots.prediction import frames, network_order, prediction_heat_map, share
from nntest.pictures.plots.roofline import roofline

SVG = "{http://www.w3.org/2000/svg}"
ROOFS = {"test": roofs_of(platform("mali-t860-rk3399"))}
TRAFFIC = "weights-and-activations"


def texts(svg):
    root = ET.fromstring(svg.read_text())
    return ["".join(node.itertext()).strip() for node in root.iter(f"{SVG}text")]


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


class TestRooflinePicture:
    def test_ceilings_ridges_and_shares_are_told(self, points, frame, tmp_path):
        roofline(points, ROOFS, frame, PlotOptions(), tmp_path / "r.svg", tmp_path / "r.png")
        shown = texts(tmp_path / "r.svg")
        assert "measured: 46.16 GFLOP/s, 7.33 GB/s, ridge 6.3 operations/byte" in shown
        assert "fastest choice, share of the roof “measured”" in shown
        best = points[points["ceiling"] == "measured"].groupby("tensor")["share_of_roof"].max()
        told = [text for text in shown if text.startswith("1  Conv2d_0: ")]
        assert told[0].endswith(f", {100 * best[TENSORS[0].name]:.0f} %")
        for number in "1234":
            assert number in shown

    def test_without_a_ceiling_it_says_so(self, frame, tmp_path):
        alone = roofline_points(frame, [NETWORK], "study", {}, TRAFFIC, 1)
        roofline(alone, {}, frame, PlotOptions(), tmp_path / "r.svg", tmp_path / "r.png")
        assert "no ceiling is known: see docs/rooflines.md" in texts(tmp_path / "r.svg")

    @pytest.mark.parametrize(
        ("rows", "traffic", "told"),
        [(0, TRAFFIC, "nothing was measured"), (None, "on-chip", "there is no intensity")],
    )
    def test_nothing_to_show(self, frame, rows, traffic, told, tmp_path):
        found = roofline_points(frame.head(rows) if rows is not None else frame, [NETWORK],
                                "study", ROOFS, traffic, 1)  # fmt: skip
        roofline(found, ROOFS, frame, PlotOptions(), tmp_path / "r.svg", tmp_path / "r.png")
        assert any(told in text for text in texts(tmp_path / "r.svg"))


class TestHeatMap:
    def test_a_cell_has_its_figure_its_bound_and_what_was_measured(self, points, tmp_path):
        made = prediction(roofs_of(platform("ncs")), [cnv(12.5), cnv(100)], ["weights-per-image"])
        ratios = pd.DataFrame(
            [["cnv-100", "ncs", "fp16", "data sheet", 0.25577]],
            columns=["network", "platform_file", "data_type", "ceiling", "measured_over_predicted"],
        )
        prediction_heat_map(made, "weights-per-image", PlotOptions(), tmp_path / "h.svg",
                            tmp_path / "h.png", ratios)  # fmt: skip
        shown = texts(tmp_path / "h.svg")
        for text in ("1.04 k", "62.4 k", "compute", "memory", "measured 26 %", "NCS · fp16"):
            assert text in shown
        assert shown.index("cnv-100") < shown.index("cnv-12.5")

    def test_no_platform(self, tmp_path):
        made = prediction([], [], [])
        prediction_heat_map(made, TRAFFIC, PlotOptions(), tmp_path / "h.svg", tmp_path / "h.png")
        assert any("lists no platform" in text for text in texts(tmp_path / "h.svg"))

    def test_the_studys_own_networks_are_compared_too(self, points):
        shares = best_shares(points, None, TRAFFIC)
        row = shares[shares["ceiling"] == "measured"].to_dict("records")[0]
        assert (row["network"], row["platform_file"]) == (NETWORK.name, "test")
        assert row["measured_over_predicted"] == pytest.approx(22.75 / 46.16, rel=1e-3)

    def test_numbers_and_order(self):
        assert [frames(x) for x in (0.5, 99.96, 999.9, 1.24e4, 7.86e5, 3.53e7)] == [
            "0.5", "100", "1 k", "12.4 k", "786 k", "35.3 M",
        ]  # fmt: skip
        assert (share(0.79), share(2.13)) == ("79 %", "2.1×")
        rows = pd.DataFrame({"network": ["mlp-50", "cnv-25", "mlp-100", "cnv-100"],
                             "operations": [1, 2, 3, 4]})  # fmt: skip
        assert network_order(rows) == ["mlp-100", "mlp-50", "cnv-100", "cnv-25"]


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
