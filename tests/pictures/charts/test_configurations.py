"""Configurations as a frame, and fronts that come and go with a limit on the latency."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nntest.analysis.pareto import Axis, pareto_front
from nntest.analysis.trade_offs import configurations, has, of_estimates, split_variant
from nntest.domain.tables.networks import CONFIGURATIONS
from nntest.pictures.charts.fronts import COSTS, leaves_the_front_at

few = st.integers(1, 4).map(float)  # few values: ties are common


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.lists(st.tuples(few, few, few, few), min_size=1, max_size=12))
    return configurations(
        {"latency_ms": latency, "frames_per_s": rate, "top1_percent": top1, "power_w": power}
        for latency, rate, top1, power in rows
    )


@given(frames(), st.sampled_from(sorted(COSTS)), st.floats(0.5, 5))
def test_within_any_limit_the_front_is_the_front_of_what_is_within_it(
    frame: pd.DataFrame, cost_name: str, limit: float
) -> None:
    cost = COSTS[cost_name]
    leaves = leaves_the_front_at(frame, cost)
    latency = frame["latency_ms"].to_numpy(float)
    stays = (latency <= limit) & (leaves > limit)
    within = frame[latency <= limit]
    axes = [Axis("top1_percent", "max"), Axis(cost.column, "max" if cost.more_is_better else "min")]
    assert list(frame.index[stays]) == list(within.index[pareto_front(within, axes).on_front])


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
    frame = of_estimates(table, {"mobilenet-v1-0.25-128": 41.5})
    assert frame["kind"].to_list() == ["measured", "estimated"]
    assert frame["latency_ms"].to_list() == [5.0, 4.0]
    assert frame["frames_per_s"].to_list() == [400.0, 500.0]
    assert frame["top1_percent"].isna().to_list() == [False, True]
