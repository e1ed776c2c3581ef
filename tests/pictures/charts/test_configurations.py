"""Configurations as a frame, and fronts that come and go with a limit on the latency."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import vl_convert
from hypothesis import given
from hypothesis import strategies as st
from nntest.analysis.pareto import Axis, pareto_front
from nntest.analysis.trade_offs import (
    Limits,
    configurations,
    has,
    of_estimates,
    of_published,
    split_variant,
)
from nntest.config.accuracy import Accuracy
from nntest.domain.tables.networks import CONFIGURATIONS
from nntest.domain.tables.published import PUBLISHED
from nntest.pictures.charts.boxes import boxed
from nntest.pictures.charts.filters import limit_lists, picks
from nntest.pictures.charts.fronts import COSTS, on_front, pareto
from nntest.pictures.charts.theme import GREY, Look, specification
from pictures.charts.odd_configurations import sample

few = st.integers(1, 4).map(float)  # few values: ties are common


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.lists(st.tuples(few, few, few, few), min_size=1, max_size=12))
    return configurations(
        {"latency_ms": latency, "frames_per_s": rate, "top1_percent": top1, "power_w": power}
        for latency, rate, top1, power in rows
    )


@given(frames(), st.sampled_from(sorted(COSTS)), st.floats(0.5, 5), st.floats(0.5, 5))
def test_the_front_is_that_of_what_keeps_the_limits(
    frame: pd.DataFrame, cost_name: str, latency_ms: float, power_w: float
) -> None:
    cost = COSTS[cost_name]
    within = frame[(frame["latency_ms"] <= latency_ms) & (frame["power_w"] <= power_w)]
    axes = [Axis("top1_percent", "max"), Axis(cost.column, cost.sense)]
    found = on_front(frame, cost, Limits(latency_ms, power_w))
    assert list(frame.index[found]) == list(within.index[pareto_front(within, axes).on_front])


@pytest.mark.parametrize("cost_name", sorted(COSTS))
@pytest.mark.parametrize("limits", [Limits(), Limits(2.5), Limits(3.5, 2.5)])
def test_vega_finds_the_same_front(cost_name: str, limits: Limits) -> None:
    generator = np.random.default_rng(3)
    values = generator.integers(1, 5, (40, 4)).astype(float)  # with ties
    frame = configurations(
        {"latency_ms": latency, "frames_per_s": rate, "top1_percent": top1,
         "power_w": power if index % 5 else None, "hardware": "board", "kind": "measured"}
        for index, (latency, rate, top1, power) in enumerate(values)
    )  # fmt: skip
    rows = has(frame, COSTS[cost_name].column, "top1_percent", "latency_ms")
    wanted = on_front(rows, COSTS[cost_name], limits)
    still = Look(still=True)
    drawn = vl_convert.vegalite_to_svg(specification(pareto(rows, cost_name, limits, still), still))
    points = re.findall(
        r'<path aria-label="[^"]*" role="graphics-symbol"[^>]*fill="([^"]*)"', drawn
    )
    assert len(points) == len(rows)
    assert 0 < sum(fill != GREY for fill in points) == int(wanted.sum())


def test_a_limit_that_is_not_known_to_be_kept_is_not_kept() -> None:
    frame = configurations([{"power_w": 5.0}, {"power_w": 7.0}, {}])
    assert Limits(power_w=6).within(frame).tolist() == [True, False, False]
    assert Limits().within(frame).all()
    assert Limits(memory_mb=1).named() == {"memory_mb": 1}


def test_a_list_is_there_where_there_is_something_to_pick() -> None:
    rows = sample()
    found = picks(rows, Look())
    assert [param.name for param in found.params] == [
        "only_platform",
        "only_data_type",
        "only_batch",
    ]
    assert picks(rows, Look(still=True)).params == []
    lists = limit_lists(rows, Limits(latency_ms=30), Look())
    assert [param.name for param in lists.params] == ["limit_latency_ms", "limit_power_w"]
    fixed = limit_lists(rows, Limits(memory_mb=30), Look(still=True))
    assert fixed.test == "true && (isValid(datum['memory_mb']) && datum['memory_mb'] <= 30)"


def test_what_has_one_configuration_has_no_box() -> None:
    rows = configurations(
        {"platform": platform, "latency_ms": 1.0, "batch": batch, "data_type": "fp32"}
        for platform, batch in (("A", 1), ("A", 4), ("B", 1))
    )
    assert boxed(rows, "latency_ms")["platform"].tolist() == ["A", "A"]


def test_the_energy_is_power_over_frames() -> None:
    frame = configurations(
        [
            {"power_w": 5.0, "frames_per_s": 100.0},
            {"power_w": 5.0},
            {"power_w": 5.0, "frames_per_s": 0.0},
        ]
    )
    assert frame["energy_mj_per_frame"].to_list()[0] == pytest.approx(50.0)
    assert frame["energy_mj_per_frame"].isna().to_list() == [False, True, True]
    assert tuple(configurations([]).columns) == CONFIGURATIONS.names


def test_rows_without_a_positive_number_are_left_out() -> None:
    frame = configurations({"latency_ms": value} for value in (1.0, 0.0, np.inf, None, -1.0))
    assert has(frame, "latency_ms")["latency_ms"].to_list() == [1.0]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("mobilenet-v1-0.75-160", ("mobilenet-v1", "0.75-160")),
        ("cnv-12.5", ("cnv", "12.5%")),
        ("my-net", ("my-net", "")),
        ("resnet-50", ("resnet-50", "")),
        ("mobilenet-v2-1.0-224", ("mobilenet-v2", "1.0-224")),
    ],
)
def test_a_networks_family_and_variant(name: str, parts: tuple[str, str]) -> None:
    assert split_variant(name) == parts


def test_what_was_measured_end_to_end_goes_before_the_estimate_and_a_part_is_no_network() -> None:
    shared = {
        "platform": "P", "library": "L", "batch_size": 2, "data_type": "fp32", "threads": None,
        "layers": 30, "total_us": 4e3, "choice": "best", "covered_layers": 30,
    }  # fmt: skip
    table = pd.DataFrame(
        [
            {**shared, "network": "mobilenet-v1-0.25-128", "measured_us": 5e3},
            {**shared, "network": "mobilenet-v1-0.5-128", "measured_us": np.nan},
            {**shared, "network": "cnv-50", "measured_us": np.nan, "choice": "conv NONE"},
            {**shared, "network": "cnv-50", "measured_us": np.nan, "covered_layers": 29},
        ]
    )
    known = Accuracy(top1_percent=41.5, source="mine")
    frame = of_estimates(table, {"mobilenet-v1-0.25-128": known})
    assert set(frame["platform"]) == {"P"} and set(frame["library"]) == {"L"}
    assert frame["kind"].to_list() == ["measured", "estimated"]
    assert frame["latency_ms"].to_list() == [5.0, 4.0]
    assert frame["frames_per_s"].to_list() == [400.0, 500.0]
    assert frame["top1_percent"].isna().to_list() == [False, True]


def test_published_networks_stand_on_the_pictures_of_ones_own() -> None:
    row = {
        **dict.fromkeys(PUBLISHED.names),
        "network": "MNv1",
        "platform": "Board",
        "data_type": "fp32",
        "latency_ms": 5.0,
        "pruning_percent": 100.0,
        "file": "a.csv",
        "line": 3,
    }
    (found,) = of_published(pd.DataFrame([row])).to_dict("records")
    assert (found["network"], found["platform"], found["library"]) == ("mobilenet-v1", "Board", "")
