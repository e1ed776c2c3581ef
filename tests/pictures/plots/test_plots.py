from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from analysis.made_up_study import TENSORS, failed_row, row, study_frame, study_rows
from nntest.analysis.tables import speedup
from nntest.archives.measurements import to_frame
from nntest.config.plot_options import AxisOptions, PlotOptions
from nntest.pictures import style
from nntest.pictures.plots import violin as violins
from nntest.pictures.plots.speedup_bars import speedup_bars
from nntest.pictures.plots.violin import violin
from PIL import Image
from pydantic import ValidationError

SVG = "{http://www.w3.org/2000/svg}"
SMALL = TENSORS[:3]


@pytest.fixture(scope="module")
def frame():
    return study_frame(tensors=TENSORS[:5])


class Drawn:
    """A picture that was written, as a reader sees it."""

    def __init__(self, svg, png):
        self.source = svg.read_text()
        self.root = ET.fromstring(self.source)
        assert self.root.tag == f"{SVG}svg"
        self.texts = ["".join(node.itertext()).strip() for node in self.root.iter(f"{SVG}text")]
        with Image.open(png) as image:
            image.load()
            self.size, self.dpi = image.size, image.info["dpi"][0]
            self.blank = len(image.convert("L").getcolors()) == 1
        assert not self.blank

    def has(self, text):
        return any(text in shown for shown in self.texts)


@pytest.fixture
def draw_violin(tmp_path):
    def draw(frame, options=None, by="platform", quantity="time_us"):
        paths = tmp_path / "v.svg", tmp_path / "v.png"
        violin(frame, options or PlotOptions(), *paths, by=by, quantity=quantity)
        return Drawn(*paths)

    return draw


@pytest.fixture
def draw_bars(tmp_path):
    def draw(frame, options=None, statistic="median", baseline=("directconv", "NONE")):
        paths = tmp_path / "s.svg", tmp_path / "s.png"
        table = speedup(frame, *baseline, 42)
        speedup_bars(table, frame, options or PlotOptions(), *paths, statistic=statistic)
        return Drawn(*paths)

    return draw


class TestViolin:
    @pytest.mark.parametrize("by", ["platform", "operator", "library"])
    @pytest.mark.parametrize(
        ("quantity", "label"), [("time_us", "Time of the operator (µs)"), ("GFLOPS", "GFLOPS")]
    )
    def test_says_what_where_and_when(self, draw_violin, frame, by, quantity, label):
        drawn = draw_violin(frame, by=by, quantity=quantity)
        assert drawn.has(f"by {by}")
        assert drawn.has("Test board (pthread-test-cpu)")
        assert drawn.has("opencl-reference-1.0-1a2b3c4")
        assert drawn.has("2026-11-21")
        assert drawn.has(label)
        for tensor in TENSORS[:5]:
            assert tensor.name in drawn.texts

    def test_a_panel_for_each_value_and_a_violin_for_the_rest(self, draw_violin, frame):
        drawn = draw_violin(frame, by="operator")
        assert {"conv", "directconv", "DEFAULT", "NONE"} <= set(drawn.texts)
        drawn = draw_violin(frame, by="platform")
        names = {"conv; DEFAULT", "conv; NONE", "directconv; DEFAULT", "directconv; NONE"}
        assert names <= set(drawn.texts)

    def test_every_repetition_is_a_point(self, draw_violin):
        rows = study_rows(tensors=SMALL, repetitions=7)
        fixed = PlotOptions(axis={"time_us": AxisOptions(min=0, max=6000, step=1000)})
        drawn = draw_violin(to_frame(rows), fixed)
        # Points are uses of a marker, and so are ticks: the same in both pictures.
        fewer = draw_violin(to_frame(rows[:-2]), fixed)
        assert drawn.source.count("<use ") - fewer.source.count("<use ") == 2

    def test_disturbed_repetitions_are_points_that_are_marked(self, draw_violin):
        rows = study_rows(tensors=SMALL, repetitions=10)
        fixed = PlotOptions(axis={"time_us": AxisOptions(min=0, max=6000, step=1000)})
        plain = draw_violin(to_frame(rows), fixed)
        states = ["clean"] * 7 + ["disturbed"] * 3
        marked = draw_violin(
            to_frame([{**row, "run_state": states[row["repetition_id"]]} for row in rows]), fixed
        )
        assert marked.has("disturbed run") and not plain.has("disturbed run")
        # One more, in the legend.
        assert marked.source.count("<use ") - plain.source.count("<use ") == 1

    def test_few_repetitions_are_points_without_a_violin(self, draw_violin):
        few, many = (
            draw_violin(to_frame(study_rows(tensors=SMALL, repetitions=count))) for count in (4, 5)
        )
        assert few.source.count("opacity: 0.35") == 0
        assert many.source.count("opacity: 0.35") == 3 * 4

    def test_what_is_too_much_for_a_picture_is_on_further_pages(self, draw_violin, monkeypatch):
        monkeypatch.setattr(violins, "_MOST_TENSORS", 2)
        frame = study_frame(tensors=TENSORS[:5])
        longest = frame.groupby("tensor")["time_us"].max().sort_values(ascending=False)
        shown = []
        for page in (1, 2, 3):
            drawn = draw_violin(frame, PlotOptions(page=page))
            assert drawn.has(f"page {page} of 3")
            shown.append({tensor.name for tensor in TENSORS[:5]} & set(drawn.texts))
        assert shown == [{*longest.index[:2]}, {*longest.index[2:4]}, {*longest.index[4:]}]
        assert draw_violin(frame, PlotOptions(page=4)).has("page 3 of 3")

    def test_a_hundred_platforms_are_as_wide_as_a_page(self, draw_violin):
        rows = [
            row(TENSORS[0], "conv", "NONE", platform=f"Board {number:03}", repetition_id=n)
            for number in range(100)
            for n in range(3)
        ]
        drawn = draw_violin(to_frame(rows))
        assert drawn.has("page 1 of 17") and drawn.has("6 of 100 panels by platform")
        assert "Board 005" in drawn.texts and "Board 006" not in drawn.texts
        assert max(drawn.size) < 3000

    def test_more_repetitions_than_can_be_seen_are_drawn_at_equal_steps(
        self, draw_violin, monkeypatch
    ):
        monkeypatch.setattr(violins, "_MOST_DOTS", 0)
        fixed = PlotOptions(axis={"time_us": AxisOptions(min=0, max=6000, step=1000)})
        few, many = (
            draw_violin(to_frame(study_rows(tensors=SMALL, repetitions=count)), fixed)
            for count in (violins._FEWEST_DOTS, 100)
        )
        assert few.source.count("<use ") == many.source.count("<use ")

    def test_a_failed_point_says_so_in_its_place(self, draw_violin, frame):
        assert draw_violin(frame).has("failed: wrong-output")

    def test_kernels(self, draw_violin):
        rows = [
            row(tensor, "conv", "NONE", kernel=kernel, repetition_id=n, time_us=10.0 + n)
            for tensor in SMALL
            for kernel in ("im2col", "gemm")
            for n in range(6)
        ]
        drawn = draw_violin(to_frame(rows), by="kernel")
        assert {"im2col", "gemm"} <= set(drawn.texts)
        assert drawn.has("Kernel time by kernel")

    def test_batch_sizes_have_rows_of_their_own(self, draw_violin):
        rows = study_rows(tensors=SMALL[:1]) + study_rows(tensors=SMALL[:1], batch_size=4)
        drawn = draw_violin(to_frame(rows))
        assert {"batch 1", "batch 4"} <= set(drawn.texts)

    def test_emulated_rows_are_told_in_the_title(self, draw_violin, frame):
        rows = study_rows(tensors=SMALL)
        rows += study_rows(tensors=SMALL, platform="Board B", emulated=True)
        warning = "ran under an emulator; these are not the times of a real board"
        drawn = draw_violin(to_frame(rows))
        assert drawn.has(f"Board B (emulated): {warning}")
        assert "Board B (emulated)" in drawn.texts
        assert not draw_violin(frame).has("emulator")

    def test_log_axis_for_decades(self, draw_violin):
        rows = study_rows(tensors=SMALL)
        assert not draw_violin(to_frame(rows)).has("log scale")
        for one in rows:
            one["time_us"] *= 20 if one["operator"] == "directconv" else 1
        drawn = draw_violin(to_frame(rows))
        assert drawn.has("log scale")
        linear = {"time_us": AxisOptions(scale="linear")}
        assert not draw_violin(to_frame(rows), PlotOptions(axis=linear)).has("log scale")

    @pytest.mark.parametrize("by", ["tuner", "tensor"])
    def test_unknown_grouping_is_our_own_mistake(self, frame, by):
        with pytest.raises(ValueError, match=by):
            violin(frame, PlotOptions(), None, None, by=by, quantity="time_us")

    def test_many_platforms_and_libraries(self, draw_violin):
        rows = []
        for index in range(3):
            for library in ("a-1", "b-2", "c-3"):
                rows += study_rows(
                    tensors=SMALL, platform=f"P{index}", library=library, repetitions=5
                )
        drawn = draw_violin(to_frame(rows))
        assert {"P0", "P1", "P2"} <= set(drawn.texts)
        assert sum(text.startswith("conv; ") for text in drawn.texts) == 6

    def test_rows_of_one_value_each(self, draw_violin):
        assert draw_violin(to_frame([row(SMALL[0], "conv", "NONE")])).has(SMALL[0].name)


class TestSpeedupBars:
    @pytest.mark.parametrize("statistic", ["median", "minimum"])
    def test_bars_are_labelled(self, draw_bars, frame, statistic):
        drawn = draw_bars(frame, statistic=statistic)
        assert drawn.has(f"Speedup over directconv NONE, by {statistic}")
        for tensor in TENSORS[:5]:
            assert tensor.name in drawn.texts
        column = {"median": "speedup_median", "minimum": "speedup_min"}[statistic]
        table = speedup(frame, "directconv", "NONE", 42)
        rest = table[table["verdict"] != "baseline"]
        expected = sorted(f"{value:.1f}x" for value in rest[column])
        assert sorted(text for text in drawn.texts if text.endswith("x")) == expected

    def test_true_speedup(self, draw_bars):
        rows = [
            row(SMALL[0], operator, "NONE", time_us=time_us, repetition_id=n)
            for operator, time_us in (("directconv", 1700.0), ("conv", 1000.0))
            for n in range(6)
        ]
        assert "1.7x" in draw_bars(to_frame(rows)).texts

    def test_no_difference_is_empty(self, draw_bars):
        rows = study_rows(tensors=SMALL[:1], seed=2)
        drawn = draw_bars(to_frame(rows))
        table = speedup(to_frame(rows), "directconv", "NONE", 42).set_index(["operator", "tuner"])
        assert table.loc[("directconv", "DEFAULT"), "verdict"] == "no difference"
        assert drawn.has("empty: no difference (interval crosses 1)")
        # The two bars of conv are filled; the one of directconv is an outline in its colour.
        full, empty = "#0072b2", "#009e73"
        assert f"fill: {full}" in drawn.source
        assert f"fill: none; stroke: {empty}" in drawn.source

    def test_without_intervals(self, draw_bars):
        drawn = draw_bars(to_frame(study_rows(tensors=SMALL, repetitions=2)))
        assert drawn.has("hatched: too few repetitions (no interval)")
        assert "LineCollection" not in drawn.source  # no error bars
        # Bars with a hatch are filled with a pattern, as is the sign in the legend.
        assert drawn.source.count("fill: url(#") == 1 + 3 * len(SMALL)

    def test_points_without_a_time_or_a_baseline_say_so(self, draw_bars):
        rows = study_rows(tensors=SMALL[:1])
        rows += study_rows(tensors=SMALL[1:2], choices=[("conv", "NONE")])
        rows += [failed_row(SMALL[0], "winogradconv", "NONE", status="out-of-memory")]
        drawn = draw_bars(to_frame(rows))
        assert drawn.has("no speedup: directconv NONE was not measured")
        assert drawn.has("failed: out-of-memory")

    def test_panels_for_platforms_and_libraries(self, draw_bars):
        rows = study_rows(tensors=SMALL) + study_rows(tensors=SMALL, library="other-2")
        drawn = draw_bars(to_frame(rows))
        assert {"other-2", "opencl-reference-1.0-1a2b3c4"} <= set(drawn.texts)

    def test_large_speedups_on_a_log_scale(self, draw_bars):
        rows = study_rows(tensors=SMALL)
        for one in rows:
            one["time_us"] /= 30 if one["operator"] == "conv" else 1
        drawn = draw_bars(to_frame(rows))
        assert drawn.has("log scale")
        assert drawn.has("x")

    def test_unknown_statistic_is_our_own_mistake(self, frame):
        with pytest.raises(ValueError, match="mean"):
            speedup_bars(
                speedup(frame, "conv", "NONE", 1), frame, PlotOptions(), None, None,
                statistic="mean",
            )  # fmt: skip

    def test_table_read_back_from_parquet(self, tmp_path, frame):
        table = speedup(frame, "directconv", "NONE", 42)
        table.to_parquet(tmp_path / "t.parquet", index=False)
        paths = [tmp_path / name for name in ("a.svg", "a.png", "b.svg", "b.png")]
        speedup_bars(table, frame, PlotOptions(), *paths[:2], statistic="median")
        again = pd.read_parquet(tmp_path / "t.parquet")
        speedup_bars(again, frame, PlotOptions(), *paths[2:], statistic="median")
        assert paths[0].read_bytes() == paths[2].read_bytes()


class TestNothingToShow:
    """Never a picture of no data: a sentence that says why."""

    def test_nothing_measured(self, draw_violin, draw_bars, frame):
        for drawn in (draw_violin(frame.iloc[:0]), draw_bars(frame.iloc[:0])):
            assert drawn.has("Nothing to show: nothing was measured")
            assert "matplotlib.axis" not in drawn.source

    def test_all_failed(self, draw_violin, draw_bars):
        rows = [failed_row(tensor, "conv", "NONE") for tensor in SMALL]
        drawn = draw_violin(to_frame(rows))
        assert drawn.has("no repetition succeeded: 3 timeout")
        assert draw_bars(to_frame(rows)).has("nothing was measured")

    def test_no_kernels(self, draw_violin, frame):
        assert draw_violin(frame, by="kernel").has("no kernel was profiled")

    def test_no_gflops(self, draw_violin):
        rows = study_rows(tensors=SMALL, GFLOPS=None)
        assert draw_violin(to_frame(rows), quantity="GFLOPS").has("no value of this quantity")

    def test_only_the_baseline(self, draw_bars):
        rows = study_rows(tensors=SMALL, choices=[("directconv", "NONE")])
        assert draw_bars(to_frame(rows)).has("only the baseline was measured")

    def test_no_baseline(self, draw_bars, frame):
        drawn = draw_bars(frame, baseline=("winogradconv", "NONE"))
        assert drawn.has("winogradconv NONE was not measured")


class TestOptions:
    def test_figure_size_and_dpi(self, draw_violin, draw_bars, frame):
        options = PlotOptions(figure_size=(10, 14), dpi=50)
        for drawn in (draw_violin(frame, options), draw_bars(frame, options)):
            assert drawn.size == (500, 700)
            assert drawn.dpi == pytest.approx(50, abs=0.1)
            assert drawn.root.get("width") == "720pt"  # 10 inches

    def test_title(self, draw_violin, draw_bars, frame):
        options = PlotOptions(title="Mine: {what} at {when}")
        drawn = draw_violin(frame, options)
        assert "Mine: Operator time by platform at 2026-11-21" in drawn.texts
        assert sum("2026-11-21" in text for text in drawn.texts) == 1
        assert draw_bars(frame, options).has("Mine: Speedup over directconv NONE")

    def test_limits_and_step(self, draw_violin, draw_bars, frame):
        axis = {
            "time_us": AxisOptions(min=0, max=6000, step=1500),
            "speedup": AxisOptions(min=0, max=4, step=0.8),
        }
        drawn = draw_violin(frame, PlotOptions(axis=axis))
        space = "\N{NARROW NO-BREAK SPACE}"
        assert {"0", f"1{space}500", f"3{space}000", f"4{space}500", f"6{space}000"} <= set(
            drawn.texts
        )
        bars = draw_bars(frame, PlotOptions(axis=axis))
        assert {"0", "0.8", "1.6", "2.4", "3.2", "4"} <= set(bars.texts)

    def test_shared_axis(self, draw_violin, frame):
        own = draw_violin(frame)
        shared = draw_violin(frame, PlotOptions(share_axis=True))
        assert own.has("each tensor has its own axis")
        assert not shared.has("each tensor has its own axis")

    @pytest.mark.parametrize("row", ["upper", "center", "lower"])
    @pytest.mark.parametrize("column", ["left", "center", "right"])
    def test_legend_places(self, draw_violin, frame, row, column):
        place = f"{row} {column}"
        if place == "center center":
            with pytest.raises(ValidationError):
                PlotOptions(legend=place)
            return
        drawn = draw_violin(frame, PlotOptions(legend=place))
        width, height = (float(size) for size in drawn.root.get("viewBox").split()[2:])
        at = [
            self._position(node)
            for node in drawn.root.iter(f"{SVG}text")
            if "".join(node.itertext()) == "conv; NONE"
        ]
        assert len(at) == 1
        x, y = at[0][0] / width, at[0][1] / height
        if column != "center":
            assert (x > 0.75) == (column == "right")
        else:
            assert (y > 0.9) == (row == "lower")
            assert 0.2 < x < 0.7

    def test_no_legend(self, draw_violin, draw_bars, frame):
        for draw in (draw_violin, draw_bars):
            assert draw(frame).has("conv; NONE")
            assert not draw(frame, PlotOptions(legend="none")).has("conv; NONE")

    @staticmethod
    def _position(node):
        if node.get("x"):
            return float(node.get("x")), float(node.get("y"))
        numbers = node.get("transform").split("(")[1].split(")")[0].replace(",", " ").split()
        return float(numbers[0]), float(numbers[1])

    def test_palettes(self, draw_violin, draw_bars, frame):
        named = PlotOptions(palette={"platform": {"conv; NONE": "#123456"}})
        assert "fill: #123456" in draw_violin(frame, named, by="platform").source
        # A palette belongs to its grouping.
        assert "fill: #123456" not in draw_violin(frame, named, by="library").source
        listed = PlotOptions(palette={"operator": ["teal", "#abcdef"]})
        assert "fill: #abcdef" in draw_bars(frame, listed).source
        assert "fill: #008080" in draw_violin(frame, listed, by="operator").source
        viridis = PlotOptions(palette={"library": "viridis"})
        assert "fill: #414487" in draw_violin(frame, viridis, by="library").source

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"titel": "x"}, "Extra inputs"),
            ({"legend": "best"}, "upper center"),
            ({"axis": {"time_ms": {}}}, "time_us"),
            ({"axis": {"time_us": {"min": 5, "max": 5}}}, "not below max"),
            ({"axis": {"time_us": {"min": 0, "scale": "log"}}}, "above 0 on a log scale"),
            ({"axis": {"time_us": {"max": -1, "scale": "log"}}}, "above 0 on a log scale"),
            ({"axis": {"time_us": {"step": 5, "scale": "log"}}}, "linear"),
            ({"axis": {"time_us": {"step": 0}}}, "greater than 0"),
            ({"axis": {"time_us": {"min": 0, "max": 1e6, "step": 1}}}, "1000000 ticks"),
            ({"figure_size": [0, 5]}, "greater than 0"),
            ({"dpi": 3}, "greater than or equal to 30"),
            ({"palette": {"operator": "nonsense"}}, "is not a palette"),
            ({"palette": {"operator": ["blau"]}}, "not a colour: blau"),
            ({"palette": {"operator": {"conv": "#12"}}}, "not a colour: #12"),
            ({"palette": {"operator": []}}, "empty palette"),
            ({"palette": {"colour": "viridis"}}, "platform"),
            ({"title": "{who}"}, "{what}, {where} and {when}"),
            ({"title": "{"}, "{what}, {where} and {when}"),
        ],
    )
    def test_mistakes_have_a_clear_message(self, options, message):
        with pytest.raises(ValidationError) as caught:
            PlotOptions(**options)
        assert message in str(caught.value)

    def test_options_load_without_a_plotting_library(self):
        code = "import sys, nntest.config.plot_options; sys.exit('matplotlib' in sys.modules)"
        path = [*sys.path]
        subprocess.run(
            [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}; {code}"], check=True
        )


class TestDeterminism:
    def test_same_data_same_svg(self, tmp_path, frame):
        files = []
        for name in ("one", "two"):
            svg = tmp_path / f"{name}.svg"
            violin(frame, PlotOptions(), svg, tmp_path / "x.png", by="library", quantity="GFLOPS")
            files.append(svg.read_bytes())
        assert files[0] == files[1]
        assert b"dc:date" not in files[0]

    def test_order_of_rows_does_not_matter(self, tmp_path, frame):
        mixed = frame.sample(frac=1.0, random_state=1).reset_index(drop=True)
        for name, data in (("a", frame), ("b", mixed)):
            violin(
                data, PlotOptions(), tmp_path / f"{name}.svg", tmp_path / "x.png", by="platform",
                quantity="time_us",
            )  # fmt: skip
        assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


class TestStyle:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (0, "0"),
            (0.25, "0.25"),
            (12.5, "12.5"),
            (999.0, "999"),
            (1e6, "1 000 000"),
            (1580.25, "1 580.25"),
        ],
    )
    def test_numbers_of_ticks(self, value, text):
        assert style.number(value) == text.replace(" ", "\N{NARROW NO-BREAK SPACE}")

    def test_a_row_of_a_group_of_nodes_leaves_room_for_the_picture(self):
        group = "Sigmoid@13:1x4x25|" * 9 + "Mul@14:#0.0,#8"
        label, batch = style.row_label(group, 2).split("\n")
        first, last = label.split("…")
        assert (len(label), batch) == (72, "batch 2")
        assert group.startswith(first)
        assert group.endswith(last)
        assert style.row_label(SMALL[0].name) == SMALL[0].name

    def test_default_colours_and_markers_tell_many_apart(self):
        looks = style.colours([str(n) for n in range(30)], PlotOptions(), "operator")
        assert len(set(looks.values())) == 30

    def test_a_user_matplotlibrc_changes_nothing(self, draw_violin, frame):
        import matplotlib

        plain = draw_violin(frame).source
        with matplotlib.rc_context({"font.size": 20, "svg.fonttype": "path"}):
            assert draw_violin(frame).source == plain


def test_text_of_pictures_does_not_overlap(tmp_path):
    """Row labels of the full study keep apart, at the size that the picture is made in."""
    paths = tmp_path / "v.svg", tmp_path / "v.png"
    violin(study_frame(), PlotOptions(), *paths, by="platform", quantity="time_us")
    root = ET.parse(paths[0]).getroot()
    names = {tensor.name for tensor in TENSORS}
    heights = sorted(
        TestOptions._position(node)[1]
        for node in root.iter(f"{SVG}text")
        if "".join(node.itertext()).strip() in names
    )
    assert len(heights) == 11
    assert np.diff(heights).min() > 3 * 9  # three lines of 9 points apart
