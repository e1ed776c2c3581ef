from __future__ import annotations

from itertools import chain

import pandas as pd
import pytest
from analysis.made_up_study import TENSORS, network_rows, study_rows, true_time_us
from nntest.analysis.library_ranking import (
    ALIKE,
    BOUND,
    ESTIMATED,
    FASTEST,
    LOWER_BOUND,
    MEASURED,
    OTHER_LAYERS,
    SLOWER,
    UNSURE,
    layer_ranking,
    network_ranking,
)
from nntest.archives.measurements import to_frame
from nntest.domain.networks import Layer, Network
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.rooflines import ROOFLINE
from nntest.report.ranking import first_ranking

A, B = TENSORS[1], TENSORS[4]
NETWORK = Network("two", (Layer("first", A, 1), Layer("second", B, 1), Layer("third", B, 1)))
NO_ROOFS = frame_of([], ROOFLINE)


def layers(library, factors=(1.0, 1.0), tuner="NONE", tensors=(A, B), **options):
    """Rows of the layers on a library, each tensor at its true time times a factor."""
    rows = study_rows(tensors=tensors, choices=[("conv", tuner)], library=library, **options)
    by_tensor = dict(zip((A.name, B.name), factors, strict=True))
    return [{**row, "time_us": row["time_us"] * by_tensor[row["tensor"]]} for row in rows]


def truth(*factors):
    a, b = (true_time_us(tensor, "conv", "NONE") for tensor in (A, B))
    return factors[0] * a + 2 * factors[1] * b


def ranked(*rows):
    frame = network_ranking(to_frame(chain(*rows)), [NETWORK], "study", 42)
    return frame.to_dict("records")


def by_layer(*rows, roofline=NO_ROOFS):
    frame = layer_ranking(to_frame(chain(*rows)), roofline, [NETWORK], "study", 42)
    return frame.to_dict("records")


EXACT = {"between": 0.0, "within": 0.0}


class TestWholeNetworks:
    def test_networks_alone_are_ranked_before_their_layers_are_measured(self):
        whole = [
            network_rows(NETWORK, tuner, time_us, library=library)
            for library, tuner, time_us in (
                ("slow", "DEFAULT", 1500.0), ("fast", "nchw", 1200.0), ("fast", "DEFAULT", 1000.0),
            )
        ]  # fmt: skip
        first, second = ranked(*whole)
        assert (first["library"], first["choice"], first["verdict"]) == ("fast", "DEFAULT", FASTEST)
        assert (second["library"], second["verdict"]) == ("slow", SLOWER)
        assert second["over_fastest"] == pytest.approx(1.5)
        assert {row["basis"] for row in (first, second)} == {MEASURED}
        assert pd.isna(first["estimate_us"])
        frame = network_ranking(to_frame(chain(*whole)), [NETWORK], "study", 42)
        lines = first_ranking(frame)
        assert lines[0].startswith("preliminary: two on ")
        assert [line.split()[:2] for line in lines[1:]] == [["1.", "fast"], ["2.", "slow"]]
        assert first_ranking(frame[:0]) == []

    def test_measured_networks_are_ranked_by_their_own_time(self):
        # By the sum of its layers, slow-whole would be first.
        rows = ranked(
            layers("fast-whole"), network_rows(NETWORK, "NONE", 1000.0, library="fast-whole"),
            layers("slow-whole", (0.5, 0.5)),
            network_rows(NETWORK, "NONE", 1500.0, library="slow-whole"),
        )  # fmt: skip
        first, second, bound = rows
        assert [(row["rank"], row["library"], row["basis"]) for row in (first, second)] == [
            (1, "fast-whole", MEASURED), (2, "slow-whole", MEASURED),
        ]  # fmt: skip
        assert (first["verdict"], first["over_fastest"]) == (FASTEST, 1.0)
        assert second["verdict"] == SLOWER
        assert second["over_fastest"] == pytest.approx(1.5)
        assert 1 < second["over_fastest_ci_low"] <= 1.5 <= second["over_fastest_ci_high"]
        assert (first["covered_layers"], first["layers"]) == (3, 3)
        assert first["estimate_us"] == pytest.approx(truth(1, 1), rel=0.1)
        assert first["error"] == pytest.approx(first["estimate_us"] / first["time_us"] - 1)
        assert bound["basis"] == LOWER_BOUND

    def test_the_settings_that_ran_the_whole_network_fastest(self):
        rows = ranked(
            layers("a"), layers("a", tuner="DEFAULT"),
            network_rows(NETWORK, "NONE", 900.0, library="a"),
            network_rows(NETWORK, "DEFAULT", 800.0, library="a"),
            layers("b"), network_rows(NETWORK, "NONE", 850.0, library="b"),
        )  # fmt: skip
        assert [(row["library"], row["choice"]) for row in rows[:2]] == [
            ("a", "DEFAULT"), ("b", "NONE"),
        ]  # fmt: skip

    def test_a_library_without_a_whole_run_is_ranked_by_its_sum(self):
        rows = ranked(
            layers("a", (2, 2), **EXACT), layers("b", **EXACT),
            network_rows(NETWORK, "NONE", 100.0, library="b"),
        )  # fmt: skip
        assert [(row["library"], row["basis"]) for row in rows[:2]] == [
            ("b", MEASURED), ("a", ESTIMATED),
        ]  # fmt: skip
        assert rows[1]["time_us"] == pytest.approx(truth(2, 2))
        assert pd.isna(rows[1]["estimate_us"])
        assert pd.isna(rows[1]["error"])

    def test_the_bound_takes_each_layer_from_its_fastest_library(self):
        rows = ranked(layers("a", (1, 2), **EXACT), layers("b", (2, 1), **EXACT))
        assert rows[-1]["library"] == BOUND
        assert pd.isna(rows[-1]["rank"])
        assert not rows[-1]["deployable"]
        assert rows[-1]["verdict"] == ""
        assert rows[-1]["time_us"] == pytest.approx(truth(1, 1))
        assert all(row["deployable"] for row in rows[:-1])

    def test_a_tie_says_so(self):
        rows = ranked(layers("a", seed=1), layers("b", seed=2))
        assert [row["verdict"] for row in rows[:2]] == [FASTEST, ALIKE]

    def test_too_few_repetitions_for_an_interval(self):
        rows = ranked(layers("a", repetitions=2), layers("b", (3, 3), repetitions=2))
        assert [row["verdict"] for row in rows[:2]] == [FASTEST, UNSURE]
        assert rows[1]["over_fastest"] == pytest.approx(3, rel=0.2)
        assert pd.isna(rows[1]["over_fastest_ci_low"])

    def test_a_sum_that_lacks_layers_is_last_and_has_no_ratio(self):
        rows = ranked(layers("a", (3, 3)), layers("b", tensors=[A]))
        assert [(row["library"], row["verdict"]) for row in rows[:2]] == [
            ("a", FASTEST), ("b", OTHER_LAYERS),
        ]  # fmt: skip
        assert pd.isna(rows[1]["over_fastest"])
        assert (rows[1]["covered_layers"], rows[1]["layers"]) == (1, 3)

    def test_no_bound_over_part_of_a_network(self):
        rows = ranked(layers("a", tensors=[A]), layers("b", tensors=[A]))
        assert [row["rank"] for row in rows] == [1, 2]

    def test_groups_are_ranked_apart(self):
        rows = ranked(
            layers("a"), layers("b"), layers("a", platform="Other"), layers("b", batch_size=2),
        )  # fmt: skip
        assert {(row["platform"], row["batch_size"]) for row in rows} == {("Test board", 1)}

    def test_one_library_has_no_rank(self):
        assert ranked(layers("a"), network_rows(NETWORK, "NONE", 100.0, library="a")) == []


class TestLayers:
    def test_the_fastest_library_of_each_layer(self):
        rows = by_layer(
            layers("a", (1, 2), **EXACT), layers("b", (2, 1), **EXACT),
            layers("c", (3, 3), **EXACT),
        )  # fmt: skip
        assert [(row["tensor"], row["library"], row["second_library"]) for row in rows] == [
            (A.name, "a", "b"), (B.name, "b", "a"),
        ]  # fmt: skip
        assert [(row["position"], row["repeats"], row["layers"]) for row in rows] == [
            (1, 1, "first"), (2, 2, "second, third"),
        ]  # fmt: skip
        assert [row["over_fastest"] for row in rows] == pytest.approx([2, 2])
        assert {row["verdict"] for row in rows} == {SLOWER}
        assert {row["libraries"] for row in rows} == {3}

    def test_another_setting_of_the_same_library_is_no_other_library(self):
        rows = by_layer(
            layers("a", **EXACT), layers("a", tuner="DEFAULT", **EXACT),
            layers("b", (5, 5), **EXACT),
        )  # fmt: skip
        assert {(row["tuner"], row["second_library"]) for row in rows} == {("DEFAULT", "b")}

    def test_a_layer_that_only_one_library_has(self):
        rows = by_layer(layers("a", tensors=[A]), layers("b"))
        assert [(row["libraries"], row["verdict"]) for row in rows][1] == (1, "")
        assert pd.isna(rows[1]["second_library"])

    def test_ties(self):
        rows = by_layer(layers("a", seed=1), layers("b", seed=2))
        assert {row["verdict"] for row in rows} == {ALIKE}

    def test_what_the_fastest_ran(self):
        ran = {"kernel_ran": "Conv", "kernel_evidence": "reported"}
        rows = by_layer(layers("a", **ran, **EXACT), layers("b", (2, 2), **EXACT))
        assert {(row["kernel_ran"], row["kernel_evidence"]) for row in rows} == {
            ("Conv", "reported")
        }  # fmt: skip

    def test_share_of_the_first_roof(self):
        made = layers("a", **EXACT)
        key = {name: made[0].get(name) for name in ROOFLINE.names}
        roofs = [
            {**key, "tensor": A.name, "rank": rank, "share_of_roof": share, "bound": "memory"}
            for rank, share in enumerate((0.25, 0.5))
        ]
        rows = by_layer(
            made, layers("b", (2, 2), **EXACT), roofline=frame_of(roofs, ROOFLINE)
        )  # fmt: skip
        assert [row["bound"] for row in rows] == ["memory", ""]
        assert rows[0]["share_of_roof"] == 0.25
        assert pd.isna(rows[1]["share_of_roof"])

    def test_one_library_has_no_rank(self):
        assert by_layer(layers("a")) == []
