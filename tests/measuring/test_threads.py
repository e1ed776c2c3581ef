"""Threads of a study: in every point, its id and its environment, and nowhere where unasked for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nntest.analysis.network_schedule import schedule_network
from nntest.config import Study, load_study
from nntest.config.study import Sweep
from nntest.domain.network_points import left_out_lines, load_chosen, save_chosen
from nntest.errors import UserError
from nntest.graph.boards import network_schedule_spec, sweep_spec
from nntest.measuring.installed import Installed
from nntest.measuring.pending import pending_repetitions
from nntest.measuring.plan import build_plan

HOME = Path(__file__).parents[2]
FACTS: dict[str, Any] = {
    "machine": "x86_64", "platform": "Board", "model": "Board", "vendor": "", "cpus": [],
    "distribution": "", "kernel": "", "cpufreq_policies": [], "devfreq_devices": [],
    "thermal_zones": [], "throttle_counters": [],
}  # fmt: skip


def study(**changes: Any) -> Study:
    config = {
        "study": "s", "networks": ["mobilenet-v1-0.25-128"], "boards": ["localhost"],
        "libraries": ["onnxruntime"], "operators": ["conv"], "tuners": ["DEFAULT"],
        "end_to_end": True, "repetitions": 4, **changes,
    }  # fmt: skip
    return load_study(config, HOME)


def planned_sweeps(made: Study) -> list[dict[str, Any]]:
    """The plans of the layers' sweep and of the whole networks' one."""
    (sweep,), (networks,), (library,) = made.sweeps(), made.network_sweeps(), made.libraries
    points, left_out = schedule_network(made, library, {})
    assert not left_out
    return [plan_of(made, one) for one in (sweep, replace(networks, points=tuple(points)))]


def plan_of(made: Study, sweep: Sweep) -> dict[str, Any]:
    """The plan of a sweep on a board without clocks."""
    library = sweep.library
    installed = Installed(library.name, library.version, "tag", "ab" * 32, {})
    return build_plan(made, sweep, installed, FACTS, programs="/p/x", folder="/f", planned_at="")


def planned(made: Study) -> list[dict[str, Any]]:
    """The plans' points, of layers and of whole networks."""
    return [point for plan in planned_sweeps(made) for point in plan["points"]]


def test_every_point_is_measured_with_every_number_of_threads() -> None:
    plain, threaded = planned(study()), planned(study(threads=[1, 2]))
    assert not any("NNTEST_THREADS" in point["env"] for point in plain)
    assert len(threaded) == 2 * len(plain)
    for count in ("1", "2"):
        own = [point for point in threaded if point["env"]["NNTEST_THREADS"] == count]
        # All the rest is as it is without threads; whole networks among them.
        assert [(point["species"], point["tensor"]) for point in own] == [
            (point["species"], point["tensor"]) for point in plain
        ]
    ids = [point["id"] for point in (*plain, *threaded)]
    assert len(set(ids)) == len(ids)


def test_without_threads_nothing_is_measured_anew() -> None:
    plain, threaded = study(), study(threads=[2])
    (sweep,), (other,) = plain.sweeps(), threaded.sweeps()
    assert "THREADS" not in json.dumps(sweep_spec(plain, sweep))
    assert sweep_spec(plain, sweep) != sweep_spec(threaded, other)
    assert "threads" not in network_schedule_spec(plain, "onnxruntime")
    assert network_schedule_spec(threaded, "onnxruntime")["threads"] == [2]


def test_chosen_networks_keep_their_threads(tmp_path: Path) -> None:
    made = study(threads=[1, 2])
    points, _ = schedule_network(made, made.libraries[0], {})
    left = {"network": "n", "batch_size": 1, "choice": "NONE", "reason": "none", "threads": 2}
    save_chosen(tmp_path / "c.json", points, [left], board="b", library="l")
    assert load_chosen(tmp_path / "c.json") == tuple(points)
    assert [point.threads for point in points] == [1, 2]
    assert left_out_lines(tmp_path / "c.json") == [
        "n, batch 1, NONE, 2 threads: not measured end to end on b with l: none."
    ]


def test_pending_counts_networks_that_are_not_chosen_yet(tmp_path: Path) -> None:
    for threads, numbers in (([], 1), ([1, 2, 4], 3)):
        made = study(threads=threads)
        (sweep,) = made.network_sweeps()
        assert pending_repetitions(made, sweep, tmp_path) == 4 * numbers


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"libraries": ["onnxruntime", "armcl-opencl"]}, "threads: armcl-opencl cannot"),
        ({"threads": [0]}, "`threads[0]`: Input should be greater than or equal to 1"),
        ({"threads": [2, 2]}, "`threads`: listed twice: 2"),
        ({"threads": 2}, "`threads`: Input should be a valid list"),
    ],
)
def test_a_mistake(change: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match="config: ") as caught:
        study(**{"threads": [1, 2], **change})
    assert told in str(caught.value)
