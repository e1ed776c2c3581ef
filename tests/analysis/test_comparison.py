"""Comparison of two sides: what it finds, what it does not, and how often it is wrong."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from analysis.made_up_study import CHOICES, NETWORK, TENSORS, failed_row, network_rows, study_rows
from nntest.analysis.comparison import (
    ALPHA,
    comparison,
    family,
    p_value,
    units_needed,
)
from nntest.analysis.comparison_text import refuse_regressions
from nntest.archives.measurements import to_frame
from nntest.config.comparison import ComparisonBaseline, ComparisonConfig
from nntest.errors import UserError

RUN = ComparisonConfig(baseline=ComparisonBaseline(run="old.zip"))


def made(frame, compare=RUN, run=None):
    return comparison(frame, compare, run, [NETWORK], "study", 42)


def side(seed, slow=(), factor=1.0, **options):
    """A run of twenty repetitions, ten processes; tensors in `slow` take `factor` as long."""
    options = {"repetitions": 20, "archive": f"{seed}.zip", "entry": f"{seed:016x}", **options}
    return to_frame(
        [
            {**row, "time_us": row["time_us"] * (factor if row["tensor"] in slow else 1.0)}
            for row in study_rows(seed=seed, **options)
        ]
    )


class TestWhatItFinds:
    def test_one_slower_tensor_among_all(self):
        slow = TENSORS[7].name
        table = made(side(1, [slow], 1.3), run=side(2))
        assert len(table) == len(TENSORS) * len(CHOICES)
        found = table[table["verdict"] == "slower"]
        assert set(found["tensor"]) == {slow}
        assert len(found) == len(CHOICES)
        assert found["regression"].all()
        assert not table.drop(found.index)["regression"].any()
        assert ((found["ci_low"] < 1.3) & (found["ci_high"] > 1.3)).mean() >= 0.75
        assert found["ratio"].to_numpy() == pytest.approx(1.3, rel=0.1)
        assert found["layers"].iloc[0].split(", ")[0] == "Conv2d_7_pointwise"
        assert table["verdict"].tolist()[: len(found)] == ["slower"] * len(found)

    def test_the_same_backwards_is_faster_and_no_regression(self):
        slow = TENSORS[7].name
        table = made(side(2), run=side(1, [slow], 1.3))
        found = table[table["verdict"] == "faster"]
        assert set(found["tensor"]) == {slow}
        assert not table["regression"].any()

    def test_a_whole_network_is_compared_like_a_layer(self):
        rows = [network_rows(NETWORK, "SCHEDULE", time, archive=name) for time, name in
                ((1e5, "a"), (1.5e5, "b"))]  # fmt: skip
        table = made(to_frame(rows[1]), run=to_frame(rows[0]))
        assert table["verdict"].tolist() == ["slower"]

    def test_a_point_that_fails_now_is_a_regression(self):
        new = to_frame([failed_row(TENSORS[0], "conv", "NONE", status="wrong-output")])
        table = made(new, run=side(2, tensors=TENSORS[:1], choices=CHOICES[:2]))
        verdicts = dict(zip(table["tuner"], table["verdict"], strict=True))
        assert verdicts == {"NONE": "failed", "DEFAULT": "not measured"}
        assert table["regression"].tolist() == [True, False]
        assert "wrong-output" in table["note"].iloc[0]

    def test_a_new_point_is_none(self):
        table = made(side(1, tensors=TENSORS[:2]), run=side(2, tensors=TENSORS[:1]))
        new = table[table["tensor"] == TENSORS[1].name]
        assert set(new["verdict"]) == {"not in the baseline"}
        assert not new["regression"].any()


class TestErrorRate:
    RUNS = 40

    NOISE = {  # noqa: RUF012
        "between": 0.05, "within": 0.01, "per_process": 4, "repetitions": 24,
        "tensors": TENSORS[:2], "choices": CHOICES[:1],
    }  # fmt: skip

    def alarms(self, effect, drift=0.0, process_of="process_id"):
        """How many of `RUNS` comparisons of one made-up code with itself find any difference."""
        wrong = 0
        compare = ComparisonConfig(baseline=ComparisonBaseline(run="x"), min_effect_percent=effect)
        random = np.random.default_rng(0)
        for seed in range(self.RUNS):
            old, new = (side(2 * seed + one, **self.NOISE) for one in (0, 1))
            new["time_us"] *= math.exp(drift * random.choice([-1, 1]))
            for part in (old, new):
                part["process_id"] = part[process_of]
            wrong += made(new, compare, old)["verdict"].isin(["slower", "faster"]).any()
        return wrong

    @pytest.mark.slow("count over many made-up studies")
    def test_of_identical_code_whose_processes_differ_more_than_repetitions(self):
        # 5 % of 40 are 2; more than 5 have a probability below 1.4 %.
        assert self.alarms(effect=0) <= 5

    @pytest.mark.slow("count over many made-up studies")
    def test_of_identical_code_on_a_machine_that_drifts(self):
        assert self.alarms(effect=5, drift=math.log(1.05)) <= 5
        # What the smallest effect is for: without, the drift is called a difference.
        assert self.alarms(effect=0, drift=math.log(1.1)) > 10

    @pytest.mark.slow("count over many made-up studies")
    def test_a_test_on_repetitions_would_not_hold_it(self):
        """What the process level is for: every repetition taken for a process."""
        assert self.alarms(effect=0, process_of="repetition_id") > 10

    def test_many_runs_a_side_are_the_unit(self):
        # Every run has a shift of its own: processes of one run are no evidence about code.
        def nights(first):
            parts = []
            for night in range(first, first + 5):
                part = side(night, tensors=TENSORS[:3], repetitions=6)
                part["time_us"] *= math.exp(np.random.default_rng(night).normal(0, 0.15))
                parts.append(part)
            return pd.concat(parts, ignore_index=True)

        table = made(nights(0), run=nights(5))
        assert set(table["unit"]) == {"run"}
        assert set(table["baseline_n"]) == {5}
        assert set(table["verdict"]) == {"no difference"}


class TestTheTest:
    def test_p_values(self):
        low, high = np.arange(1.0, 6.0), np.arange(11.0, 16.0)
        assert p_value(low, high) == pytest.approx(2 / math.comb(10, 5))
        assert p_value(high, low) == pytest.approx(2 / math.comb(10, 5))
        assert p_value(low, low) > 0.5
        # Three times as long is no difference where a factor of 15 is not one.
        assert p_value(low, 3.1 * low, 15.0) == 1.0
        assert p_value(np.ones(9), np.ones(9)) == 1.0

    def test_units_needed(self):
        # With 5 a side the smallest p-value is 0.0079: one point can be reported, forty cannot.
        assert units_needed(1) == 4
        assert units_needed(44) == 7
        assert 2 / math.comb(14, 7) * 44 < ALPHA

    def test_too_few_processes_have_no_verdict(self):
        table = made(side(1, repetitions=6), run=side(2, repetitions=6))
        assert set(table["verdict"]) == {"too few repetitions"}
        assert table["p_value"].isna().all()
        assert table["ratio"].notna().all()


class TestSides:
    def compare(self, **baseline):
        return ComparisonConfig(baseline=ComparisonBaseline(**baseline))

    def test_no_comparison_asked_for(self):
        frame = side(1, tensors=TENSORS[:1])
        table = comparison(frame, None, None, [NETWORK], "study", 42)
        assert table.empty
        assert table.dtypes.to_dict() == made(frame, run=frame).dtypes.to_dict()

    def test_every_other_library_with_the_baseline(self):
        parts = [side(n, tensors=TENSORS[:2], library=f"armcl-{v}")
                 for n, v in enumerate(("17.12", "18.03", "18.05"))]  # fmt: skip
        table = made(pd.concat(parts, ignore_index=True), self.compare(library="*17.12"))
        assert set(table["baseline"]) == {"armcl-17.12"}
        assert table["other"].value_counts().to_dict() == {"armcl-18.03": 8, "armcl-18.05": 8}
        assert table["p_adjusted"].notna().all()

    def test_half_precision_stands_for_single_in_another_library(self):
        half = side(1, tensors=TENSORS[:2], library="armcl-fp16")
        half["operator"] += "-fp16"
        frame = pd.concat([half, side(2, tensors=TENSORS[:2], library="armcl")], ignore_index=True)
        table = made(frame, self.compare(library="armcl"))
        assert table["ratio"].notna().all()
        assert set(table["operator"]) == {"conv-fp16", "directconv-fp16"}

    def test_boards_and_archives(self):
        frame = pd.concat(
            [
                side(1, platform="A", tensors=TENSORS[:1]),
                side(2, platform="B", archive="b.zip", tensors=TENSORS[:1]),
            ],
            ignore_index=True,
        )
        for baseline in ({"platform": "A"}, {"archive": "1.zip"}):
            table = made(frame, self.compare(**baseline))
            assert table["ratio"].notna().all()

    def test_an_edited_library_of_the_same_version_is_the_same_library(self):
        old = side(1, tensors=TENSORS[:1], library="opencl-reference-1.0-aaaaaaa")
        new = side(2, tensors=TENSORS[:1], library="opencl-reference-1.0-bbbbbbb")
        table = made(new, run=old)
        assert table["ratio"].notna().all()
        assert "aaaaaaa / opencl-reference-1.0-bbbbbbb" in table["note"].iloc[0]
        assert family("arm-compute-library-opencl-18.05") == "arm-compute-library-opencl-18.05"

    def test_another_kernel_is_noted(self):
        one = {"tensors": TENSORS[:1], "kernel_evidence": "reported"}
        old = side(2, kernel_ran="Conv", **one)
        changed = made(side(1, kernel_ran="Conv (NCHWc)", **one), run=old)
        assert set(changed["note"]) == {"kernel changed: Conv / Conv (NCHWc)"}
        assert set(made(side(1, kernel_ran="Conv", **one), run=old)["note"]) == {""}
        another = made(side(1, kernel_ran="x", program="conv-other", **one), run=old)
        assert set(another["note"]) == {""}
        assert set(made(side(1, tensors=TENSORS[:1]), run=old)["note"]) == {""}

    def test_runs_in_a_row_against_single_ones_are_noted(self):
        single, row = (side(2, tensors=TENSORS[:1], runs=runs) for runs in (1, 40))
        assert set(made(row, run=single)["note"]) == {"single runs / runs in a row"}
        assert set(made(single, run=row)["note"]) == {"runs in a row / single runs"}
        assert set(made(row, run=row)["note"]) == {""}

    @pytest.mark.parametrize(
        ("baseline", "said"),
        [({"library": "armcl*"}, "matches 'armcl*'"), ({"platform": "*"}, "nothing to compare")],
    )
    def test_a_baseline_that_is_none_or_all(self, baseline, said):
        with pytest.raises(UserError) as error:
            made(side(1), self.compare(**baseline))
        assert said in str(error.value)
        assert "there are: " in str(error.value)

    def test_one_key_names_the_baseline(self):
        with pytest.raises(ValueError, match="name one of"):
            ComparisonBaseline()
        with pytest.raises(ValueError, match="name one of"):
            ComparisonBaseline(run="a", library="b")


def test_regressions_are_listed_by_name_and_limit():
    compare = ComparisonConfig(baseline=ComparisonBaseline(run="old.zip"), fail_on_regression=50)
    slow = TENSORS[7].name
    few = {"tensors": TENSORS[6:8]}
    mild = made(side(1, [slow], 1.3, **few), compare, side(2, **few))
    assert (mild["verdict"] == "slower").any()
    refuse_regressions(mild, 50, "")
    bad = made(side(1, [slow], 2.0, **few), compare, side(2, **few))
    with pytest.raises(UserError) as error:
        refuse_regressions(bad, 50, "look")
    assert "4 of 8 points are more than 50 % slower than run old.zip" in str(error.value)
    assert slow in str(error.value)
