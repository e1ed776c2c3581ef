from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest
from analysis.made_up_study import (
    CHOICES,
    NETWORK,
    TENSORS,
    failed_row,
    study_frame,
    study_rows,
    true_time_us,
)
from nntest.analysis.estimate import estimate
from nntest.analysis.points import points
from nntest.analysis.schedule import schedule, tensor_uses
from nntest.analysis.tables import summary
from nntest.archives.measurements import to_frame
from nntest.domain.networks import Layer, Network, mobilenet_v1
from nntest.domain.tensors import Tensor
from pandas.testing import assert_frame_equal


def exact(**options):
    return to_frame(study_rows(**{"between": 0.0, "within": 0.0, **options}))


def test_the_best_of_each_tensor_in_layer_order():
    made = schedule(exact(), [NETWORK], "study", 42)
    assert made["tensor"].tolist() == [tensor.name for tensor in TENSORS]
    assert made["position"].is_monotonic_increasing
    assert set(made["operator"]) == {"conv"}
    assert set(made["tuner"]) == {"DEFAULT"}
    for tensor, time_us in zip(TENSORS, made["time_us"], strict=True):
        assert time_us == pytest.approx(true_time_us(tensor, "conv", "DEFAULT"))
    assert set(made["runner_up"]) == {"conv NONE"}
    assert made["distinguishable"].all()
    assert made["share"].sum() == pytest.approx(1.0)


def test_repeats_come_from_the_layer_list():
    made = schedule(exact(), [NETWORK], "study", 42).set_index("tensor")
    busy = made.loc["512-14-14-1-512-1-0"]
    assert busy["repeats"] == 5
    assert busy["layers"].split(", ") == [f"Conv2d_{n}_pointwise" for n in range(7, 12)]
    assert busy["position"] == 1 + [layer.name for layer in NETWORK.layers].index(
        "Conv2d_7_pointwise"
    )
    assert busy["total_us"] == 5 * busy["time_us"]
    assert made["repeats"].sum() == 15


def test_each_library_stands_for_a_layer_with_its_activation_if_it_has_it():
    tensor = TENSORS[1]
    activated = replace(tensor, activation="relu6")
    rows = [
        *study_rows(tensors=[tensor], choices=[("conv", "NONE")], library="bare"),
        *study_rows(tensors=[tensor, activated], choices=[("conv", "NONE")], library="both"),
    ]
    network = Network("two", (Layer("linear", tensor, 1), Layer("last", tensor, 1, 0, "relu6")))
    linear, last = tensor_uses(points(to_frame(rows), 42), network, "study")
    assert (linear.tensor, last.tensor) == (tensor, activated)
    assert {(p.library, p.tensor) for p in linear.points} == {
        ("bare", tensor.name), ("both", tensor.name),
    }  # fmt: skip
    assert {(p.library, p.tensor) for p in last.points} == {
        ("bare", tensor.name), ("both", activated.name),
    }  # fmt: skip


def test_layers_of_the_same_name_are_counted():
    tensor = TENSORS[1]
    twice = Network("twice", (Layer("same", tensor, 1), Layer("same", tensor, 1)))
    frame = exact(tensors=[tensor])
    assert schedule(frame, [twice], "study", 42)["repeats"].tolist() == [2]
    assert estimate(frame, [twice], "study", 42)["covered_layers"].tolist() == [2] * 5


@pytest.mark.parametrize("seed", range(5))
def test_the_sum_with_repeats_is_the_estimate_to_the_last_bit(seed):
    frame = study_frame(seed=seed)
    made = schedule(frame, [NETWORK], "study", 42)
    best = estimate(frame, [NETWORK], "study", 42).query("choice == 'best'")
    assert math.fsum(made["repeats"] * made["time_us"]) == best["total_us"].item()
    assert math.fsum(made["total_us"]) == best["total_us"].item()


def test_times_and_intervals_are_those_of_the_summary():
    frame = study_frame()
    keys = ["tensor", "operator", "tuner"]
    made = schedule(frame, [NETWORK], "study", 42).set_index(keys)
    reported = summary(frame, 42).set_index(keys).loc[made.index]
    for ours, theirs in {
        "time_us": "median_us", "ci_low_us": "ci_low_us", "ci_high_us": "ci_high_us",
        "GFLOPS": "GFLOPS",
    }.items():  # fmt: skip
        assert made[ours].tolist() == reported[theirs].tolist()


def test_a_runner_up_as_fast_as_the_best_is_not_distinguished():
    choices = [("directconv", "NONE"), ("directconv", "DEFAULT")]
    frame = to_frame(study_rows(choices=choices, seed=4))
    made = schedule(frame, [NETWORK], "study", 42)
    assert (~made["distinguishable"]).sum() >= 10
    assert (made["runner_up_ratio"] >= 1).all()


def test_ties_go_by_name():
    frame = exact(choices=[("directconv", "NONE"), ("directconv", "DEFAULT")])
    assert set(schedule(frame, [NETWORK], "study", 42)["tuner"]) == {"DEFAULT"}


def test_one_choice_has_no_runner_up():
    made = schedule(exact(choices=CHOICES[:1]), [NETWORK], "study", 42)
    assert made["runner_up"].isna().all()
    assert made["distinguishable"].isna().all()


def test_too_few_repetitions_tell_nothing_apart():
    made = schedule(exact(repetitions=2), [NETWORK], "study", 42)
    assert made["distinguishable"].isna().all()
    assert made["runner_up_ratio"].notna().all()


def test_failed_points_are_passed_over():
    rows = study_rows(tensors=TENSORS[:2], choices=[("directconv", "NONE")])
    rows.append(failed_row(TENSORS[0], "conv", "DEFAULT"))
    rows.append(failed_row(TENSORS[3], "conv", "DEFAULT"))
    made = schedule(to_frame(rows), [NETWORK], "study", 42)
    assert made["tensor"].tolist() == [tensor.name for tensor in TENSORS[:2]]
    assert set(made["operator"]) == {"directconv"}


def test_platforms_libraries_and_batches_are_scheduled_apart():
    rows = study_rows(tensors=TENSORS[:1])
    for changes in ({"platform": "B"}, {"library": "l2"}, {"batch_size": 4}, {"emulated": True}):
        rows += study_rows(tensors=TENSORS[:1], **changes)
    made = schedule(to_frame(rows), [NETWORK], "study", 42)
    places = made[["platform", "library", "batch_size"]].apply(tuple, axis=1)
    assert len(made) == 5
    assert places.nunique() == 5
    assert (made["share"] == 1.0).all()


def test_data_types_are_scheduled_apart():
    rows = study_rows(tensors=TENSORS[:1])
    rows += [
        {**row, "operator": "conv-uint8", "time_us": row["time_us"] / 3}
        for row in study_rows(tensors=TENSORS[:1], choices=CHOICES[:1])
    ]
    made = schedule(to_frame(rows), [NETWORK], "study", 42).set_index("data_type")
    assert made["operator"].to_dict() == {"fp32": "conv", "uint8": "conv-uint8"}
    table = estimate(to_frame(rows), [NETWORK], "study", 42)
    assert len(table.query("data_type == 'uint8'")) == 2
    assert table.query("data_type == 'fp32'")["complete"].all()


def test_networks_that_share_tensors_share_measurements():
    wide, narrow = mobilenet_v1(1.0, 224), mobilenet_v1(0.5, 224)
    frame = exact(tensors=list(wide.repeats("conv")))
    made = schedule(frame, [wide, narrow], "study", 42)
    shared = set(wide.repeats("conv")) & set(narrow.repeats("conv"))
    assert set(made.query(f"network == '{narrow.name}'")["tensor"]) == {
        tensor.name for tensor in shared
    }


def test_exact_padding_asks_for_the_layers_own_tensor():
    first = NETWORK.layers[0].tensor
    assert first.name == "3-224-224-3-32-2-0_1_0_1"
    frame = exact(tensors=[first, TENSORS[1]])
    assert schedule(frame, [NETWORK], "exact", 42)["tensor"].tolist() == [
        first.name,
        TENSORS[1].name,
    ]
    assert schedule(frame, [NETWORK], "study", 42)["tensor"].tolist() == [TENSORS[1].name]


def test_a_tensor_counts_for_its_own_species_only():
    softmax = Tensor("softmax", (1001, 1, 1))
    rows = study_rows(tensors=[softmax], choices=[("softmax", "NONE")])
    assert schedule(to_frame(rows), [NETWORK], "study", 42)["tensor"].tolist() == ["1001-1-1"]
    for one in rows:
        one["species"] = "reshape"
    assert schedule(to_frame(rows), [NETWORK], "study", 42).empty


def test_empty_and_unrelated_measurements():
    full = schedule(study_frame(), [NETWORK], "study", 42)
    for frame in (study_frame().iloc[:0], exact(tensors=[Tensor.parse("conv", "5-9-9-1-7-1-0")])):
        empty = schedule(frame, [NETWORK], "study", 42)
        assert len(empty) == 0
        assert empty.dtypes.to_dict() == full.dtypes.to_dict()
    assert schedule(study_frame(), [], "study", 42).empty


def test_survives_parquet_and_any_order_of_rows(tmp_path):
    frame = study_frame()
    made = schedule(frame, [NETWORK], "study", 42)
    made.to_parquet(tmp_path / "schedule.parquet", index=False)
    assert_frame_equal(pd.read_parquet(tmp_path / "schedule.parquet"), made)
    mixed = frame.sample(frac=1.0, random_state=1).reset_index(drop=True)
    assert_frame_equal(schedule(mixed, [NETWORK], "study", 42), made)
