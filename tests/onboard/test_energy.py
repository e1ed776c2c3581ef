"""Energy runs against meters of known power: real samplers, real programs, simulated meters."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from device_state import DeviceState
from energy import energy_of
from fork_client import ForkServers
from measure import Measurement
from power_sampler import Unreadable, check, opened, sample

COMMON = Path(__file__).parents[2] / "scripts" / "onboard" / "programs_common"
IDLE_W, BASE_W, FULL_W = 3.0, 5.0, 20.0

# It says in a file what it takes: 5 W when it is set up, 20 W while it computes.
PROGRAM = f"""
import os, sys, time
sys.path.insert(0, {str(COMMON)!r})
import numpy as np
from point import Settings
from reference import Comparison
from repetitions import Runnable, repeat

LOAD = os.environ["LOAD"]


class Sleeps(Runnable):
    runs = 0

    def clear(self):
        self.runs = 0

    def run(self):
        if not self.runs:
            put("{FULL_W}")
        self.runs += 1
        time.sleep(0.01)

    def output(self):
        put("{BASE_W}")
        with open(LOAD + ".runs", "a") as stream:
            stream.write(str(self.runs) + "\\n")
        return np.ones((1, 1, 1, 1), np.float32)


def put(watts):
    with open(LOAD + ".new", "w") as stream:
        stream.write(watts)
    os.replace(LOAD + ".new", LOAD)


put("{BASE_W}")
right = Comparison(True, 0.0, 0.001, "")
repeat(Sleeps(), Settings.from_environment(os.environ), lambda _: right,
       {{"time_setup": 0.0, "tuner": {{"tuning_s": 0.0}}}})
put("{IDLE_W}")
"""
# Its clock began when the machine did.
METER = """
import sys, time
while True:
    print(time.monotonic(), open(sys.argv[1]).read(), flush=True)
    time.sleep(0.01)
"""


def meter(path: Path, **changes: Any) -> dict[str, Any]:
    return {"name": "bench", "kind": "command", "settle_s": 0.0,
            "argv": [sys.executable, "-c", METER, str(path)], **changes}  # fmt: skip


def measured(tmp_path: Path, meters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The journal lines of an energy run of two repetitions."""
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    load = tmp_path / "load"
    load.write_text(str(IDLE_W), encoding="utf-8")
    point = {
        "id": "a", "argv": [sys.executable, str(tmp_path / "program.py")], "server": None,
        "env": {"LOAD": str(load), "NNTEST_LOOP_S": "1", "NNTEST_REST_S": "0.5"},
        "timeout_s": 60, "protocol": "in-process", "meters": meters, "idle_s": 1.0,
    }  # fmt: skip
    return list(
        Measurement(
            point, [0, 1], 0, str(tmp_path / "run"), DeviceState({}), lambda: False, ForkServers()
        ).run()
    )


def test_a_run_of_ten_milliseconds_within_two_percent(tmp_path: Path) -> None:
    lines = measured(tmp_path, [meter(tmp_path / "load")])
    assert [line["status"] for line in lines] == ["ok", "ok"], lines
    counted = [int(line) for line in (tmp_path / "load.runs").read_text("utf-8").split()]
    for line, runs in zip(lines, counted, strict=True):
        loop = line["run_time_state"]["loop"]
        assert loop["runs"] == runs - 1 > 30  # the first is not timed
        found = line["energy"]["bench"]
        assert found["idle_w"] == pytest.approx(IDLE_W, rel=0.02)
        assert found["base_w"] == pytest.approx(BASE_W, rel=0.02)
        assert found["full_w"] == pytest.approx(FULL_W, rel=0.02)
        assert found["joules"] == pytest.approx(FULL_W * loop["seconds"] / runs, rel=0.02)


@contextmanager
def counter(folder: Path, watts: float, start_uj: float, range_uj: float) -> Iterator[None]:
    """A RAPL counter that counts until the end of the context."""
    folder.mkdir()
    (folder / "max_energy_range_uj").write_text(str(int(range_uj)))
    began, over = time.time(), threading.Event()

    def write() -> None:
        used = (time.time() - began) * watts * 1e6
        fresh = folder / "new"
        fresh.write_text(str(int((start_uj + used) % range_uj)))
        fresh.replace(folder / "energy_uj")

    def count() -> None:
        while not over.wait(0.001):
            write()

    write()
    thread = threading.Thread(target=count)
    thread.start()
    yield
    over.set()
    thread.join()


def test_two_counters_are_one_meter_and_start_again_at_zero(tmp_path: Path) -> None:
    domains = {"intel-rapl:0": 30.0, "intel-rapl:1": 10.0}
    with (
        counter(tmp_path / "intel-rapl:0", domains["intel-rapl:0"], 190e6, 200e6),
        counter(tmp_path / "intel-rapl:1", domains["intel-rapl:1"], 0, 200e6),
    ):
        asked = {"name": "processor", "kind": "rapl", "path": f"{tmp_path}/intel-rapl:[0-9]"}
        found = opened(asked)
        deadline = time.monotonic() + 1.5
        sample([found], lambda: time.monotonic() > deadline)
    seconds = sum(end - start for start, end, _ in found.pieces())
    joules = sum((end - start) * watts for start, end, watts in found.pieces())
    assert joules / seconds == pytest.approx(sum(domains.values()), rel=0.05)
    assert all(watts >= 0 for *_, watts in found.pieces())


@pytest.mark.parametrize(
    ("files", "asked"),
    [
        ({"power3_input": "7500000"}, {"kind": "hwmon", "channel": 3}),
        ({"in1_input": "5000", "curr1_input": "1500"}, {"kind": "hwmon"}),
        ({"status": "Discharging", "power_now": "7500000"}, {"kind": "battery"}),
        (
            {"status": "Discharging", "voltage_now": "5000000", "current_now": "-1500000"},
            {"kind": "battery"},
        ),
    ],
)
def test_sensors_of_the_kernel(
    tmp_path: Path, files: dict[str, str], asked: dict[str, Any]
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text + "\n", encoding="utf-8")
    found = opened({"name": "a", "path": str(tmp_path), **asked})
    deadline = time.monotonic() + 0.3
    sample([found], lambda: time.monotonic() > deadline)
    assert found.pieces()
    assert all(watts == pytest.approx(7.5) for *_, watts in found.pieces())


@pytest.mark.parametrize(
    ("files", "asked", "problem"),
    [
        ({}, {"kind": "rapl", "path": "{}/intel-rapl:0"}, "there is no .*: no RAPL here"),
        ({}, {"kind": "hwmon", "path": "{}/hwmon*"}, "there is no "),
        ({"power1_input": "many"}, {"kind": "hwmon"}, "holds 'many', not a number"),
        ({"power1_input": "nan"}, {"kind": "hwmon"}, "holds 'nan', not a number"),
        ({"status": "Full"}, {"kind": "battery"}, "not discharging but 'Full': unplug"),
        ({}, {"kind": "command", "argv": ["/nowhere/meter"]}, "No such file"),
        ({}, {"kind": "command", "argv": ["true"]}, "true has ended"),
        ({}, {"kind": "command", "argv": ["echo", "3 W"]}, "printed '3 W', not seconds and watts"),
        ({}, {"kind": "command", "argv": ["echo", "3 -1"]}, "printed '3 -1', not"),
        ({}, {"kind": "command", "argv": ["echo", "3 inf"]}, "printed '3 inf', not"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(
    tmp_path: Path, files: dict[str, str], asked: dict[str, Any], problem: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    path = asked.get("path", "{}").format(tmp_path)
    with pytest.raises(Unreadable, match=problem):
        opened({"name": "a", **asked, "path": path})


def test_a_counter_that_only_root_may_read(tmp_path: Path) -> None:
    (tmp_path / "max_energy_range_uj").write_text("1")
    (tmp_path / "energy_uj").mkdir()  # no user, root either, can read it
    said = check([{"name": "a", "kind": "rapl", "path": str(tmp_path)}])
    assert "energy_uj" in said["a"]


def test_a_meter_that_fails_skips_its_point(tmp_path: Path) -> None:
    broken = meter(tmp_path / "load", argv=["sh", "-c", "echo 1 2; sleep 1; echo off"])
    lines = measured(tmp_path, [broken])
    assert [line["status"] for line in lines] == ["skipped"]
    assert "printed 'off', not seconds and watts" in lines[0]["reason"]


def test_readings_that_do_not_cover_the_loop_give_no_figure() -> None:
    line = {
        "started_at": "2026-01-01T00:00:00.500000+00:00", "time_s": 0.1,
        "run_time_state": {
            "loop": {"runs": 20, "seconds": 2.0, "rest_s": 0.0,
                     "rested_from": "2026-01-01T00:00:00.400000+00:00"}
        },
    }  # fmt: skip
    start = 1767225600.5
    seen = [[start + 0.1 * step, start + 0.1 * (step + 1), 10.0] for step in range(20)]
    asked = [{"name": "a"}]
    whole = energy_of(line, (start - 5, start - 1), asked, {"a": seen})["a"]
    joules = pytest.approx(1.0)
    assert whole == {
        "idle_w": None, "base_w": None, "full_w": 10.0, "joules": joules, "number": 0
    }  # fmt: skip
    half = energy_of(line, (0, 0), asked, {"a": seen[:9]})["a"]
    assert half["full_w"] is None and half["joules"] is None
    slow = energy_of(line, (0, 0), [{"name": "a", "settle_s": 1.7}], {"a": seen})["a"]
    assert slow["joules"] == pytest.approx(1.0), "what is left after settling is covered"
    assert energy_of({"time_s": 0.1}, (0, 0), asked, {"a": seen})["a"]["joules"] is None
    assert json.dumps(energy_of(line, (0, 0), asked, {"a": [[start, start + 2, 1.0]]}))
