"""`precision` and `budget_s`: what a config may say, and what the plan hands to the runner."""

from __future__ import annotations

from typing import Any

import pytest
from measuring.test_threads import planned_sweeps, study
from nntest.errors import UserError
from nntest.graph.boards import sweep_spec


@pytest.mark.parametrize("changes", [{}, {"precision": "none"}, {"precision": None}])
def test_without_a_precision_plan_and_spec_say_nothing_of_it(changes: dict[str, Any]) -> None:
    made = study(**changes)
    for plan in planned_sweeps(made):
        assert "aim" not in plan
        assert not any("weight" in point for point in plan["points"])
    assert "precision" not in sweep_spec(made, made.sweeps()[0])


def test_a_layer_weighs_as_often_as_a_network_runs_it() -> None:
    layers, network = planned_sweeps(study(precision="2 %", activations="none"))
    weights = {point["tensor"]: point["weight"] for point in layers["points"]}
    assert weights["128-8-8-1-128-1-0"] == 5  # MobileNet's five equal blocks
    assert sum(weights.values()) == 15
    assert [point["weight"] for point in network["points"]] == [1]
    assert layers["aim"] == {"precision": 0.02, "point_s": 30.0, "sweep_s": None}


def test_sweeps_share_the_studys_time_by_their_points() -> None:
    made = study(precision="5%", budget_s={"study": 120, "point": None})
    plans = planned_sweeps(made)
    shares = [plan["aim"]["sweep_s"] for plan in plans]
    assert sum(shares) == pytest.approx(120)
    # A whole network counts as all of its layers.
    layers = len(made.networks[0].layers)
    assert shares[0] / shares[1] == pytest.approx(len(plans[0]["points"]) / layers)
    assert plans[0]["aim"]["point_s"] is None


def test_another_precision_or_budget_measures_further_and_renames_nothing() -> None:
    plain, sure = study(), study(precision="2 %")
    ids = [[point["id"] for plan in planned_sweeps(made) for point in plan["points"]]
           for made in (plain, sure)]  # fmt: skip
    assert ids[0] == ids[1]
    specs = [
        sweep_spec(made, made.sweeps()[0])
        for made in (plain, sure, study(precision="3 %"), study(precision="2 %", budget_s={}))
    ]
    assert specs[1] == specs[3]
    assert specs[0] != specs[1] != specs[2]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"precision": 2}, "write it with its unit"),
        ({"precision": 0.02}, "write it with its unit"),
        ({"precision": "two"}, "write it with its unit"),
        ({"precision": "0.01 %"}, "precision"),
        ({"precision": "80 %"}, "precision"),
        ({"precision": "2 %", "budget_s": {"points": 3}}, "budget_s.points"),
        ({"precision": "2 %", "budget_s": {"study": -3}}, "budget_s.study"),
        ({"precision": "2 %", "budget_s": 60}, "budget_s"),
    ],
)
def test_what_it_may_not_be(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        study(**changes)
    assert said in str(caught.value)
