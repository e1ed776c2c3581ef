"""The on-board runner as a process of its own, with real (small) operator programs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ONBOARD = Path(__file__).parents[2] / "scripts" / "onboard"

# Programs by the contract: a point in the environment, times in files of the working directory.
PROGRAMS = {
    "good": """
import json, os, time
first, count = int(os.environ["NNTEST_FIRST_REPETITION"]), int(os.environ["NNTEST_REPETITIONS"])
for i in range(first, first + count):
    time.sleep(float(os.environ.get("PACE", "0")))
    record = {"repetition": i, "execution_time_kernel_0": 0.5, "execution_time_kernel_1": 0.001,
              "started_at": "2026-01-01T00:00:00.000000+00:00", "tuning_s": 0.25,
              "output_check": {"ok": True, "max_abs_diff": 0.0, "threshold": 0.001}}
    with open("tmp-nntest-repetitions.jsonl", "a") as stream:
        stream.write(json.dumps(record) + "\\n")
with open(os.environ["TALLY"], "a") as stream:
    stream.write("%d+%d\\n" % (first, count))
""",
    "watched": """
import json, os
first = int(os.environ["NNTEST_FIRST_REPETITION"])
kernel = {"name": "gemm", "phase": "run", "global_size": [8, 1, 1], "local_size": None,
          "queued_ns": 1, "submitted_ns": 2, "start_ns": 3, "end_ns": 9}
record = {"repetition": first, "execution_time_kernel_0": 0.5, "execution_time_kernel_1": 0.001,
          "started_at": "2026-01-01T00:00:00.000000+00:00", "kernels": [kernel]}
with open("tmp-nntest-repetitions.jsonl", "a") as stream:
    stream.write(json.dumps(record) + "\\n")
""",
    "scattered": """
import json, os
first, count = int(os.environ["NNTEST_FIRST_REPETITION"]), int(os.environ["NNTEST_REPETITIONS"])
for i in range(first, first + count):
    # Every second process is slower.
    seconds = 0.001 * (1 + float(os.environ["SPREAD"]) * (first // count % 2))
    record = {"repetition": i, "execution_time_kernel_0": 0.5, "execution_time_kernel_1": seconds,
              "started_at": "2026-01-01T00:00:00.000000+00:00"}
    with open("tmp-nntest-repetitions.jsonl", "a") as stream:
        stream.write(json.dumps(record) + "\\n")
""",
    "timer-only": """
import json
json.dump({"execution_time_kernel_0": 0.5, "execution_time_kernel_1": 0.002,
           "run_time_state": {"time_test": 0.002}}, open("tmp-ck-timer.json", "w"))
""",
    "silent": "pass",
    "exits": "import sys; print('the cause'); sys.exit(9)",
    "segfaults": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "hangs": "import time; time.sleep(600)",
    "refuses": """
import json, sys
answer = {"status": "not-supported", "reason": "kernel 2 is even"}
json.dump(answer, open("tmp-nntest-status.json", "w"))
sys.exit(3)
""",
}


class Board:
    """A folder with a runner in it, and a plan."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tally = folder / "tally"
        self.tally.touch()

    def point(self, name: str, program: str, **changes: Any) -> dict[str, Any]:
        path = self.folder / f"{program}.py"
        path.write_text(PROGRAMS[program], encoding="utf-8")
        env = {"TALLY": str(self.tally), **changes.pop("env", {})}
        return {
            "id": name, "operator": "conv", "species": "conv", "program": "conv-test",
            "tensor": "1-4-4-1-1-1-0", "batch_size": 1, "tuner": "NONE",
            "argv": [sys.executable, str(path)], "env": env, "repetitions": 4,
            "repetitions_per_process": 2, "timeout_s": 30, "protocol": "in-process",
            "warmup": "always", "checksum": "c", **changes,
        }  # fmt: skip

    def plan(self, *points: dict[str, Any], **changes: Any) -> None:
        plan = {
            "version": 1, "plan_id": "p", "sweep": "s", "study": "t", "seed": 1,
            "lock_file": str(self.folder / "lock"), "points": list(points), "state": {}, **changes,
        }  # fmt: skip
        (self.folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")

    def call(self, command: str) -> dict[str, Any]:
        done = subprocess.run(
            [
                sys.executable,
                ONBOARD / "runner.py",
                command,
                self.folder,
                "--owner",
                '{"user": "me"}',
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def status(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.folder / "status.json").read_text("utf-8")))
        except FileNotFoundError:
            return {"state": "none"}

    def wait(self, *states: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while self.status()["state"] not in states:
            assert time.monotonic() < deadline, self.status()
            time.sleep(0.02)
        return self.status()

    def measure(self) -> list[dict[str, Any]]:
        assert self.call("start") == {"state": "started"}
        self.wait("done")
        return self.journal()

    def journal(self) -> list[dict[str, Any]]:
        lines = (self.folder / "journal.jsonl").read_text("utf-8").splitlines()
        return [json.loads(line) for line in lines][1:]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    board = Board(tmp_path)
    yield board
    if (tmp_path / "plan.json").exists() and board.call("status")["running"]:
        board.call("stop")
        board.wait("stopped", "done", "failed")


def test_every_repetition_is_measured_once(board: Board) -> None:
    board.plan(board.point("a", "good"), board.point("b", "good", repetitions=3))
    lines = board.measure()
    done = sorted((line["point"], line["repetition"]) for line in lines)
    assert done == [("a", i) for i in range(4)] + [("b", i) for i in range(3)]
    assert {line["time_s"] for line in lines} == {0.001}
    assert {line["tuning_s"] for line in lines} == {0.25}
    assert {(line["point"], line["process"]) for line in lines} == {
        ("a", 0), ("a", 1), ("b", 0), ("b", 1),
    }  # fmt: skip


def test_points_are_visited_in_rounds_in_another_order_each(board: Board) -> None:
    points = [board.point(f"p{i}", "good", repetitions_per_process=1) for i in range(6)]
    board.plan(*points)
    lines = board.measure()
    rounds = [[line["point"] for line in lines[i : i + 6]] for i in range(0, 24, 6)]
    assert all(sorted(visited) == [f"p{i}" for i in range(6)] for visited in rounds)
    assert len({tuple(visited) for visited in rounds}) > 1


def test_plans_are_measured_beside_each_other_in_one_mixed_order(
    board: Board, tmp_path_factory: pytest.TempPathFactory
) -> None:
    others = [Board(tmp_path_factory.mktemp(name)) for name in ("second", "third")]
    beside = []
    for number, other in enumerate(others):
        points = [other.point(f"{number}{i}", "good", repetitions=6) for i in range(4)]
        points.append(other.point(f"{number}bad", "segfaults"))
        other.plan(*points, plan_id=f"o{number}", sweep=f"other {number}")
        (other.folder / "plans").mkdir()
        plan = other.folder / "plans" / f"o{number}.json"
        plan.write_bytes((other.folder / "plan.json").read_bytes())
        beside.append({"folder": str(other.folder), "plan_id": f"o{number}"})
    board.plan(*(board.point(f"own{i}", "good") for i in range(4)), beside=beside)
    own = board.measure()
    assert len(own) == 4 * 4
    journals = [own, *(other.journal() for other in others)]
    for journal in journals[1:]:
        assert sum(line["status"] == "ok" for line in journal) == 4 * 6
        assert [line["status"] for line in journal if line["point"].endswith("bad")] == [
            "crashed(SIGSEGV)"
        ]
    status = board.status()
    assert (status["repetitions"], status["missing"], status["failed_points"]) == (
        4 * 4 + 2 * (4 * 6 + 4), 0, 2,
    )  # fmt: skip
    assert status["measured_here"] == 4 * 4 + 2 * 4 * 6
    before = others[0].journal()
    assert board.measure() == own
    assert others[0].journal() == before  # what another lacks waits for its own turn


def test_rounds_of_several_plans_are_shuffled_together(tmp_path: Path) -> None:
    from plan_journal import PlanJournal
    from runner import queue

    parts = []
    for name in "abc":
        (tmp_path / name).mkdir()
        points = [
            {"id": f"{name}{i}", "repetitions": 4, "repetitions_per_process": 2,
             "protocol": "in-process", **({"profile": "kernels"} if i == 3 else {})}
            for i in range(4)
        ]  # fmt: skip
        parts.append(PlanJournal(str(tmp_path / name), {"points": points}))
    entries = queue(1, parts)
    rounds = [entries[i : i + 9] for i in (0, 9)] + [entries[i : i + 3] for i in (18, 21)]
    for number, found in enumerate(rounds):
        assert sorted(point["id"] for _, point, _, _ in found) == sorted(
            f"{name}{i}" for name in "abc" for i in ([3] if number > 1 else range(3))
        )
        assert {process for _, _, process, _ in found} == {number % 2}
    names = [part.folder[-1] for part, _, _, _ in rounds[0]]
    assert names not in (sorted(names), sorted(names, reverse=True))
    assert names != [part.folder[-1] for part, _, _, _ in rounds[1]]


def test_a_program_of_cknntest_gives_a_repetition_a_process(board: Board) -> None:
    board.plan(board.point("a", "timer-only", protocol="process", repetitions=3))
    lines = board.measure()
    assert [line["repetition"] for line in lines] == [0, 1, 2]
    assert [line["process"] for line in lines] == [0, 1, 2]
    assert {line["time_s"] for line in lines} == {0.002}


def unsure(board: Board, name: str, spread: float) -> dict[str, Any]:
    """A point that is measured until it is sure."""
    return board.point(name, "scattered", env={"SPREAD": str(spread)}, most_repetitions=10_000)


def test_it_goes_on_until_points_are_sure_or_out_of_time(board: Board) -> None:
    aim = {"precision": 0.02, "point_s": 2.0, "sweep_s": None}
    board.plan(unsure(board, "steady", 0.0), unsure(board, "scattered", 0.5), aim=aim)
    lines = board.measure()
    runs = {
        name: [line for line in lines if line.get("point") == name]
        for name in ("steady", "scattered")
    }
    assert len(runs["steady"]) == 10  # five processes of two
    assert len(runs["scattered"]) > 10
    for found in runs.values():
        assert [line["repetition"] for line in found] == list(range(len(found)))
    spent = sum(line["seconds"] for line in lines if line.get("process_of") == "scattered")
    assert spent >= 2.0
    status = board.status()
    assert status["remarks"] == ["1 of 2 points within 2 %"]
    assert status["done"] == status["repetitions"] == sum(map(len, runs.values()))
    assert board.measure() == lines  # its time is spent, as the journal says


def test_with_more_time_it_goes_on_from_the_journal(board: Board) -> None:
    limits = {"precision": 0.02, "sweep_s": None}
    point = unsure(board, "a", 0.5)
    board.plan(point, aim={**limits, "point_s": 0.5})
    before = board.measure()
    board.plan(point, aim={**limits, "point_s": 1.5})
    after = board.measure()
    assert after[: len(before)] == before
    assert len(after) > len(before)


def test_without_a_precision_the_repetitions_are_all(board: Board) -> None:
    board.plan(board.point("a", "scattered", env={"SPREAD": "0.5"}))
    lines = board.measure()
    assert len(lines) == 4
    assert not any("process_of" in line for line in lines)


def test_profiled_points_come_last_and_their_kernels_are_kept(board: Board) -> None:
    one = {"protocol": "process", "repetitions": 3}
    profiled = board.point("p", "watched", profile="kernels", **one)
    board.plan(profiled, *(board.point(name, "good", **one) for name in "ab"))
    lines = board.measure()
    assert [line["point"] for line in lines[-3:]] == ["p"] * 3
    assert {line["kernels"][0]["end_ns"] for line in lines[-3:]} == {9}
    assert not any("kernels" in line for line in lines[:-3])


def test_counters_are_read_from_the_start_of_a_program_to_its_end(board: Board) -> None:
    reader = (
        "import signal, sys, time; before = time.monotonic()\n"
        "def end(*_):\n"
        "    print('ms_counted', 1000 * (time.monotonic() - before)); sys.exit()\n"
        "signal.signal(signal.SIGTERM, end); print('ready', flush=True); time.sleep(60)"
    )
    one = {"protocol": "process", "repetitions": 2, "profile": "counters"}
    counted = board.point(
        "c", "good", counter_reader=[sys.executable, "-c", reader], env={"PACE": "0.2"}, **one
    )
    board.plan(counted, board.point("d", "good", counter_reader=["/nowhere/reader"], **one))
    lines = board.measure()
    good = [line for line in lines if line["point"] == "c"]
    assert [line["status"] for line in good] == ["ok", "ok"]
    assert all(200 < line["counters"]["ms_counted"] < 30000 for line in good)
    (skipped,) = [line for line in lines if line["point"] == "d"]
    assert skipped["status"] == "skipped"
    assert "/nowhere/reader: No such file" in skipped["reason"]


@pytest.mark.parametrize(
    ("program", "status", "reason"),
    [
        ("silent", "crashed(no timer)", "wrote no time"),
        ("exits", "crashed(exit 9)", "exit status 9"),
        ("segfaults", "crashed(SIGSEGV)", "SIGSEGV"),
        ("killed", "crashed(SIGKILL)", "SIGKILL"),
        ("hangs", "timeout", "longer than 2 s"),
        ("refuses", "not-supported", "kernel 2 is even"),
    ],
)
def test_a_point_ends_with_its_reason(board: Board, program: str, status: str, reason: str) -> None:
    limit = 2 if program == "hangs" else 60
    board.plan(board.point("a", program, timeout_s=limit), board.point("b", "good"))
    lines = board.measure()
    (failure,) = [line for line in lines if line["point"] == "a"]
    assert failure["status"] == status
    assert reason in failure["reason"]
    assert "time_s" not in failure
    assert sum(line["point"] == "b" for line in lines) == 4
    assert board.status()["failed_points"] == 1


def test_the_tail_of_its_log_stays_with_a_failure(board: Board) -> None:
    board.plan(board.point("a", "exits"))
    assert board.measure()[0]["log_tail"] == "the cause\n"


def test_a_program_that_is_not_there_is_a_failed_point(board: Board) -> None:
    board.plan(board.point("a", "good", argv=["/nowhere/program"]))
    (line,) = board.measure()
    assert line["status"] == "crashed(start)"


def test_a_restart_measures_only_what_is_missing(board: Board) -> None:
    board.plan(board.point("a", "good"))
    board.measure()
    board.plan(board.point("a", "good", repetitions=6), board.point("b", "good", repetitions=2))
    board.measure()
    assert sorted(board.tally.read_text().split()) == sorted(["0+2", "2+2", "4+2", "0+2"])


def test_a_killed_runner_loses_no_finished_repetition(board: Board) -> None:
    pace = {"PACE": "0.1"}
    board.plan(board.point("a", "good", env=pace, repetitions=40, repetitions_per_process=40))
    board.call("start")
    deadline = time.monotonic() + 30
    while not (board.folder / "journal.jsonl").exists() or len(board.journal()) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(board.call("status")["owner"]["pid"], signal.SIGKILL)
    before = len(board.journal())
    assert before < 40
    while board.call("status")["running"]:
        time.sleep(0.02)
    lines = board.measure()
    assert sorted(line["repetition"] for line in lines) == list(range(40))
    assert [line["process"] for line in lines] == [0] * before + [1] * (40 - before)


def test_its_program_ends_with_the_runner(board: Board) -> None:
    board.plan(board.point("a", "hangs", timeout_s=60))
    board.call("start")
    runner = board.wait("running")["pid"]
    children = Path(f"/proc/{runner}/task/{runner}/children")
    deadline = time.monotonic() + 30
    while not children.read_text().split():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    (program,) = children.read_text().split()
    os.kill(runner, signal.SIGKILL)
    while (
        Path(f"/proc/{program}/cmdline").exists() and Path(f"/proc/{program}/cmdline").read_text()
    ):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_runner_wakes_up_a_few_times_a_second_beside_a_program(board: Board) -> None:
    board.plan(board.point("a", "hangs", timeout_s=60))
    board.call("start")
    runner = board.wait("running")["pid"]
    children = Path(f"/proc/{runner}/task/{runner}/children")
    wait_for(lambda: children.read_text().split())

    def wake_ups() -> int:
        lines = Path(f"/proc/{runner}/status").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("voluntary")))

    time.sleep(1.0)
    before, began = wake_ups(), time.monotonic()
    time.sleep(3.0)
    # One a second to look up, and some for the file that it writes then.
    assert 0 < wake_ups() - before < 8 * (time.monotonic() - began)


def test_stop_ends_it_at_once_and_keeps_what_is_measured(board: Board) -> None:
    board.plan(board.point("a", "good", env={"PACE": "0.2"}, repetitions=200))
    board.call("start")
    while board.status().get("measured_here", 0) < 1:
        time.sleep(0.02)
    board.call("stop")
    board.wait("stopped")
    measured = len(board.journal())
    assert 0 < measured < 200
    assert all(line["status"] == "ok" for line in board.journal())


def test_a_torn_last_line_is_cut_off(board: Board) -> None:
    board.plan(board.point("a", "good"))
    board.measure()
    path = board.folder / "journal.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    lines = board.measure()
    assert sorted(line["repetition"] for line in lines) == [0, 1, 2, 3]


def test_a_crash_is_tried_again_by_the_next_start_but_a_refusal_is_final(board: Board) -> None:
    board.plan(board.point("a", "exits"), board.point("b", "refuses"))
    board.measure()
    (board.folder / "exits.py").write_text(PROGRAMS["good"], encoding="utf-8")
    (board.folder / "refuses.py").write_text(PROGRAMS["good"], encoding="utf-8")
    lines = board.measure()
    assert sum(line["status"] == "ok" for line in lines if line["point"] == "a") == 4
    assert sum(line["status"] == "ok" for line in lines if line["point"] == "b") == 0


def test_a_second_runner_is_told_who_has_the_board(board: Board, tmp_path: Path) -> None:
    board.plan(board.point("a", "hangs"))
    assert board.call("start") == {"state": "started"}
    (tmp_path / "other").mkdir()
    other = Board(tmp_path / "other")
    other.plan(other.point("a", "good"), lock_file=str(board.folder / "lock"))
    answer = other.call("start")
    assert answer["state"] == "busy"
    assert answer["owner"]["user"] == "me"
    assert answer["owner"]["folder"] == str(board.folder)
    board.call("stop")
    board.wait("stopped")
    assert len(other.measure()) == 4


def test_a_full_disk_is_told_and_what_was_measured_stays(board: Board) -> None:
    # A limit on the size of files is the kernel's word for a full disk, without needing root.
    board.plan(board.point("a", "good", repetitions=400, repetitions_per_process=400))
    script = (
        "import resource, runpy, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000)); "
        f"sys.argv = ['runner.py', 'start', {str(board.folder)!r}]; "
        f"runpy.run_path({str(ONBOARD / 'runner.py')!r}, run_name='__main__')"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
    status = board.wait("failed")
    assert "File too large" in status["message"]
    kept = len(board.journal())
    assert 10 < kept < 400
    lines = board.measure()
    assert sorted(line["repetition"] for line in lines) == list(range(400))


def test_the_devices_state_is_kept_with_each_repetition(board: Board) -> None:
    zone = board.folder / "temp"
    zone.write_text("61500\n")
    clock = board.folder / "freq"
    clock.write_text("800000000\n")
    counter = board.folder / "count"
    counter.write_text("3\n")
    state = {
        "clocks": [{"path": str(clock), "khz_per_unit": 0.001}, {"path": "/nowhere"}],
        "temperatures": [{"path": str(zone), "throttles_at_c": 60}],
        "throttle_counters": [str(counter)],
    }
    board.plan(board.point("a", "good", repetitions=1), state=state)
    (line,) = board.measure()
    assert line["state_before"]["clock_mhz"] == 800.0
    assert line["state_before"]["temperature_c"] == 61.5
    assert line["throttled"] is True


def test_a_state_that_cannot_be_read_is_unknown_not_fine(board: Board) -> None:
    board.plan(board.point("a", "good", repetitions=1))
    (line,) = board.measure()
    assert line["state_before"]["clock_mhz"] is None
    assert line["throttled"] is None


def test_the_runner_parses_as_python_3_5() -> None:
    import ast

    for path in ONBOARD.glob("*.py"):
        ast.parse(path.read_text("utf-8"), str(path), feature_version=(3, 5))


class Sysfs:
    """A tree of files like the kernel's, for one cpufreq policy."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.write("scaling_governor", "ondemand")
        self.write("scaling_min_freq", "408000")
        self.write("scaling_max_freq", "1416000")

    def write(self, name: str, value: str) -> None:
        (self.folder / name).write_text(value + "\n")

    def read(self) -> list[str]:
        names = ("scaling_governor", "scaling_min_freq", "scaling_max_freq")
        return [(self.folder / name).read_text().strip() for name in names]

    def domain(self, **changes: Any) -> dict[str, Any]:
        return {
            "name": "A53", "path": str(self.folder), "governor": "performance",
            "min": 1200000, "max": None, **changes,
        }  # fmt: skip


BEFORE = ["ondemand", "408000", "1416000"]
DURING = ["performance", "1200000", "1416000"]


@pytest.fixture
def sysfs(tmp_path: Path) -> Sysfs:
    return Sysfs(tmp_path / "policy0")


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("program", ["good", "exits", "segfaults"])
def test_settings_hold_during_a_sweep_and_are_put_back(
    board: Board, sysfs: Sysfs, program: str
) -> None:
    board.plan(board.point("a", program, env={"PACE": "0.2"}), settings=[sysfs.domain()])
    board.call("start")
    if program == "good":
        wait_for(lambda: sysfs.read() == DURING)
    board.wait("done")
    wait_for(lambda: sysfs.read() == BEFORE)
    assert all(line["notes"] == [] for line in board.journal())


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_settings_are_put_back_when_the_sweep_is_ended(
    board: Board, sysfs: Sysfs, end: str
) -> None:
    board.plan(board.point("a", "hangs"), settings=[sysfs.domain()])
    board.call("start")
    wait_for(lambda: sysfs.read() == DURING)
    if end == "stop":
        board.call("stop")
    else:
        os.kill(board.wait("running")["pid"], signal.SIGKILL)
    wait_for(lambda: sysfs.read() == BEFORE)


def test_settings_left_by_a_power_cut_are_undone_by_the_next_start(
    board: Board, sysfs: Sysfs
) -> None:
    sysfs.write("scaling_governor", "performance")
    memory = [[str(sysfs.folder / "scaling_governor"), "ondemand"]]
    (board.folder / "settings-before.json").write_text(json.dumps(memory))
    board.plan(board.point("a", "good"))
    board.measure()
    wait_for(lambda: sysfs.read() == BEFORE)


def test_a_setting_that_cannot_be_made_is_told_and_marks_the_rows(
    board: Board, sysfs: Sysfs
) -> None:
    gone = {"name": "GPU", "path": str(board.folder / "nowhere"), "governor": "performance"}
    board.plan(board.point("a", "good"), settings=[sysfs.domain(), gone])
    lines = board.measure()
    assert all("GPU: no file" in line["notes"][0] for line in lines)
    assert len(lines) == 4
    assert "GPU: no file" in board.status()["notes"][0]


def test_a_sweep_waits_for_the_start_temperature(board: Board) -> None:
    zone = board.folder / "temp"
    zone.write_text("70000\n")
    cooling = {
        "zones": [{"name": "CPU", "path": str(zone), "start_below_c": 50}], "patience_s": 60,
    }  # fmt: skip
    board.plan(board.point("a", "good"), cooling=cooling)
    board.call("start")
    wait_for(lambda: "cooling down: CPU 70.0 C" in board.status().get("current", ""))
    assert board.journal() == []
    zone.write_text("40000\n")
    board.wait("done")
    assert all(line["notes"] == [] for line in board.journal())


def test_a_board_that_stays_warm_is_measured_and_marked(board: Board) -> None:
    zone = board.folder / "temp"
    zone.write_text("70000\n")
    cooling = {
        "zones": [{"name": "CPU", "path": str(zone), "start_below_c": 50}], "patience_s": 0,
    }  # fmt: skip
    board.plan(board.point("a", "good"), cooling=cooling)
    assert all(line["notes"] == ["started warm: CPU 70.0 C"] for line in board.measure())


def health(line: str, timeout_s: float = 30) -> dict[str, Any]:
    return {"argv": ["sh", "-c", line], "text": line, "timeout_s": timeout_s, "environment": {}}


def test_a_board_that_fails_its_health_check_measures_nothing(board: Board, sysfs: Sysfs) -> None:
    fit = board.folder / "fit"
    settings = [sysfs.domain()]
    board.plan(board.point("a", "good"), health=health(f"test -e {fit}"), settings=settings)
    board.call("start")
    said = board.wait("failed")["message"]
    assert said == (f"the board is left out: its health check failed: test -e {fit} ended with 1")
    assert board.journal() == []
    assert sysfs.read() == BEFORE
    fit.touch()
    assert len(board.measure()) == 4


def test_a_sweep_that_has_nothing_to_measure_asks_for_no_health(board: Board) -> None:
    board.plan(board.point("a", "good"))
    board.measure()
    board.plan(board.point("a", "good"), health=health("exit 1"))
    assert len(board.measure()) == 4


def test_ctrl_c_during_a_health_check_is_a_stop(board: Board) -> None:
    board.plan(board.point("a", "good"), health=health("sleep 600", 600))
    board.call("start")
    wait_for(lambda: board.status().get("current") == "health check")
    board.call("stop")
    board.wait("stopped")


def test_what_changed_on_the_board_is_kept_beside_the_journal(board: Board, sysfs: Sysfs) -> None:
    watch = {"governors": [str(sysfs.folder)], "library": []}
    board.plan(board.point("a", "good", env={"PACE": "0.3"}), watch=watch)
    board.call("start")
    wait_for(lambda: len(board.journal()) > 0)
    sysfs.write("scaling_governor", "powersave")
    board.wait("done")
    kept = json.loads((board.folder / "board-changes.json").read_text())
    words = [change["what"] for change in kept["changes"]]
    assert f"the governor of {sysfs.folder.name} was ondemand and is powersave" in words
