"""Accuracies from counts: intervals, parts that are missing, and the configurations' columns."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from nntest.analysis.accuracy import accuracy, measured_accuracies, wilson
from nntest.analysis.trade_offs import of_estimates
from nntest.config.accuracy import Accuracy
from nntest.domain.tables.accuracy import ACCURACY_RUNS
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.networks import ESTIMATE

PUBLISHED = Accuracy(
    top1_percent=70.9, top5_percent=89.9, source="mine", top1_percent_by_precision={"INT8": 70.1}
)


def runs(*parts: dict[str, Any]) -> pd.DataFrame:
    common = {
        "platform": "P", "library": "L", "operator": "network", "tuner": "DEFAULT", "tensor": "net",
        "species": "network", "batch_size": 1, "status": "ok", "reason": "", "emulated": False,
        "images": 50, "top1": 40, "top5": 45,
    }  # fmt: skip
    rows = [
        {**dict.fromkeys(ACCURACY_RUNS.names), **common, "repetition_id": number, **part}
        for number, part in enumerate(parts)
    ]
    return frame_of(rows, ACCURACY_RUNS)


def table(*parts: dict[str, Any]) -> pd.DataFrame:
    return accuracy(pd.DataFrame(), runs(*parts), {"net": PUBLISHED})


def test_wilsons_interval_is_that_of_the_literature() -> None:
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
    for right, images, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605),
                                     (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)):  # fmt: skip
        found = wilson(right, images)
        assert found.value == pytest.approx(100 * right / images)
        assert (found.low, found.high) == pytest.approx((100 * low, 100 * high), abs=0.005)


def test_parts_are_counted_together() -> None:
    (row,) = table({}, {"images": 20, "top1": 9, "top5": 20}).to_dict("records")
    assert (row["network"], row["library"], row["data_type"]) == ("net", "L", "fp32")
    assert (row["images"], row["note"]) == (70, "")
    assert row["top1_percent"] == pytest.approx(70)
    assert row["top5_percent"] == pytest.approx(100 * 65 / 70)
    assert row["top1_low_percent"] < 70 < row["top1_high_percent"]
    assert (row["top1_published_percent"], row["top5_published_percent"]) == (70.9, 89.9)


@pytest.mark.parametrize(
    "part",
    [
        {"status": "crashed(signal 9)", "reason": "out of memory", "top1": None},
        {"top1": None, "reason": "out of memory"},
    ],
)
def test_without_all_images_there_is_no_figure(part: dict[str, Any]) -> None:
    (row,) = table({}, part).to_dict("records")
    assert pd.isna(row["top1_percent"])
    assert (row["images"], row["note"]) == (0, "out of memory")
    assert measured_accuracies(table({}, part)) == {}


def test_no_run_is_no_row() -> None:
    assert accuracy(pd.DataFrame(), runs(), {}).empty


def test_emulated_rows_and_data_types_stay_apart() -> None:
    found = table({}, {"emulated": True}, {"operator": "network-int8"})
    assert found[["platform", "data_type"]].to_numpy().tolist() == [
        ["P", "fp32"], ["P", "int8"], ["P (emulated)", "fp32"],
    ]  # fmt: skip
    assert found["top1_published_percent"].tolist() == [70.9, 70.1, 70.9]


# -- configurations ------------------------------------------------------------------------


def estimates(*rows: dict[str, Any]) -> pd.DataFrame:
    common = {
        "network": "net", "platform": "P", "library": "L", "batch_size": 1, "data_type": "fp32",
        "choice": "best", "operator": "", "tuner": "", "total_us": 1000.0, "covered_layers": 2,
        "layers": 2,
    }  # fmt: skip
    return frame_of([{**dict.fromkeys(ESTIMATE.names), **common, **row} for row in rows], ESTIMATE)


def test_a_configuration_has_the_accuracy_that_was_measured_before_the_published_one() -> None:
    found = of_estimates(
        estimates({}, {"library": "M"}, {"library": "N", "data_type": "int8"},
                  {"library": "O", "network": "other"}),
        {"net": PUBLISHED},
        accuracy=table({}),
    ).set_index("hardware")  # fmt: skip
    assert found["top1_percent"].tolist()[:3] == [80.0, 70.9, 70.1]
    assert found["top1_published_percent"].tolist()[:3] == [70.9, 70.9, 70.1]
    assert pd.isna(found.loc["P, O", "top1_percent"])
    assert found["top1_low_percent"].notna().tolist() == [True, False, False, False]
    assert found.loc["P, L", "top1_low_percent"] < 80 < found.loc["P, L", "top1_high_percent"]


def test_of_several_settings_the_least_accurate_counts() -> None:
    found = measured_accuracies(table({}, {"tuner": "fast", "top1": 30}))
    assert found[("net", "P", "L", "fp32")]["top1_percent"] == 60
