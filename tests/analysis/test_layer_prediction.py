"""Networks that were not measured: their rows, sums, and which layers to measure next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from analysis.made_up_study import NETWORK, TENSORS, row, study_rows, true_time_us
from nntest.analysis.layer_prediction import predicted_layers, predicted_networks
from nntest.archives.measurements import to_frame
from nntest.config import load_study
from nntest.domain.networks import Network, mobilenet_v1
from nntest.domain.tables.predictions import PREDICTED_LAYERS
from nntest.errors import UserError
from nntest.graph.tables import tables_spec
from nntest.report.predictions import prediction_lines
from workflow.study import HOME

CHOICE = [("conv", "DEFAULT")]


def convolutions(network: Network) -> Network:
    """Its convolutions alone."""
    layers = tuple(layer for layer in network.layers if layer.species == "conv")
    return replace(network, layers=layers)


MEASURED, OTHER = convolutions(NETWORK), convolutions(mobilenet_v1(0.75, 192))
FRAME = to_frame(study_rows(choices=CHOICE))


def layers(frame: pd.DataFrame = FRAME, *predict: Network) -> pd.DataFrame:
    return predicted_layers(frame, [MEASURED], predict, "study", 42)


def test_what_was_measured_whole_is_not_predicted() -> None:
    assert layers().empty
    assert predicted_networks(FRAME, layers()).empty


def test_a_network_that_was_not_measured_is_predicted_in_all_layers() -> None:
    found = layers(FRAME, OTHER)
    assert found["layer"].tolist() == [layer.name for layer in OTHER.layers]
    assert found["position"].tolist() == [*range(1, len(OTHER.layers) + 1)]
    assert found["is_predicted"].all()
    assert set(found["fitted_on"]) == {len(TENSORS)}
    truth = [
        true_time_us(OTHER.measured_tensor(layer, "study"), "conv", "DEFAULT")
        for layer in OTHER.layers
    ]
    assert np.median(np.abs(found["time_us"] / truth - 1)) < 0.15
    (row,) = predicted_networks(FRAME, found).to_dict("records")
    assert (row["layers"], row["predicted_layers"], row["predicted_share"]) == (15, 15, 1)
    assert row["total_us"] == pytest.approx(found["time_us"].sum())
    assert row["low_us"] == pytest.approx(found["low_us"].sum())
    assert row["high_us"] == pytest.approx(found["high_us"].sum())
    assert row["total_us"] == pytest.approx(sum(truth), rel=0.1)


def test_a_layer_that_lacks_is_predicted_and_the_others_are_not() -> None:
    (missing,) = (tensor for tensor, times in MEASURED.repeats("conv").items() if times == 5)
    kept = [tensor for tensor in TENSORS if tensor != missing]
    frame = to_frame(study_rows(choices=CHOICE, tensors=kept))
    found = layers(frame)
    predicted = found[found["is_predicted"]]
    assert set(predicted["tensor"]) == {missing.name} and len(predicted) == 5
    assert len(found) == len(MEASURED.layers)
    assert found[~found["is_predicted"]]["fitted_on"].isna().all()
    (row,) = predicted_networks(frame, found).to_dict("records")
    assert (row["predicted_layers"], row["measure_next"]) == (5, missing.name)
    assert 0 < row["predicted_share"] < 1
    assert row["low_us"] < row["total_us"] < row["high_us"]


def test_a_kind_of_which_too_little_was_measured_has_no_time_and_the_sum_none() -> None:
    whole = mobilenet_v1(0.75, 192)
    found = layers(FRAME, whole)
    unknown = found[found["time_us"].isna()]
    assert set(unknown["species"]) == {"depthwiseconv", "avgpool", "softmax"}
    (row,) = predicted_networks(FRAME, found).to_dict("records")
    assert pd.isna(row["total_us"]) and pd.isna(row["low_us"])
    assert row["not_predicted"].split(", ") == unknown["layer"].tolist()
    assert row["measure_next"].split(", ")[0] == unknown["tensor"].iloc[0]


def test_libraries_are_not_predicted_from_each_other() -> None:
    slow = [{**one, "library": "slow-1", "time_us": 10 * one["time_us"]}
            for one in study_rows(choices=CHOICE)]  # fmt: skip
    frame = to_frame([*study_rows(choices=CHOICE), *slow])
    totals = predicted_networks(frame, layers(frame, OTHER)).set_index("library")["total_us"]
    assert totals["slow-1"] == pytest.approx(10 * totals["opencl-reference-1.0-1a2b3c4"], rel=1e-3)


def test_points_that_no_name_describes_are_left_out() -> None:
    odd = {**row(TENSORS[0], "conv", "DEFAULT"), "tensor": "point 0123456789abcdef"}
    frame = to_frame([*study_rows(choices=CHOICE), odd])
    assert set(layers(frame, OTHER)["fitted_on"]) == {len(TENSORS)}


def of_widths(*rows: tuple[str, float | None, float | None]) -> pd.DataFrame:
    """A network's predicted layers by tensor, time and interval's width."""
    listed = []
    for position, (tensor, time, width) in enumerate(rows, 1):
        ends = {} if width is None else {"low_us": time, "high_us": (time or 0) + width}
        listed.append(
            {**dict.fromkeys(PREDICTED_LAYERS.names), "network": "net", "platform": "P",
             "library": "L", "batch_size": 1, "data_type": "fp32", "position": position,
             "layer": f"layer {position}", "species": "conv", "tensor": tensor,
             "is_predicted": True, "time_us": time, **ends}
        )  # fmt: skip
    return pd.DataFrame(listed)


def test_next_are_unknown_layers_then_those_that_widen_the_sum_most() -> None:
    table = of_widths(("a", 5.0, 2.0), ("b", 9.0, 1.5), ("a", 5.0, 2.0), ("c", 1.0, 3.0),
                      ("d", None, None), ("e", 1.0, 0.1))  # fmt: skip
    (found,) = predicted_networks(pd.DataFrame(), table)["measure_next"]
    assert found == "d, a, c"
    without = of_widths(("a", 5.0, None), ("b", 9.0, None))
    (row,) = predicted_networks(pd.DataFrame(), without).to_dict("records")
    assert row["measure_next"] == "b, a"
    assert row["total_us"] == 14 and pd.isna(row["low_us"])


# -- report and config ---------------------------------------------------------------------


def test_the_report_says_that_it_is_a_prediction() -> None:
    assert prediction_lines(None) == []
    first, line = prediction_lines(predicted_networks(FRAME, layers(FRAME, OTHER)))
    assert first == (
        "mobilenet-v1-0.75-192 on Test board, batch 1: predicted from layers, not measured"
    )
    assert "(90 % interval " in line and "15 of 15 layers predicted; measure next " in line
    _, unknown = prediction_lines(predicted_networks(FRAME, layers(FRAME, mobilenet_v1(0.75, 192))))
    assert "too few layers were measured to predict " in unknown


def config(**changes: object) -> dict[str, object]:
    return {
        "study": "s", "networks": ["cnv-100"], "predict": ["mobilenet-v1-0.25-128"],
        "boards": ["localhost"], "libraries": ["onnxruntime"], "operators": ["conv"],
        "tuners": ["DEFAULT"], **changes,
    }  # fmt: skip


def test_what_is_predicted_is_not_measured_but_part_of_the_tables() -> None:
    study, without = (load_study(config(**changes), HOME) for changes in ({}, {"predict": []}))
    assert [network.name for network in study.predict] == ["mobilenet-v1-0.25-128"]
    assert study.sweeps() == without.sweeps()
    assert tables_spec(study) != tables_spec(without)


def test_a_network_is_measured_or_predicted_and_not_both() -> None:
    with pytest.raises(UserError, match="two files are both named cnv-100"):
        load_study(config(predict=["cnv-100"]), HOME)
    with pytest.raises(UserError, match="no-such-network"):
        load_study(config(predict=["no-such-network"]), HOME)
