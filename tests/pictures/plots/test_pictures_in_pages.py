"""Pictures of too much: what matters first, the rest on further pages, nothing twice or lost."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from analysis.made_up_study import CHOICES, TENSORS, network_rows, row, study_frame, study_rows
from analysis.test_drift import rows_over_time
from analysis.test_kernels import kernels_of, profiled, timed
from analysis.test_sustained import series, windows
from nntest.analysis.comparison import comparison
from nntest.analysis.drift import drift
from nntest.analysis.end_to_end import end_to_end
from nntest.analysis.estimate import estimate, layer_times
from nntest.analysis.kernels import kernel_share
from nntest.analysis.sustained import sustained
from nntest.analysis.tables import speedup
from nntest.analysis.thread_scaling import thread_scaling
from nntest.archives.measurements import to_frame
from nntest.config.comparison import ComparisonBaseline, ComparisonConfig
from nntest.config.plot_options import PlotOptions
from nntest.domain.networks import Layer, Network
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.sustained import SUSTAINED_WINDOWS
from nntest.pictures.plots import bars_on_page
from nntest.pictures.plots import comparison as comparisons
from nntest.pictures.plots import drift as drifts
from nntest.pictures.plots import end_to_end as end_to_ends
from nntest.pictures.plots import kernel_stack as stacks
from nntest.pictures.plots import layer_bars as layers
from nntest.pictures.plots import scaling as scalings
from nntest.pictures.plots import speedup_bars as speedups
from nntest.pictures.plots import sustained as sustaineds
from nntest.pictures.plots import violin as violins
from nntest.pictures.plots.columns import PLOTTED
from nntest.pictures.plots.paging import NOT_ON_THIS_PAGE

Draw = Callable[..., list[str]]
BOARDS = [f"Board {number}" for number in range(5)]
NETWORKS = [Network(f"net {n}", (Layer("layer", TENSORS[n], 1),)) for n in range(3)]


@pytest.fixture
def drawn(tmp_path: Path) -> Draw:
    """Draw a page with a function of ours; the texts of the SVG."""

    def draw(function: Callable[..., None], *arguments: Any, page: int, **more: Any) -> list[str]:
        svg, png = tmp_path / "p.svg", tmp_path / "p.png"
        function(*arguments, PlotOptions(page=page), svg, png, **more)
        nodes = ET.parse(svg).getroot().iter("{http://www.w3.org/2000/svg}text")
        return ["".join(node.itertext()).strip() for node in nodes]

    return draw


def says(texts: list[str], words: str) -> bool:
    """Also where the words are broken into lines."""
    return words in " ".join(texts)


def on(platforms: list[str], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**one, "platform": name} for name in platforms for one in rows]


def test_speedups_of_the_longest_tensors_come_first(
    drawn: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bars_on_page, "_MOST_TENSORS", 2)
    frame = study_frame(tensors=TENSORS[:5])
    table = speedup(frame, "directconv", "NONE", 42)
    longest = table.groupby("tensor")["baseline_median_us"].max().sort_values(ascending=False)
    names = {tensor.name for tensor in TENSORS}
    shown = []
    for page in (1, 2, 3):
        texts = drawn(speedups.speedup_bars, table, frame, page=page, statistic="median")
        assert says(texts, f"page {page} of 3")
        shown.append(names & {*texts})
    assert shown == [{*longest.index[:2]}, {*longest.index[2:4]}, {*longest.index[4:]}]


def test_speedups_have_panels_on_further_pages(
    drawn: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bars_on_page, "_MOST_PANELS", 2)
    frame = to_frame(on(BOARDS, study_rows(tensors=TENSORS[:1], repetitions=4)))
    table = speedup(frame, "directconv", "NONE", 42)
    shown = [
        {*BOARDS} & {*drawn(speedups.speedup_bars, table, frame, page=page, statistic="minimum")}
        for page in (1, 2, 3)
    ]
    assert shown == [{*BOARDS[:2]}, {*BOARDS[2:4]}, set()]  # one panel alone has no title


def test_a_page_of_what_was_measured_nowhere_says_so(
    drawn: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bars of tuners that only another platform has."""
    for module in (bars_on_page, violins):
        monkeypatch.setattr(module, "_MOST_PANELS", 1)
    monkeypatch.setattr(bars_on_page, "_MOST_BARS", 1)
    monkeypatch.setattr(violins, "_MOST_VIOLINS", 2)
    some = study_rows(tensors=TENSORS[:1], repetitions=4, choices=CHOICES[1:3])
    others = study_rows(tensors=TENSORS[:1], repetitions=4, choices=[*CHOICES[::2], CHOICES[3]])
    frame = to_frame([*on(BOARDS[:1], some), *on(BOARDS[1:2], others)])
    table = speedup(frame, "directconv", "NONE", 42)
    pages = [
        drawn(speedups.speedup_bars, table, frame, page=page, statistic="median")
        for page in range(1, 7)
    ]
    assert [says(page, NOT_ON_THIS_PAGE[:40]) for page in pages] == [
        False, True, True, False, True, False,
    ]  # fmt: skip
    by = {"by": "platform", "quantity": "time_us"}
    for page in range(1, 5):
        drawn(violins.violin, frame, page=page, **by)


def test_choices_panels_and_networks_of_layer_bars_have_pages(
    drawn: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "_MOST_CHOICES", 3)
    monkeypatch.setattr(layers, "_MOST_PANELS", 2)
    monkeypatch.setattr(layers, "_MOST_NETWORKS", 2)
    frame = to_frame(on(BOARDS[:3], study_rows(tensors=TENSORS[:3], repetitions=4)))
    tables = [make(frame, NETWORKS, "study", 42) for make in (layer_times, estimate)]
    first, second, third, fifth = (
        drawn(layers.layer_bars, *tables, frame, page=page) for page in (1, 2, 3, 5)
    )
    assert says(first, "page 1 of 8: 3 of 5 choices")
    assert {"best", "net 0", "net 1", *BOARDS[:2]} <= {*first} and "net 2" not in first
    assert {"best", "net 2", *BOARDS[:2]} <= {*second} and "net 0" not in second
    assert "net 0" in third and BOARDS[0] not in third
    assert "best" not in fifth and "net 0" in fifth


def test_layers_that_are_too_narrow_to_be_seen_are_one_segment() -> None:
    times = [0.5, 0.6, 5.0, 0.1, 0.1, 0.1, 7.0, 0.2]
    segments = layers._wide_enough([{"time_us": time} for time in times], 1.0)
    assert [[layer["time_us"] for layer in segment] for segment in segments] == [
        [0.5, 0.6], [5.0], [0.1, 0.1, 0.1], [7.0], [0.2],
    ]  # fmt: skip


def test_a_thousand_layers_are_as_many_segments_as_can_be_seen(tmp_path: Path) -> None:
    frame = to_frame(study_rows(tensors=TENSORS[:1], repetitions=2, choices=CHOICES[:1]))
    one, sums = (make(frame, NETWORKS[:1], "study", 42) for make in (layer_times, estimate))
    one = one.assign(time_us=one["time_us"] / 1000)
    many = pd.concat([one.assign(position=place) for place in range(1, 1001)])
    svg = tmp_path / "p.svg"
    layers.layer_bars(many, sums, frame, PlotOptions(), svg, tmp_path / "p.png")
    assert 200 < svg.read_text("utf-8").count('id="patch_') / sums["choice"].nunique() < 600


def test_what_differs_most_is_compared_first(drawn: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparisons, "_MOST_POINTS", 4)
    slower = TENSORS[2].name

    def side(seed: int, factor: float) -> pd.DataFrame:
        rows = study_rows(tensors=TENSORS[1:4], repetitions=20, seed=seed)
        return to_frame([
            {**one, "time_us": one["time_us"] * (factor if one["tensor"] == slower else 1)}
            for one in rows
        ])  # fmt: skip

    old = ComparisonConfig(baseline=ComparisonBaseline(run="old.zip"))
    new = side(1, 2.0)
    table = comparison(new, old, side(2, 1.0), NETWORKS, "study", 42)
    pages = [drawn(comparisons.comparison_plot, table, new, page=page) for page in (1, 2, 3)]
    assert says(pages[0], "page 1 of 3: 4 of 12 points, those that differ most first")
    assert [says(page, slower) for page in pages] == [True, False, False]
    assert all("slower: 4" in page for page in pages), "the legend counts all"


def test_kernels_of_the_longest_tensors_come_first(
    drawn: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bars_on_page, "_MOST_TENSORS", 1)
    first, second = TENSORS[:2]
    kernels = kernels_of(profiled(first), profiled(second, wall_us=85.0))
    share = kernel_share(to_frame([*timed(first), *timed(second)]), kernels, 42)
    pages = [drawn(stacks.kernel_stack, share, kernels, page=page) for page in (1, 2)]
    assert [{first.name, second.name} & {*page} for page in pages] == [{first.name}, {second.name}]


def test_platforms_of_drifts_and_of_threads_have_pages(
    drawn: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drifts, "_MOST_PLATFORMS", 2)
    monkeypatch.setattr(scalings, "_MOST_ROWS", 2)
    frame = to_frame(on(BOARDS[:3], rows_over_time()))
    table = drift(frame, 42)
    pages = [drawn(drifts.drift_plot, table, frame, page=page) for page in (1, 2)]
    assert [len({*BOARDS} & {*page}) for page in pages] == [2, 1]
    whole = [
        one
        for threads in (1, 4)
        for one in network_rows(NETWORKS[0], "NONE", 1e4 / threads, threads=threads)
    ]
    frame = to_frame(on(BOARDS[:3], whole))
    table = thread_scaling(frame, 42)
    pages = [drawn(scalings.scaling_plot, table, frame, page=page) for page in (1, 2)]
    assert [sum(says(page, f"net 0 · {name}") for name in BOARDS) for page in pages] == [2, 1]


def test_series_of_whole_networks_have_pages(drawn: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(end_to_ends, "_MOST_SERIES", 2)
    rows = [
        *study_rows(tensors=TENSORS[:1], repetitions=4),
        *network_rows(NETWORKS[0], "NONE", 9e3),
    ]
    frame = to_frame(on(BOARDS[:3], [{**one, "tuner": "NONE"} for one in rows]))
    table = end_to_end(frame, NETWORKS, "study", 42)
    pages = [drawn(end_to_ends.end_to_end_plot, table, frame, page=page) for page in (1, 2, 3)]
    series = table[["platform", "choice"]].drop_duplicates()
    assert says(pages[0], f"page 1 of {-(-len(series) // 2)}: 2 of {len(series)} series")
    assert [says(page, f"{BOARDS[0]} · best: mean error") for page in pages] == [True, False, False]


def test_networks_of_sustained_runs_have_pages(
    drawn: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sustaineds, "_MOST_PLACES", 2)
    runs = [one for name in BOARDS[:3] for one in windows("a-1", series((60, 9.0)), platform=name)]
    frame = frame_of(runs, SUSTAINED_WINDOWS)
    found = sustained(pd.DataFrame(), frame)
    pages = [
        drawn(sustaineds.sustained_plot, frame, found, study_frame(), page=page) for page in (1, 2)
    ]
    assert [sum(says(page, f" on {name}") for name in BOARDS) for page in pages] == [2, 1]


def test_the_columns_that_are_read_are_enough(tmp_path: Path) -> None:
    """As `scripts/plots.py` reads them: the same pictures as of the whole table."""
    kernels = [row(TENSORS[0], "conv", "NONE", kernel="gemm", repetition_id=n) for n in range(3)]
    frame = to_frame([*rows_over_time(), *kernels, *network_rows(NETWORKS[0], "NONE", 1e4)])
    tables = {
        "speedup": speedup(frame, "directconv", "NONE", 42),
        "drift": drift(frame, 42),
        "layers": layer_times(frame, NETWORKS, "study", 42),
        "sums": estimate(frame, NETWORKS, "study", 42),
    }
    made = []
    for folder, read in (("all", frame), ("some", frame[list(PLOTTED)])):
        (tmp_path / folder).mkdir()
        files = {name: tmp_path / folder / f"{name}.svg" for name in (*tables, "violin")}
        png, options = tmp_path / "p.png", PlotOptions()
        violins.violin(read, options, files["violin"], png, by="library", quantity="GFLOPS")
        speedups.speedup_bars(
            tables["speedup"], read, options, files["speedup"], png, statistic="median"
        )
        drifts.drift_plot(tables["drift"], read, options, files["drift"], png)
        layers.layer_bars(tables["layers"], tables["sums"], read, options, files["layers"], png)
        made.append([file.read_bytes() for file in files.values() if file.exists()])
    assert len(made[0]) == 4
    assert made[0] == made[1]
