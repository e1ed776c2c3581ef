"""Repetitions that are rows of runs: which points have them, and that nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest
from measuring.test_threads import plan_of, planned, study


def loops(points: list[dict[str, Any]]) -> set[str | None]:
    return {point["env"].get("NNTEST_LOOP_S") for point in points}


def test_every_timed_point_has_the_loop_and_another_identity() -> None:
    plain, looped = planned(study()), planned(study(loop_s=0.002))
    assert loops(plain) == {None} and loops(looped) == {"0.002"}
    assert not {point["id"] for point in plain} & {point["id"] for point in looped}


@pytest.mark.parametrize(
    "changes",
    [
        {"warmups": ["tuner-only"], "tuners": ["DEFAULT"]},
        {"profile": "kernels", "libraries": ["opencl-reference"], "end_to_end": False},
        {"profile": "energy"},
    ],
)
def test_what_is_about_single_runs_or_has_its_own_length_has_none(changes: dict[str, Any]) -> None:
    made = study(loop_s=0.002, **changes)
    (sweep,) = made.sweeps()
    points = plan_of(made, sweep)["points"]
    ordinary = {
        point["id"] for point in points if point["profile"] is None and point["warmup"] == "always"
    }
    assert ordinary < {point["id"] for point in points}
    for point in points:
        own = {"energy": "2"}.get(point["profile"])
        expected = "0.002" if point["id"] in ordinary else own
        assert point["env"].get("NNTEST_LOOP_S") == expected, point["profile"]
