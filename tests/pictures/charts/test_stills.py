"""Charts as still pictures, as a reader sees them: rooflines, predictions, trade-offs."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pandas as pd
import pytest
from analysis.made_up_study import NETWORK, TENSORS, row, study_rows
from analysis.published.published_data import platform
from nntest.analysis.roofline.measured import roofline_points
from nntest.analysis.roofline.model import roofs_of
from nntest.analysis.roofline.tables import prediction
from nntest.analysis.trade_offs import Limits
from nntest.archives.measurements import to_frame
from nntest.config.plot_options import AxisOptions, PlotOptions
from nntest.domain.networks import cnv
from nntest.pictures.charts import stills
from nntest.pictures.charts.predicted_frames import network_order, rate_text, share_text
from nntest.pictures.charts.roofline import _runs
from nntest.pictures.charts.stills import (
    predicted_frames_still,
    roofline_still,
    trade_off_still,
)
from nntest.pictures.charts.theme import Look, round_numbers
from pictures.charts.odd_configurations import ODD_NAME, sample
from PIL import Image

SVG = "{http://www.w3.org/2000/svg}"
ROOFS = {"test": roofs_of(platform("mali-t860-rk3399"))}
TRAFFIC = "weights-and-activations"
NOTHING_MEASURED = pd.DataFrame(
    columns=["network", "platform_file", "data_type", "ceiling", "measured_over_predicted"]
)
PLOTS = [
    "scatter.latency-throughput", "pareto.frames_per_s", "pareto.latency", "pareto.energy",
    "boxes.latency_ms", "boxes.frames_per_s", "boxes.power_w",
]  # fmt: skip


class Drawn:
    """A picture that was written."""

    def __init__(self, folder):
        self.source = (folder / "p.svg").read_text(encoding="utf-8")
        self.root = ET.fromstring(self.source)
        self.texts = ["".join(node.itertext()).strip() for node in self.root.iter(f"{SVG}text")]
        with Image.open(folder / "p.png") as image:
            self.size = image.size

    def has(self, text):
        return any(text in shown for shown in self.texts)


@pytest.fixture
def draw(tmp_path):
    def drawing(function, *arguments, **options):
        paths = tmp_path / "p.svg", tmp_path / "p.png"
        function(*arguments, PlotOptions(**options), *paths)
        return Drawn(tmp_path)

    return drawing


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


class TestRoofline:
    def test_ceilings_ridges_and_shares(self, draw, points, frame):
        drawn = draw(roofline_still, points, frame)
        assert "fp32, measured: 46.16 GFLOP/s, 7.33 GB/s, ridge 6.3 operations/byte" in drawn.texts
        assert "fastest choice, share of the roof “measured”" in drawn.texts
        best = points[points["ceiling"] == "measured"].groupby("tensor")["share_of_roof"].max()
        lines = [text for text in drawn.texts if ": Conv2d_0, " in text]
        assert len(lines) == 1
        assert lines[0].endswith(f", {100 * best[TENSORS[0].name]:.0f} %")

    def test_many_platforms_are_on_further_pages(self, draw, points, frame):
        names = [f"Board {number:03}" for number in range(20)]
        many = pd.concat([points.assign(platform=name) for name in names], ignore_index=True)
        first, third = (draw(roofline_still, many, frame, page=page) for page in (1, 3))
        assert first.has("page 1 of 3: 8 of 20 panels") and third.has("page 3 of 3")
        assert [first.has(name) for name in names] == [True] * 8 + [False] * 12
        assert [third.has(name) for name in names] == [False] * 16 + [True] * 4

    def test_the_longest_tensors_come_first(self, draw, points, frame, monkeypatch):
        monkeypatch.setattr(stills, "_MOST_TENSORS", 3)
        longest = points.groupby("tensor")["median_us"].max().sort_values(ascending=False)
        first, second = (draw(roofline_still, points, frame, page=page) for page in (1, 2))
        assert first.has("page 1 of 2: 3 of 4 tensors, the longest first")
        assert first.has("all layers") and not second.has("all layers")
        last = points.loc[points["tensor"] == longest.index[-1], "layers"].iloc[0].split(", ")[0]
        assert second.has(f"1: {last}") and not first.has(last)

    def test_without_a_ceiling_it_says_so(self, draw, frame):
        alone = roofline_points(frame, [NETWORK], "study", {}, TRAFFIC, 1)
        drawn = draw(roofline_still, alone, frame)
        assert "no ceiling is known: see docs/rooflines.md" in drawn.texts

    def test_the_axis_is_the_users(self, draw, points, frame):
        drawn = draw(roofline_still, points, frame, axis={"GFLOPS": AxisOptions(min=1, max=2000)})
        assert {"1", "10", "100", "1,000"} <= set(drawn.texts)
        assert not draw(roofline_still, points, frame).has("1,000")

    @pytest.mark.parametrize(
        ("rows", "traffic", "sentence"),
        [(0, TRAFFIC, "nothing was measured"), (None, "on-chip", "there is no intensity")],
    )
    def test_nothing_to_show(self, draw, frame, rows, traffic, sentence):
        shown = frame if rows is None else frame.head(rows)
        found = roofline_points(shown, [NETWORK], "study", ROOFS, traffic, 1)
        assert draw(roofline_still, found, frame).has(sentence)

    def test_numbers_of_points_that_stand_close(self):
        assert [_runs(numbers) for numbers in ([4], [4, 5], [4, 5, 6], [4, 6, 7])] == [
            "4", "4, 5", "4–6", "4, 6, 7",
        ]  # fmt: skip


class TestPredictedFrames:
    def test_a_cell_has_its_figure_its_bound_and_what_was_measured(self, draw):
        made = prediction(roofs_of(platform("ncs")), [cnv(12.5), cnv(100)], ["weights-per-image"])
        ratios = NOTHING_MEASURED.copy()
        ratios.loc[0] = ["cnv-100", "ncs", "fp16", "data sheet", 0.25577]
        drawn = draw(predicted_frames_still, made, ratios, "weights-per-image")
        for text in ("1.04 k", "62.4 k", "compute", "measured 26 %", "NCS · fp16"):
            assert drawn.has(text)
        assert drawn.texts.index("cnv-100") < drawn.texts.index("cnv-12.5")

    def test_no_platform(self, draw):
        made = prediction([], [], [])
        drawn = draw(predicted_frames_still, made, NOTHING_MEASURED, TRAFFIC)
        assert drawn.has("lists no platform")

    def test_numbers_and_order(self):
        assert [rate_text(x) for x in (0.5, 99.96, 999.9, 1.24e4, 7.86e5, 3.53e7)] == [
            "0.5", "100", "1 k", "12.4 k", "786 k", "35.3 M",
        ]  # fmt: skip
        assert (share_text(0.79), share_text(2.13), share_text(float("nan"))) == (
            "79 %",
            "2.1×",
            "",
        )
        rows = pd.DataFrame({"network": ["mlp-50", "cnv-25", "mlp-100", "cnv-100"],
                             "operations": [1, 2, 3, 4]})  # fmt: skip
        assert network_order(rows) == ["mlp-100", "mlp-50", "cnv-100", "cnv-25"]


class TestTradeOffs:
    @pytest.mark.parametrize("plot", PLOTS)
    def test_each_is_drawn(self, draw, plot):
        drawn = draw(trade_off_still, plot, sample(), Limits(200.0))
        assert drawn.has("configurations: ")
        assert drawn.has("FPGA")
        assert drawn.has(ODD_NAME)

    def test_a_front_has_numbers_and_a_key(self, draw):
        drawn = draw(trade_off_still, "pareto.frames_per_s", sample(), Limits())
        assert drawn.has("grey: dominated")
        assert any(text.startswith("1: int4 25% batch 16: 80.00 %, ") for text in drawn.texts)
        limited = draw(trade_off_still, "pareto.frames_per_s", sample(), Limits(0.5))
        assert limited.has("grey: dominated, or not within 0.5 ms")
        assert not limited.has("int4 25% batch 16: ")

    @pytest.mark.parametrize(
        ("plot", "limits"),
        [
            ("scatter.latency-throughput", Limits(latency_ms=30)),
            ("pareto.latency", Limits(latency_ms=30)),
            ("boxes.latency_ms", Limits(latency_ms=30)),
            ("boxes.power_w", Limits(power_w=5.5)),
        ],
    )
    def test_a_limit_is_a_line_where_there_is_an_axis_for_it(self, draw, plot, limits):
        def lines(kept):
            drawn = draw(trade_off_still, plot, sample(), kept)
            return [one for one in drawn.root.iter() if one.get("stroke-dasharray") == "6,4"]

        assert lines(limits)
        assert not lines(Limits(memory_mb=1))

    @pytest.mark.parametrize(("count", "sentence"), [(0, "no configuration has"), (1, "one conf")])
    def test_a_single_point_is_a_sentence(self, draw, count, sentence):
        drawn = draw(trade_off_still, "scatter.latency-throughput", sample().head(count), Limits())
        assert drawn.has(sentence)

    def test_an_emulated_board_is_called_so(self, draw):
        rows = sample().assign(hardware="Board B (emulated)")
        drawn = draw(trade_off_still, "boxes.latency_ms", rows, Limits())
        assert drawn.has("not the times of a real board")


class TestOptions:
    def drawn(self, draw, plot="scatter.latency-throughput", **options):
        return draw(trade_off_still, plot, sample(), Limits(), **options)

    @pytest.mark.parametrize("plot", ["scatter.latency-throughput", "boxes.power_w"])
    def test_figure_size_and_dpi(self, draw, plot):
        drawn = self.drawn(draw, plot, figure_size=(12, 9), dpi=50)
        assert drawn.size == pytest.approx((600, 450), abs=4)
        assert float(drawn.root.get("width")) == pytest.approx(12 * 96, abs=6)

    def test_the_title(self, draw):
        drawn = self.drawn(draw, title="Mine: {what}")
        assert drawn.has("Mine: Latency of a batch against frames a second")

    def test_the_palette(self, draw):
        drawn = self.drawn(draw, palette={"platform": {"FPGA": "teal"}})
        assert "#008080" in drawn.source
        assert "#008080" not in self.drawn(draw).source

    @pytest.mark.parametrize("place", ["upper center", "lower center", "center left", "none"])
    def test_the_legend(self, draw, place):
        drawn = self.drawn(draw, legend=place)
        assert drawn.has("hardware") == (place != "none")

    def test_same_data_same_picture(self, draw):
        assert self.drawn(draw).source == self.drawn(draw).source

    def test_many_names_have_colours_of_their_own(self):
        encoded = Look().colour("hardware", [str(n) for n in range(20)], "platform", "hardware")
        assert len(set(encoded.to_dict()["scale"]["range"])) >= 19


def test_ticks_are_round():
    assert round_numbers(0.3, 60) == [0.5, 1, 2, 5, 10, 20, 50]
    assert round_numbers(0.3, 60_000) == [1, 10, 100, 1000, 10_000]
