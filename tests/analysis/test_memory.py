"""What models take of memory, and their weights' share."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from analysis.made_up_study import TENSORS, network_rows, study_rows
from nntest.analysis.estimate import estimate
from nntest.analysis.memory import memory
from nntest.analysis.trade_offs import of_estimates
from nntest.archives.measurements import to_frame
from nntest.domain.networks import Layer, Network
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.memory import MEMORY_RUNS
from nntest.domain.tensors import Tensor

NETWORK = Network("net-50", (Layer("a", Tensor.parse("conv", "100-8-8-1-250-1-0"), 25_250),))
CONV = {"operator": "conv", "species": "conv", "tensor": "100-8-8-1-250-1-0"}
WHOLE = {"operator": "network", "species": "network", "tensor": "net-50"}


def runs(*peaks: float, **changes: object) -> list[dict[str, object]]:
    kept = {
        **dict.fromkeys(MEMORY_RUNS.names),
        "platform": "Board", "board": "b", "library": "lib-1", "batch_size": 1,
        "tuner": "NONE", "warmup": "always", "emulated": False, "repetition_id": 0,
        "resident_before_mb": 50.0, "peak_before_mb": 50.5, "resident_after_mb": 51.0,
    }  # fmt: skip
    return [
        {**kept, **WHOLE, "process_id": n, "peak_after_mb": peak, **changes}
        for n, peak in enumerate(peaks)
    ]


def table(*rows: list[dict[str, object]]) -> pd.DataFrame:
    listed = [row for some in rows for row in some]
    return memory(pd.DataFrame(), frame_of(listed, MEMORY_RUNS), [NETWORK])


def test_the_peak_is_what_came_to_what_stood_before() -> None:
    whole, layer = table(runs(70.0, **CONV), runs(52.0, 53.0, 58.0)).to_dict("records")
    assert whole["operator"] == "network", "whole networks come first"
    assert (whole["n"], whole["peak_mb"], whole["resident_mb"]) == (3, 3.0, 1.0)
    assert whole["weights_mb"] == pytest.approx(0.101)
    assert whole["weights_share"] == pytest.approx(0.101 / 3)
    assert (layer["peak_mb"], layer["weights_mb"]) == (20.0, pytest.approx(0.1))


def test_an_earlier_peak_that_hides_the_models_gives_no_figure() -> None:
    (row,) = table(runs(90.0, peak_before_mb=90.0)).to_dict("records")
    assert math.isnan(row["peak_mb"]) and math.isnan(row["weights_share"])
    assert row["resident_mb"] == 1.0


def test_weights_are_counted_in_the_data_type_that_is_computed_in() -> None:
    (row,) = table(runs(70.0, **{**CONV, "operator": "conv-int8"})).to_dict("records")
    assert row["weights_mb"] == pytest.approx(0.025)
    (unknown,) = table(runs(70.0, tensor="another")).to_dict("records")
    assert math.isnan(unknown["weights_mb"])


def test_a_configuration_has_the_least_memory_of_its_choices() -> None:
    small = Network("small", (Layer("a", TENSORS[1], 1),))
    frame = to_frame(study_rows(tensors=TENSORS[1:2]) + network_rows(small, "SCHEDULE", 1000.0))
    where = {name: frame[name].iloc[0] for name in ("platform", "library")}
    where["tensor"] = "small"
    found = table(runs(60.0, **where), runs(55.0, **where, tuner="DEFAULT"))
    made = of_estimates(estimate(frame, [small], "study", 42), {}, memory=found)
    assert made["memory_mb"].tolist() == [5.0]
