"""What is recorded of the machine around each run, and that it is kept out of the run's time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

KEYS = {
    *("waited_s", "dispatches", "threads", "stolen_s"),
    *("involuntary_switches", "major_faults", "load", "cores"),
}


def write_tasks(folder: Path, **threads: str) -> None:
    """A stand-in for /proc/self/task."""
    for thread, content in threads.items():
        task = folder / thread.strip("_")
        task.mkdir(exist_ok=True)
        (task / "schedstat").write_text(f"{content}\n")


@pytest.fixture
def tasks(common: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that is read instead of /proc/self/task, with this process as thread 1."""
    monkeypatch.setattr(common.schedstat, "_TASKS", str(tmp_path))
    monkeypatch.setattr(common.schedstat.os, "getpid", lambda: 1)
    return tmp_path


def test_all_threads_are_counted_also_those_that_begin_or_end_in_between(
    common: SimpleNamespace, tasks: Path
) -> None:
    write_tasks(tasks, _1="1000 200 3", _2="5000 100 7", _3="1 1 1")
    watch = common.disturbance.Watch()
    (tasks / "3" / "schedstat").unlink()
    write_tasks(tasks, _1="9000 1200 4", _2="5000 100 7", _4="60 30 2")
    found = watch.stop()
    assert found["waited_s"] == pytest.approx(1030e-9)
    assert (found["dispatches"], found["threads"]) == (3, 3)
    assert set(found) == KEYS


@pytest.mark.parametrize("content", ["0 0 0", "", "12 13", "what is this"])
def test_a_kernel_that_does_not_count_says_nothing(
    common: SimpleNamespace, tasks: Path, content: str
) -> None:
    write_tasks(tasks, _1=content)
    found = common.disturbance.Watch().stop()
    assert (found["waited_s"], found["dispatches"], found["threads"]) == (None, None, None)
    assert found["major_faults"] >= 0


def test_the_cores_of_threads_that_ran_are_told(common: SimpleNamespace, tasks: Path) -> None:
    write_tasks(tasks, _1="1000 0 3", _2="5000 0 7", _3="1 1 1")
    for thread, core in {"1": 4, "2": 5, "3": 6}.items():
        fields = ["S", *["0"] * 35, str(core), "0", "0"]
        (tasks / thread / "stat").write_text(f"{thread} (a (b) c) {' '.join(fields)}\n")
    watch = common.disturbance.Watch()
    write_tasks(tasks, _1="9000 0 4", _2="5000 0 7", _3="60 30 2", _4="5 1 1")
    assert watch.stop()["cores"] == [4, 6]  # the second has not run, of the fourth it is not known


def test_a_kernel_without_such_files_says_nothing(common: SimpleNamespace, tasks: Path) -> None:
    (tasks / "1").mkdir()
    assert common.schedstat.read_threads() is None


def test_a_neighbour_on_the_same_core_is_seen(common: SimpleNamespace) -> None:
    if common.schedstat.read_threads() is None:
        pytest.skip("this kernel does not count")
    allowed = os.sched_getaffinity(0)
    core = {min(allowed)}
    spin = "import os; os.sched_setaffinity(0, {%d}); print(flush=True)\nwhile True: pass"
    with subprocess.Popen(
        [sys.executable, "-c", spin % min(core)], stdout=subprocess.PIPE
    ) as neighbour:
        assert neighbour.stdout
        neighbour.stdout.readline()
        os.sched_setaffinity(0, core)
        try:
            watch = common.disturbance.Watch()
            end = time.perf_counter() + 0.2
            while time.perf_counter() < end:
                pass
            found = watch.stop()
        finally:
            os.sched_setaffinity(0, allowed)
            neighbour.kill()
    assert 0.02 < found["waited_s"] < 0.25
    assert found["involuntary_switches"] > 0


def test_reading_is_no_part_of_the_time(
    common: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SlowWatch:
        def __init__(self) -> None:
            time.sleep(0.2)

        def stop(self) -> dict[str, Any]:
            time.sleep(0.2)
            return {"waited_s": 0.125, "cores": None}

    class Nothing(common.repetitions.Runnable):  # type: ignore[name-defined, misc]
        def run(self) -> None:
            pass

        def output(self) -> np.ndarray[Any, Any]:
            return np.ones((1, 1, 1, 1), np.float32)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(common.repetitions, "Watch", SlowWatch)
    settings = common.point.Settings.from_environment({"NNTEST_REPETITIONS": "2"})
    state = {"time_setup": 0.0, "tuner": {"tuning_s": 0.0}}
    right = common.reference.Comparison(True, 0.0, 0.001, "")
    common.repetitions.repeat(Nothing(), settings, lambda output: right, state)
    lines = Path("tmp-nntest-repetitions.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == 2
    for record in map(json.loads, lines):
        assert record["execution_time_kernel_1"] < 0.2
        assert record["run_time_state"]["disturbance"]["waited_s"] == 0.125
