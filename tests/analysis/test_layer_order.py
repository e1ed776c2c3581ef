"""Every layer in network order, with kernel, roof and its time inside the network."""

from __future__ import annotations

import pandas as pd
import pytest
from analysis.made_up_study import NETWORK, TENSORS, row, study_rows
from analysis.published.published_data import platform
from nntest.analysis.estimate import layer_times
from nntest.analysis.layer_order import layers_in_order
from nntest.analysis.roofline.measured import roofline_points
from nntest.analysis.roofline.model import roofs_of
from nntest.analysis.tables import summary
from nntest.archives.measurements import to_frame
from nntest.domain.tables.column import names
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.networks import NETWORK_LAYERS

ROOFS = {"test": roofs_of(platform("mali-t860-rk3399"))}


def in_order(rows: list[dict], inside: list[dict] | None = None) -> pd.DataFrame:
    frame = to_frame(rows)
    points = roofline_points(frame, [NETWORK], "study", ROOFS, "weights-and-activations", 1)
    alone = layer_times(frame, [NETWORK], "study", 42)
    return layers_in_order(
        alone, summary(frame, 42), points, frame_of(inside or [], NETWORK_LAYERS)
    )


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return study_rows(tensors=TENSORS[:4], repetitions=5, kernel_ran="gemm, im2col")


def test_all_layers_are_there_in_their_order(rows: list[dict]) -> None:
    found = in_order(rows)
    assert found["layer"].to_list() == [layer.name for layer in NETWORK.layers]
    assert found["position"].to_list() == list(range(1, 31))
    assert found["time_us"].notna().sum() == 4  # as many tensors, each of one layer
    first = found.iloc[0]
    assert (first["block"], first["name"]) == ("", "Conv2d_0")
    assert (found.iloc[1]["block"], found.iloc[1]["name"]) == ("Conv2d_1", "depthwise")
    assert first["kernel_ran"] == "gemm, im2col"
    assert first["operator"] in ("conv", "directconv")


def test_the_roof_allows_a_share_of_the_time(rows: list[dict]) -> None:
    first = in_order(rows).iloc[0]
    # Under the first ceiling alone: a row for each layer, not for each ceiling.
    assert 0 < first["share_of_roof"] < 1
    assert first["roof_us"] == pytest.approx(first["time_us"] * first["share_of_roof"])
    assert first["ceiling"] and first["bound"] in ("compute", "memory", "computing")


def test_the_time_inside_is_of_the_same_place(rows: list[dict]) -> None:
    alone = in_order(rows).iloc[0]
    shared = ["network", "platform", "library", "batch_size", "data_type", "threads"]
    where = {**dict.fromkeys(names(NETWORK_LAYERS.columns)), **alone[shared].to_dict()}
    inside = [{**where, "choice": "best", "position": 1, "inside_us": 12.5}]
    inside += [{**where, "choice": "conv NONE", "position": 2, "inside_us": 99.0}]
    found = in_order(rows, inside)
    assert found["inside_us"].dropna().to_list() == [12.5]


def test_without_a_measurement_there_are_no_rows() -> None:
    found = in_order([])
    assert found.empty
    assert {"block", "name", "kernel_ran", "roof_us", "inside_us"} <= set(found.columns)


def test_a_board_without_ceilings(rows: list[dict]) -> None:
    found = in_order([{**each, "board": "other"} for each in rows])
    assert found["time_us"].notna().any()
    assert found["roof_us"].isna().all()
    assert set(found["ceiling"]) == {""}


def test_libraries_and_threads_stay_apart() -> None:
    one = row(TENSORS[0], "conv", "NONE", threads=1, time_us=200.0)
    two = row(TENSORS[0], "conv", "NONE", threads=2, time_us=100.0)
    found = in_order([one, two])
    timed = found[found["time_us"].notna()]
    assert dict(zip(timed["threads"], timed["time_us"], strict=True)) == {1: 200.0, 2: 100.0}
    assert timed["share_of_roof"].nunique() == 2


def test_sets_of_cores_stay_apart() -> None:
    big = row(TENSORS[0], "conv", "NONE", cores="big", time_us=100.0)
    little = row(TENSORS[0], "conv", "NONE", cores="little", time_us=400.0)
    found = in_order([big, little])
    timed = found[found["time_us"].notna()].set_index("cores")
    assert timed["time_us"].to_dict() == {"big": 100.0, "little": 400.0}
    roofs = timed["share_of_roof"]
    assert roofs["big"] == pytest.approx(4 * roofs["little"])
    assert timed["roof_us"].nunique() == 1
