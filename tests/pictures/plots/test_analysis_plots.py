"""Pictures of networks and comparisons: what is drawn is what the tables say."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from analysis.made_up_study import CHOICES, NETWORK, TENSORS, network_rows, study_rows
from analysis.test_drift import rows_over_time
from nntest.analysis.comparison import comparison
from nntest.analysis.drift import drift
from nntest.analysis.end_to_end import end_to_end
from nntest.analysis.estimate import estimate, layer_times
from nntest.analysis.thread_scaling import thread_scaling
from nntest.archives.measurements import to_frame
from nntest.config.comparison import ComparisonBaseline, ComparisonConfig
from nntest.config.plot_options import PlotOptions
from nntest.domain.networks import Layer, Network
from nntest.pictures.plots.agreement import Dot, agreement
from nntest.pictures.plots.comparison import comparison_plot
from nntest.pictures.plots.drift import drift_plot
from nntest.pictures.plots.end_to_end import end_to_end_plot
from nntest.pictures.plots.layer_bars import layer_bars
from nntest.pictures.plots.scaling import scaling_plot
from nntest.pictures.plots.sheet import styled
from nntest.pictures.style import Heading

SVG = "{http://www.w3.org/2000/svg}"
SMALL = Network("small", tuple(Layer(f"layer {n}", t, 1) for n, t in enumerate(TENSORS[1:4])))
OLD = ComparisonConfig(baseline=ComparisonBaseline(run="old.zip"))


@pytest.fixture
def drawn(tmp_path):
    """Draw with a function of ours; the texts of the SVG."""

    def draw(function, *arguments, **more):
        svg, png = tmp_path / "p.svg", tmp_path / "p.png"
        function(*arguments, PlotOptions(), svg, png, **more)
        assert png.read_bytes()[:4] == b"\x89PNG"
        root = ET.parse(svg).getroot()
        return ["".join(node.itertext()).strip() for node in root.iter(f"{SVG}text")]

    return draw


def test_layers_are_named_and_sums_told(drawn):
    rows = study_rows(tensors=TENSORS[1:4], choices=CHOICES[:3])
    frame = to_frame(rows + network_rows(SMALL, "SCHEDULE", 10_000.0))
    sums = estimate(frame, [SMALL], "study", 42)
    texts = drawn(layer_bars, layer_times(frame, [SMALL], "study", 42), sums, frame)
    assert {"best", "conv DEFAULT", "conv NONE", "directconv NONE", "small"} <= set(texts)
    assert {"layer 0", "layer 1", "layer 2"} <= set(texts)
    best = sums.iloc[0]
    assert f"{round(best['total_us'] / 1e3, 3):g} ms, measured 10.02" in texts
    assert "measured end to end" in texts


def test_estimates_and_measurements_meet(drawn):
    frame = to_frame(study_rows(tensors=TENSORS[1:4]) + network_rows(SMALL, "SCHEDULE", 10_000.0))
    table = end_to_end(frame, [SMALL], "study", 42)
    texts = drawn(end_to_end_plot, table, frame)
    error = abs(table["error"].iloc[0])
    assert f"best: mean error {error:.1%}, largest {error:.1%}" in texts
    assert "small" in texts


def test_names_of_crowded_networks_do_not_overlap(tmp_path):
    dots = [Dot(f"net-{n:02d}", "s", 10.0 * 1.02**n, 10.0 * 1.02**n) for n in range(16)]
    with styled():
        agreement(dots, Heading("w", "", ""), 0.1, "s", PlotOptions(),
                  tmp_path / "p.svg", tmp_path / "p.png")  # fmt: skip
    places = []
    for node in ET.parse(tmp_path / "p.svg").getroot().iter(f"{SVG}text"):
        text = "".join(node.itertext()).strip()
        if re.fullmatch(r"\d\d", text) and text not in ("10", "20"):
            places.append((float(node.get("x")), float(node.get("y"))))
    assert len(places) >= 15
    for index, (x, y) in enumerate(places):
        for other_x, other_y in places[:index]:
            assert abs(x - other_x) > 9 or abs(y - other_y) > 7


def test_slower_points_are_told(drawn):
    def side(seed, factor):
        rows = study_rows(tensors=TENSORS[1:4], repetitions=20, seed=seed)
        return to_frame([
            {**row, "time_us": row["time_us"] * (factor if row["tensor"] == TENSORS[2].name else 1)}
            for row in rows
        ])  # fmt: skip

    new = side(1, 2.0)
    table = comparison(new, OLD, side(2, 1.0), [NETWORK], "study", 42)
    texts = drawn(comparison_plot, table, new)
    assert "slower: 4" in texts
    assert "no difference: 8" in texts
    assert f"{table['ratio'].iloc[0]:.2f}" in texts


def test_drift_has_a_panel_for_each_platform(drawn):
    rows = [*rows_over_time(0.1), *({**row, "platform": "another"} for row in rows_over_time())]
    frame = to_frame(rows)
    texts = drawn(drift_plot, drift(frame, 42), frame)
    assert {"another", rows[0]["platform"]} <= set(texts)
    assert texts.count("Minutes") == 2
    assert "median of a window, 95 % interval" in texts


def test_scaling_has_a_line_for_each_set_of_cores(drawn):
    rows = [
        {**row, "time_us": row["time_us"] / threads}
        for threads in (1, 2, 4)
        for cores in ("big", "little")
        for row in study_rows(tensors=TENSORS[1:3], threads=threads, cores=cores)
    ]
    whole = [network_rows(SMALL, "NONE", 1e4 / n, threads=n, cores="big") for n in (1, 4)]
    frame = to_frame([*rows, *(row for one in whole for row in one)])
    texts = drawn(scaling_plot, thread_scaling(frame, 42), frame)
    library = rows[0]["library"]
    assert {f"{library}, cores big", f"{library}, cores little"} <= set(texts)
    assert {"small · Test board · batch 1", "layers, one by one · Test board · batch 1"} <= (
        set(texts)
    )
    assert texts.count("Threads") == texts.count("Efficiency, %") + texts.count("Time, ms") == 4


def test_no_data_is_told(drawn):
    frame = to_frame(study_rows(tensors=TENSORS[1:2], choices=CHOICES[:1]))
    empty = frame.iloc[:0]
    layers, sums = (make(empty, [SMALL], "study", 42) for make in (layer_times, estimate))
    said = " ".join(drawn(layer_bars, layers, sums, empty))
    assert "no layer of the study's networks was measured" in said
    said = " ".join(drawn(end_to_end_plot, end_to_end(frame, [SMALL], "study", 42), frame))
    assert "no network was measured as a whole" in said
    said = " ".join(drawn(scaling_plot, thread_scaling(frame, 42), frame))
    assert "nothing was measured both with one thread and with more" in said
    said = " ".join(drawn(comparison_plot, comparison(frame, None, None, [], "study", 1), frame))
    assert "compares with no baseline" in said
