"""Sustained runs: a program that slows itself on a board whose clock a test lowers meanwhile."""

from __future__ import annotations

import math
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from device_state import DeviceState
from fork_client import ForkServers
from measure import Measurement
from nntest.analysis.sustained import Segment, segments
from onboard.test_energy import COMMON, meter
from sustained import windows_of

SECONDS, LOWERED_AFTER_S, WINDOW_S = 9.0, 5.0, 0.25
FAST_KHZ, SLOW_KHZ = 1_800_000, 900_000
FAST_W, SLOW_W = 12.0, 5.0

# A run takes as long as the clock of the test's file lets it.
PROGRAM = f"""
import os, sys, time
sys.path.insert(0, {str(COMMON)!r})
import numpy as np
from point import Settings
from reference import Comparison
from repetitions import Runnable, repeat

class Clocked(Runnable):
    def run(self):
        time.sleep(0.004 * {FAST_KHZ} / float(open(os.environ["CLOCK"]).read()))

    def output(self):
        return np.ones((1, 1, 1, 1), np.float32)

open(os.environ["STARTED"], "w").close()
right = Comparison(True, 0.0, 0.001, "")
repeat(Clocked(), Settings.from_environment(os.environ), lambda _: right,
       {{"time_setup": 0.0, "tuner": {{"tuning_s": 0.0}}}})
"""


def put(path: Path, value: float) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(str(value), encoding="utf-8")
    fresh.replace(path)


@pytest.fixture(scope="module", params=["with a meter", "without a meter"])
def windows(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("sustained")
    clock, load, started = folder / "scaling_cur_freq", folder / "load", folder / "started"
    put(clock, FAST_KHZ)
    put(load, FAST_W)
    (folder / "program.py").write_text(PROGRAM, encoding="utf-8")

    def lower() -> None:
        while not started.exists():
            time.sleep(0.01)
        time.sleep(LOWERED_AFTER_S)
        put(clock, SLOW_KHZ)
        put(load, SLOW_W)

    point = {
        "id": "a", "argv": [sys.executable, str(folder / "program.py")], "server": None,
        "env": {"CLOCK": str(clock), "STARTED": str(started), "NNTEST_LOOP_S": str(SECONDS),
                "NNTEST_WINDOW_S": str(WINDOW_S)},
        "timeout_s": 60, "protocol": "process", "sustained": True,
        "meters": [meter(load)] if request.param == "with a meter" else [],
    }  # fmt: skip
    state = DeviceState({"clocks": [{"path": str(clock), "khz_per_unit": 1.0}]})
    thread = threading.Thread(target=lower)
    thread.start()
    (line,) = Measurement(
        point, [0], 0, str(folder / "run"), state, lambda: False, ForkServers()
    ).run()
    thread.join()
    assert line["status"] == "ok", line
    return line["sustained"]


def largest_step(found: list[Segment]) -> tuple[Segment, Segment]:
    return max(pairwise(found), key=lambda pair: abs(math.log(pair[0].rate / pair[1].rate)))


@pytest.mark.slow("run a program on and on for seconds")
def test_a_clock_that_is_lowered_is_found_within_a_minute_of_data(windows: Any) -> None:
    rates = np.array([one["runs"] / one["seconds"] for one in windows])
    assert len(rates) >= 0.8 * SECONDS / WINDOW_S
    fast, slow = largest_step(segments(rates))  # neighbours on the machine make small ones
    changed_at = windows[slow.first]["from_s"]
    assert changed_at == pytest.approx(LOWERED_AFTER_S, abs=2 * WINDOW_S)
    assert 0.4 < slow.rate / fast.rate < 0.75  # half the clock, on a machine that may be busy
    # It is seen with the first windows after it.
    seen_with = next(
        count
        for count in range(slow.first + 1, len(rates))
        if any(one.first == slow.first for one in segments(rates[:count]))
    )
    assert windows[seen_with]["from_s"] - changed_at < 60
    assert seen_with - slow.first <= 6


@pytest.mark.slow("run a program on and on for seconds")
def test_the_clock_and_the_power_of_each_window_are_those_of_its_time(windows: Any) -> None:
    for early, khz, watts in ((True, FAST_KHZ, FAST_W), (False, SLOW_KHZ, SLOW_W)):
        some = [
            one for one in windows
            if abs(one["from_s"] - LOWERED_AFTER_S) > 0.6
            and (one["from_s"] < LOWERED_AFTER_S) == early
        ]  # fmt: skip
        read = [one["clock_mhz"] for one in some if one["clock_mhz"] is not None]
        assert len(read) >= 2 and set(read) == {khz / 1000}
        said = [one["watts"][0] for one in some if one["watts"]]
        known = [one["watts"] for one in said if one["watts"] is not None]
        assert known == pytest.approx([watts] * len(known), rel=0.02)
        assert len(known) >= len(said) / 2
    assert {one["temperature_c"] for one in windows} == {None}


def test_states_and_readings_are_of_the_window_that_they_fall_into() -> None:
    line = {
        "started_at": "2026-01-01T00:00:00.000000+00:00",
        "run_time_state": {
            "loop": {"seconds": 6.0, "windows": [[0.0, 2.0, 10], [2.0, 2.5, 9]]},
        },
    }  # fmt: skip
    start = 1767225600.0
    states = [
        (start + at, {"clock_mhz": mhz, "temperature_c": celsius})
        for at, mhz, celsius in (
            (0.5, 1000.0, 50.0), (1.5, 1200.0, None), (2.5, None, 60.0), (9.0, 1.0, 1.0)
        )
    ]  # fmt: skip
    pieces = [[start + 0.5 * n, start + 0.5 * (n + 1), float(n)] for n in range(20)]
    asked = [{"name": "rail", "settle_s": 1.0}, {"name": "gone"}]
    first, second = windows_of(line, states, asked, {"rail": pieces})
    assert (first["from_s"], first["seconds"], first["runs"]) == (0.0, 2.0, 10)
    assert (first["clock_mhz"], first["temperature_c"]) == (1100.0, 50.0)
    assert (second["clock_mhz"], second["temperature_c"]) == (None, 60.0)
    assert first["watts"][0] == {"meter": "rail", "watts": 2.5}, "settled after a second"
    assert second["watts"][0]["watts"] == pytest.approx(6.0)
    assert second["watts"][1] == {"meter": "gone", "watts": None}
    assert windows_of({"status": "timeout"}, states, asked, {}) == []
