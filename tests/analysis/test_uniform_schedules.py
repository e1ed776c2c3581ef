"""Fixed choices of networks with several species, the study's figure, estimate against measured."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from analysis.made_up_study import NETWORK, TENSORS, network_rows, study_rows, true_time_us
from nntest.analysis.end_to_end import end_to_end
from nntest.analysis.estimate import estimate, layer_times
from nntest.analysis.study_figure import study_figure
from nntest.archives.measurements import to_frame
from nntest.domain.networks import Layer, Network, mobilenet_v1
from nntest.domain.tensors import Tensor

EVERY = list(dict.fromkeys(NETWORK.measured_tensor(layer, "study") for layer in NETWORK.layers))
DEPTHWISE = [tensor for tensor in EVERY if tensor.species == "depthwiseconv"]
REST = [tensor for tensor in EVERY if tensor.species in ("avgpool", "softmax")]
CONV = [(operator, tuner) for operator in ("conv", "directconv") for tuner in ("NONE", "DEFAULT")]


def species_rows(**options):
    """All species of MobileNet: two tuners for depthwise layers, none for pooling and softmax."""
    rows = study_rows(choices=CONV, **options)
    for tuner in ("NONE", "DEFAULT"):
        rows += study_rows(tensors=DEPTHWISE, choices=[("depthwiseconv", tuner)], **options)
    for tensor in REST:
        rows += study_rows(tensors=[tensor], choices=[(tensor.species, "NONE")], **options)
    return rows


def exact(**options):
    return species_rows(**{"between": 0.0, "within": 0.0, **options})


def by_choice(table):
    return {one["choice"]: one for one in table.to_dict("records")}


class TestFixedChoices:
    def test_a_fixed_choice_names_convolutions_and_runs_the_rest_as_it_can(self):
        made = by_choice(estimate(to_frame(exact()), [NETWORK], "study", 42))
        assert set(made) == {"best", *(" ".join(choice) for choice in CONV)}
        assert all(one["complete"] and one["not_covered"] == "" for one in made.values())
        assert made["conv DEFAULT"]["others"] == "depthwiseconv DEFAULT, avgpool NONE, softmax NONE"
        assert made["conv NONE"]["others"] == "depthwiseconv NONE, avgpool NONE, softmax NONE"
        expected = 0.0
        for layer in NETWORK.layers:
            tensor = NETWORK.measured_tensor(layer, "study")
            operator = "directconv" if layer.species == "conv" else layer.species
            tuner = "NONE" if layer.species in ("avgpool", "softmax") else "DEFAULT"
            expected += true_time_us(tensor, operator, tuner)
        assert made["directconv DEFAULT"]["total_us"] == pytest.approx(expected)

    def test_waited_for_once_each_layer_but_one_is_spared_its_wait(self):
        waits = {"conv": 10.0, "directconv": 30.0}
        rows = [
            {**row, "waiting_us": waits.get(row["operator"], 5.0)} for row in exact(repetitions=5)
        ]
        made = by_choice(estimate(to_frame(rows), [NETWORK], "study", 42))
        one = made["conv NONE"]
        convolutions = sum(layer.species == "conv" for layer in NETWORK.layers)
        spared = 10.0 * convolutions + 5.0 * (len(NETWORK.layers) - convolutions)
        # What is waited for at the end is the mean over the tensors that were measured.
        mean = (10.0 * len(TENSORS) + 5.0 * (len(EVERY) - len(TENSORS))) / len(EVERY)
        assert one["queued_us"] == pytest.approx(one["total_us"] - spared + mean)
        unknown = by_choice(estimate(to_frame(exact(repetitions=5)), [NETWORK], "study", 42))
        assert math.isnan(unknown["conv NONE"]["queued_us"])

    def test_an_operator_that_lacks_layers_of_its_own_species_is_incomplete(self):
        few = [t for t in TENSORS if t.kernel == 3]
        rows = exact() + study_rows(
            tensors=few, choices=[("winogradconv", "NONE")], between=0.0, within=0.0
        )
        made = by_choice(estimate(to_frame(rows), [NETWORK], "study", 42))
        assert not made["winogradconv NONE"]["complete"]
        assert "Conv2d_1_pointwise" in made["winogradconv NONE"]["missing_layers"]
        assert "Conv2d_1_depthwise" not in made["winogradconv NONE"]["missing_layers"]

    def test_two_species_with_several_operators_are_both_named(self):
        full = Tensor.parse("fullyconnected", "8-1-1-4-1-1")
        network = Network("two", (Layer("a", TENSORS[1], 1), Layer("b", full, 1)))
        rows = study_rows(tensors=[TENSORS[1]], choices=CONV[::2])
        rows += study_rows(
            tensors=[full], choices=[("fullyconnected", "NONE"), ("othergemm", "NONE")]
        )
        made = by_choice(estimate(to_frame(rows), [network], "study", 42))
        assert set(made) == {
            "best",
            *(f"{one}+{two} NONE" for one in ("conv", "directconv")
              for two in ("fullyconnected", "othergemm")),
        }  # fmt: skip

    def test_layer_times_add_up_to_every_estimate(self):
        frame = to_frame(species_rows(seed=5))
        sums = estimate(frame, [NETWORK], "study", 42).set_index("choice")
        totals = sums["total_us"] - sums["optimism_us"]
        layers = layer_times(frame, [NETWORK], "study", 42)
        for choice, rows in layers.groupby("choice"):
            assert len(rows) == len(NETWORK.layers)
            assert rows["position"].tolist() == list(range(1, len(rows) + 1))
            assert math.fsum(rows["time_us"]) == pytest.approx(totals[choice], rel=1e-12)
            assert rows["share"].sum() == pytest.approx(1.0)
            assert rows["macs_share"].sum() == pytest.approx(1.0)

    def test_layers_that_were_not_measured_have_no_time(self):
        layers = layer_times(to_frame(study_rows()), [NETWORK], "study", 42)
        timed = layers["time_us"].notna()
        assert set(layers.loc[timed, "species"]) == {"conv"}
        assert set(layers.loc[~timed, "species"]) == {"depthwiseconv", "avgpool", "softmax"}


@pytest.mark.parametrize("heavy", [TENSORS[0], TENSORS[7], DEPTHWISE[-1]])
def test_a_layer_ten_times_heavier_moves_only_its_own_part(heavy):
    rows = species_rows(seed=2)
    slow = [
        {**one, "time_us": one["time_us"] * (10 if one["tensor"] == heavy.name
                                             and one["species"] == heavy.species else 1)}
        for one in rows
    ]  # fmt: skip
    before, after = (
        layer_times(to_frame(one), [NETWORK], "study", 42).query("choice == 'conv NONE'")
        for one in (rows, slow)
    )
    ratio = after["time_us"].to_numpy() / before["time_us"].to_numpy()
    same = (before["tensor"] == heavy.name) & (before["species"] == heavy.species)
    assert ratio[same] == pytest.approx(10.0)
    assert ratio[~same] == pytest.approx(1.0)
    sums = [
        by_choice(estimate(to_frame(one), [NETWORK], "study", 42))["conv NONE"]["total_us"]
        for one in (rows, slow)
    ]
    assert sums[1] - sums[0] == pytest.approx(9 * before.loc[same, "time_us"].sum())


class TestStudyFigure:
    def test_convolutions_alone_at_the_best_of_two_operators(self):
        rows = exact()
        # Ten times as fast as anything of 2018, and none of the study's operators.
        rows += [
            {**one, "operator": "winogradconv", "time_us": one["time_us"] / 10}
            for one in study_rows(choices=[("conv", "NONE")])
        ]
        frame = to_frame(rows)
        made = study_figure(frame, [NETWORK], "study", 42).iloc[0]
        truth = sum(
            repeats * true_time_us(tensor, "conv", "DEFAULT")
            for tensor, repeats in NETWORK.repeats("conv").items()
        )
        assert made["study_us"] == pytest.approx(truth)
        assert made["study_min_us"] == pytest.approx(truth)
        assert (made["conv_layers"], made["of_conv_layers"], made["tensors"]) == (15, 15, 11)
        assert made["chosen"] == "conv DEFAULT for 15"
        best = by_choice(estimate(frame, [NETWORK], "study", 42))["best"]
        assert best["total_us"] < made["study_us"]

    def test_is_the_estimate_where_only_its_operators_were_measured(self):
        frame = to_frame(study_rows(seed=8))
        one = study_figure(frame, [NETWORK], "study", 42).iloc[0]
        best = by_choice(estimate(frame, [NETWORK], "study", 42))["best"]
        for ours, theirs in (("study_us", "total_us"), ("ci_low_us", "ci_low_us")):
            assert one[ours] == pytest.approx(best[theirs], rel=1e-12)
        assert one["study_min_us"] <= best["total_min_us"]

    def test_names_what_was_not_measured(self):
        one = study_figure(to_frame(study_rows(tensors=TENSORS[1:])), [NETWORK], "study", 42)
        assert one["conv_not_covered"].tolist() == ["Conv2d_0"]
        assert one["conv_layers"].tolist() == [14]


class TestEndToEnd:
    @staticmethod
    def nets(count):
        shapes = [(0.25, 128), (0.25, 160), (0.5, 128), (0.25, 192), (0.5, 160)]
        return [mobilenet_v1(*shape) for shape in shapes[:count]]

    @staticmethod
    def frame(nets, cost_us=0.0, factor=1.0):
        """Layers alone, and whole networks that take `factor` x their sum + a cost per layer."""
        rows, done = [], set()
        for net in nets:
            total = 0.0
            for layer in net.layers:
                tensor = net.measured_tensor(layer, "study")
                total += true_time_us(tensor, tensor.species, "NONE")
                if tensor not in done:
                    rows += study_rows(tensors=[tensor], choices=[(tensor.species, "NONE")],
                                       between=0.0, within=0.0)  # fmt: skip
                done.add(tensor)
            whole = factor * total + cost_us * len(net.layers)
            rows += network_rows(net, "SCHEDULE", whole / 1.002)
        return to_frame(rows)

    def test_the_error_is_estimate_over_measured(self):
        nets = self.nets(2)
        made = estimate(self.frame(nets, factor=1.25), nets, "study", 42)
        best = made[made["choice"] == "best"]
        assert best["error"].to_numpy() == pytest.approx(-0.2, abs=1e-9)
        assert (best["error_ci_low"] <= best["error"]).all()
        assert (best["error"] <= best["error_ci_high"]).all()
        table = end_to_end(self.frame(nets, factor=1.25), nets, "study", 42)
        assert table["within_band"].tolist() == [False, False]
        assert table["calibrated_us"].isna().all()  # one other network is too few

    def test_a_tuners_name_stands_for_a_fixed_choice_where_only_one_has_it(self):
        nets = self.nets(1)
        frame = self.frame(nets)
        rows = frame.assign(tuner=frame["tuner"].replace("SCHEDULE", "NONE"))
        made = by_choice(estimate(rows, nets, "study", 42))
        assert made["conv NONE"]["error"] == pytest.approx(0.0, abs=1e-9)

    def test_the_best_schedule_may_be_that_of_one_tuner(self):
        nets = self.nets(1)
        frame = self.frame(nets)
        rows = frame.assign(tuner=frame["tuner"].replace("SCHEDULE", "NONE"))
        best = by_choice(estimate(rows, nets, "study", 42))["best"]
        assert best["error"] == pytest.approx(0.0, abs=1e-9)
        # With another tuner for some layer it is no longer.
        faster = rows[rows["tensor"] == rows["tensor"].iloc[0]]
        faster = faster.assign(tuner="DEFAULT", time_us=faster["time_us"] / 2)
        mixed = pd.concat([rows, faster], ignore_index=True)
        best = by_choice(estimate(mixed, nets, "study", 42))["best"]
        assert pd.isna(best["measured_us"])

    def test_an_estimate_that_lacks_layers_has_no_error(self):
        rows = exact() + network_rows(NETWORK, "SCHEDULE", 1e5)
        part = [one for one in rows if one["species"] != "softmax"]
        made = by_choice(estimate(to_frame(part), [NETWORK], "study", 42))["best"]
        assert made["measured_us"] == pytest.approx(1e5 * 1.002)
        assert pd.isna(made["error"])
        assert end_to_end(to_frame(part), [NETWORK], "study", 42).empty

    @pytest.mark.parametrize(
        ("changes", "column", "term"),
        [({"cost_us": 40.0}, "layer_cost_us", 40.0), ({"factor": 0.7}, "sum_factor", 0.7)],
    )
    def test_calibration_finds_the_term_and_leaves_its_own_network_out(self, changes, column, term):
        nets = self.nets(5)
        frame = self.frame(nets, **changes)
        table = end_to_end(frame, nets, "study", 42)
        assert len(table) == 5
        assert table[column].to_numpy() == pytest.approx(term, rel=1e-6)
        assert table[["layer_cost_us", "sum_factor"]].notna().sum(axis=1).tolist() == [1] * 5
        assert table["calibrated_us"].to_numpy() == pytest.approx(table["measured_us"])
        assert set(table["calibrated_on"]) == {4}
        assert (table["calibrated_ci_low_us"] <= table["measured_us"] * (1 + 1e-9)).all()
        assert (table["measured_us"] <= table["calibrated_ci_high_us"] * (1 + 1e-9)).all()
        assert (table["calibrated_error_ci_low"] < 0).all()
        assert (table["calibrated_error_ci_high"] > 0).all()
        # A network's own measurement must not reach its own calibration.
        own = (frame["tensor"] == nets[0].name).to_numpy()
        slower = frame.assign(time_us=np.where(own, 3 * frame["time_us"], frame["time_us"]))
        again = end_to_end(slower, nets, "study", 42).set_index("network")
        before = table.set_index("network")
        name = nets[0].name
        assert again.loc[name, "calibrated_us"] == before.loc[name, "calibrated_us"]
        others = again.index != name
        assert (again[others]["calibrated_us"] != before[others]["calibrated_us"]).all()

    def test_another_librarys_networks_calibrate_nothing(self):
        nets = self.nets(4)
        frame = self.frame(nets, cost_us=40.0)
        both = pd.concat([frame, frame.assign(library="other-1")])
        mixed = both[(both["library"] != "other-1") | (both["tensor"] != nets[0].name)]
        table = end_to_end(mixed, nets, "study", 42).set_index("library")
        assert set(table.loc["other-1", "calibrated_on"].isna()) == {True}
        others = table.drop(index="other-1")
        assert set(others["calibrated_on"]) == {3}
