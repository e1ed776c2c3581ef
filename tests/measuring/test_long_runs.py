"""Streams and sustained runs of a study: points of their own, and nothing where unasked for."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from measuring.test_threads import FACTS, study
from nntest.analysis.network_schedule import schedule_network
from nntest.config import Study
from nntest.config.further_runs import with_further_runs
from nntest.errors import UserError
from nntest.graph.boards import sweep_spec
from nntest.measuring import meters
from nntest.measuring.installed import Installed
from nntest.measuring.plan import build_plan

LONG: dict[str, Any] = {"streams": [1, 4], "sustained": "2 min"}


def planned(made: Study) -> list[dict[str, Any]]:
    """The plan's points of whole networks."""
    (networks,), (library,) = made.network_sweeps(), made.libraries
    points, _ = schedule_network(made, library, {})
    sweep = replace(networks, points=with_further_runs(made, library, tuple(points)))
    installed = Installed(library.name, library.version, "tag", "ab" * 32, {})
    plan = build_plan(made, sweep, installed, FACTS, programs="/p/x", folder="/f", planned_at="")
    return list(plan["points"])


def test_each_number_of_streams_is_a_point_and_the_plain_one_stays() -> None:
    (plain,), (first, one, four, sustained) = planned(study()), planned(study(**LONG))
    assert first == plain, "its id, too"
    assert [point["profile"] for point in (one, four, sustained)] == ["streams"] * 2 + ["sustained"]
    assert [point["env"]["NNTEST_STREAMS"] for point in (one, four)] == ["1", "4"]
    assert "NNTEST_STREAMS" not in sustained["env"] | plain["env"]
    assert len({point["id"] for point in (plain, one, four, sustained)}) == 4
    assert {point["protocol"] for point in (one, four, sustained)} == {"process"}
    assert (one["repetitions"], sustained["repetitions"]) == (3, 1)


def test_a_long_run_has_its_time_beside_the_librarys() -> None:
    plain, one, _, sustained = planned(study(**LONG, stream_runs={"seconds": 7}))
    assert one["timeout_s"] == plain["timeout_s"] + 7
    assert sustained["timeout_s"] == plain["timeout_s"] + 120
    assert (one["env"]["NNTEST_REQUESTS_S"], one["env"]["NNTEST_REQUESTS"]) == ("7", "1")


@pytest.mark.parametrize(
    ("duration", "window_s"), [("10 s", "1"), ("9 min", "3"), ("30 min", "10"), ("5 h", "10")]
)
def test_windows_are_short_enough_to_see_a_change_within_a_minute(
    duration: str, window_s: str
) -> None:
    _, sustained = planned(study(sustained=duration))
    assert sustained["env"]["NNTEST_WINDOW_S"] == window_s
    assert sustained["sustained"] is True and "meters" in sustained


def test_how_long_they_run_is_part_of_what_they_are() -> None:
    ids = [
        {point["id"] for point in planned(study(**{**LONG, **changes}))}
        for changes in ({}, {"sustained": "3 min"}, {"stream_runs": {"requests": 5}})
    ]
    assert [len(ids[0] & other) for other in ids] == [4, 3, 2]


def test_several_warm_up_policies_have_one_long_run() -> None:
    made = study(**LONG)
    (point, *_), _ = schedule_network(made, made.libraries[0], {})
    both = (point, replace(point, warmup="tuner-only"))
    further = with_further_runs(made, made.libraries[0], both)[2:]
    assert [point.profile for point in further] == ["streams", "streams", "sustained"]


@pytest.mark.parametrize(
    ("profile", "lost", "kept"),
    [
        ("none", "no power of sustained runs", [None, "streams", "streams", "sustained"]),
        (
            "energy",
            "no energy runs and no power of sustained runs",
            [None, "streams", "streams", "sustained"],
        ),
    ],
)
def test_without_a_meter_a_sustained_run_has_no_power(
    monkeypatch: pytest.MonkeyPatch, profile: str, lost: str, kept: list[str | None]
) -> None:
    monkeypatch.setattr(meters, "call", lambda *_: {"processor": "there is no RAPL here"})
    made = study(**LONG, profile=profile)
    (networks,), (library,) = made.network_sweeps(), made.libraries
    points, _ = schedule_network(made, library, {})
    sweep = replace(networks, points=with_further_runs(made, library, tuple(points)))
    notes: list[str] = []
    found = meters.with_readable_meters(
        cast(Any, None), sweep, cast(Any, SimpleNamespace(note=notes.append))
    )
    assert found.board.meters == []
    assert [point.profile for point in found.points] == kept
    assert notes == [f"{lost} on board localhost: processor: there is no RAPL here"]


def test_only_sweeps_of_whole_networks_depend_on_them() -> None:
    def specs(made: Study) -> list[Any]:
        return [sweep_spec(made, sweep) for sweep in (*made.sweeps(), *made.network_sweeps())]

    plain, long = specs(study()), specs(study(**LONG))
    assert plain[0] == long[0] and plain[1] != long[1]
    assert specs(study(stream_runs={"seconds": 3})) == plain


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"streams": [2], "end_to_end": False}, "config: streams: whole networks run so"),
        ({"sustained": "9 s", "end_to_end": False}, "config: sustained: whole networks run so"),
        (
            {"streams": [2], "libraries": ["opencl-reference"], "operators": ["conv"],
             "tuners": ["NONE"]},
            "config: streams: none of the libraries opencl-reference can run so",
        ),
        ({"streams": [2, 2]}, "`streams`: listed twice: 2"),
        ({"streams": [0]}, "`streams[0]`"),
        ({"sustained": "30"}, "write it with its unit, as in `sustained: 30 min`"),
        ({"sustained": "half an hour"}, "write it with its unit"),
        ({"sustained": "1 s"}, "`sustained`"),
        ({"stream_runs": {"second": 1}}, "did you mean `seconds`?"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        study(**changes)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90 s", 90), ("30 min", 1800), ("1.5 h", 5400), ("none", None), (120.0, 120)],
)  # a bare number: as the config that a report writes has it
def test_durations(text: object, seconds: float | None) -> None:
    assert study(sustained=text).config.sustained == seconds
