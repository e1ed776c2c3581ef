"""Measurements that a process forks which has imported everything: as good as started ones."""

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
from device_state import DeviceState
from fork_client import ForkedProcess, ForkServers
from measure import Measurement
from processes import end_group, ended_within

COMMON = Path(__file__).parents[2] / "scripts" / "onboard" / "programs_common"

SERVER = f"""
import json, os, signal, sys, threading, time
sys.path.insert(0, {str(COMMON)!r})
from fork_server import serve

if os.environ.get("DIES"):
    os.kill(os.getpid(), signal.SIGSEGV)
if os.environ.get("HAS_THREADS"):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()


def run():
    what = os.environ.get("NNTEST_DOES", "tell")
    print("doing", what, sys.argv[1:])
    if what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "hang":
        os.system("sleep 60")
    if what == "raise":
        raise ValueError("odd")
    if what == "exit":
        sys.exit(7)
    record = {{"repetition": int(os.environ["NNTEST_FIRST_REPETITION"]),
               "execution_time_kernel_0": 0.5, "execution_time_kernel_1": 0.001,
               "started_at": "2026-01-01T00:00:00.000000+00:00",
               "run_time_state": {{"parent": os.getppid(), "session": os.getsid(0),
                                   "pid": os.getpid(),
                                   "affinity": sorted(os.sched_getaffinity(0)),
                                   "variables": dict(os.environ)}}}}
    with open("tmp-nntest-repetitions.jsonl", "a") as stream:
        stream.write(json.dumps(record) + "\\n")
    return 0


if sys.argv[1:2] == ["--serve"]:
    sys.exit(serve(int(sys.argv[2]), run))
sys.exit(run())
"""


@pytest.fixture
def servers() -> Iterator[ForkServers]:
    found = ForkServers()
    yield found
    found.close()


@pytest.fixture
def program(tmp_path: Path) -> str:
    path = tmp_path / "program.py"
    path.write_text(SERVER, encoding="utf-8")
    return str(path)


def point(program: str, name: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": name, "argv": [sys.executable, program, "library", "conv"],
        "server": [sys.executable, program, "--serve"], "env": {"NNTEST_A": name},
        "timeout_s": 30, "protocol": "in-process", **changes,
    }  # fmt: skip


def measured(servers: ForkServers, one: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    folder = str(tmp_path / "run")
    (line,) = Measurement(one, [0], 0, folder, DeviceState({}), lambda: False, servers).run()
    return line


def state(line: dict[str, Any]) -> dict[str, Any]:
    assert line["status"] == "ok", line
    found: dict[str, Any] = line["run_time_state"]
    return found


def test_one_server_forks_a_process_for_each_point(
    servers: ForkServers, program: str, tmp_path: Path
) -> None:
    found = [state(measured(servers, point(program, name), tmp_path)) for name in "abc"]
    (server,) = {one["parent"] for one in found}
    assert server != os.getpid()
    assert len({one["pid"] for one in found}) == 3
    assert all(one["session"] == one["pid"] for one in found)
    assert [one["variables"]["NNTEST_A"] for one in found] == list("abc")
    log = (tmp_path / "run" / "program.log").read_text("utf-8")
    assert log == "doing tell ['library', 'conv']\n"


@pytest.mark.parametrize("server", [True, False])
def test_a_point_stays_on_its_cores(
    servers: ForkServers, program: str, tmp_path: Path, server: bool
) -> None:
    core = max(os.sched_getaffinity(0))
    one = point(program, "a", env={"NNTEST_CORES": str(core)})
    line = measured(servers, one if server else {**one, "server": None}, tmp_path)
    assert state(line)["affinity"] == [core]
    assert (state(line)["parent"] == os.getpid()) is not server


def test_a_core_that_is_not_there_is_said(
    servers: ForkServers, program: str, tmp_path: Path
) -> None:
    line = measured(servers, point(program, "a", env={"NNTEST_CORES": "0,4095"}), tmp_path)
    assert line["status"] == "skipped"
    assert line["reason"].startswith("of cores 0,4095, 4095 cannot be used now: there are 0")


def test_another_round_has_another_server(
    servers: ForkServers, program: str, tmp_path: Path
) -> None:
    rounds = [state(measured(servers, point(program, name), tmp_path)) for name in "abab"]
    parents = [one["parent"] for one in rounds]
    assert parents[0] == parents[1] != parents[2] == parents[3]


@pytest.mark.parametrize("name", ["NNTEST_THREADS", "NNTEST_SETTINGS", "OMP_WAIT_POLICY"])
def test_what_a_library_is_loaded_with_has_a_server_of_its_own(
    servers: ForkServers, program: str, tmp_path: Path, name: str
) -> None:
    values = ("1", "2")
    found = [
        state(measured(servers, point(program, f"p{value}", env={name: value}), tmp_path))
        for value in values
    ]
    assert found[0]["parent"] != found[1]["parent"]
    assert [one["variables"][name] for one in found] == list(values)


@pytest.mark.parametrize(
    ("does", "status"),
    [("crash", "crashed(SIGSEGV)"), ("raise", "crashed(exit 1)"), ("exit", "crashed(exit 7)")],
)
def test_what_crashes_costs_itself_alone(
    servers: ForkServers, program: str, tmp_path: Path, does: str, status: str
) -> None:
    before = state(measured(servers, point(program, "a"), tmp_path))
    crashed = measured(servers, point(program, "b", env={"NNTEST_DOES": does}), tmp_path)
    assert crashed["status"] == status
    assert f"doing {does}" in crashed["log_tail"]
    assert state(measured(servers, point(program, "c"), tmp_path))["parent"] == before["parent"]


def test_what_takes_too_long_is_ended_with_all_that_it_started(
    servers: ForkServers, program: str, tmp_path: Path
) -> None:
    state(measured(servers, point(program, "a"), tmp_path))
    hanging = point(program, "b", env={"NNTEST_DOES": "hang"}, timeout_s=0.5)
    began = time.monotonic()
    assert measured(servers, hanging, tmp_path)["status"] == "timeout"
    assert time.monotonic() - began < 20
    state(measured(servers, point(program, "c"), tmp_path))


@pytest.mark.parametrize("trouble", ["DIES", "HAS_THREADS"])
def test_without_a_server_the_program_is_started(
    servers: ForkServers, program: str, tmp_path: Path, trouble: str
) -> None:
    one = point(program, "a", env={trouble: "1", "NNTEST_DOES": "tell"})
    direct = {**one, "argv": [sys.executable, "-c", f"import os; os.environ.pop('DIES', 0)\n"
                              f"exec(open({program!r}).read())"]}  # fmt: skip
    assert state(measured(servers, direct, tmp_path))["parent"] == os.getpid()
    began = time.monotonic()  # it is not tried again
    assert state(measured(servers, {**direct, "id": "b"}, tmp_path))["parent"] == os.getpid()
    assert time.monotonic() - began < 20


def test_a_server_that_is_gone_has_ended_its_process(
    servers: ForkServers, program: str, tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    environment = {**os.environ, "NNTEST_DOES": "hang"}
    log = str(tmp_path / "log")
    process = servers.start(
        point(program, "a"), environment, str(tmp_path / "run"), log, lambda: False
    )
    assert isinstance(process, ForkedProcess)
    assert process.poll() is None
    parent = int(Path(f"/proc/{process.pid}/stat").read_text("utf-8").split()[3])
    os.kill(parent, signal.SIGKILL)
    assert ended_within(process, 20)
    assert process.returncode == -signal.SIGKILL
    end_group(process)
    for _ in range(200):
        if not Path(f"/proc/{process.pid}").exists():
            break
        time.sleep(0.05)
    else:
        state_ = Path(f"/proc/{process.pid}/stat").read_text("utf-8").split()[2]
        assert state_ == "Z"  # killed, and waits for whoever inherited it


ORPHAN = f"""
import os, sys, time
sys.path.insert(0, {str(COMMON)!r})
import fork_server

server = os.getpid()
if os.fork():
    os._exit(0)
while os.getppid() == server:
    time.sleep(0.01)
request = {{"arguments": [], "environment": {{}}, "folder": ".", "log": "log"}}
fork_server._become(request, lambda: open("ran", "w").write("x"), server)
"""


def test_a_process_whose_server_ends_before_it_is_set_up_does_not_run(tmp_path: Path) -> None:
    # The pipe is open until the orphan has ended, or writes to its log instead.
    subprocess.run([sys.executable, "-c", ORPHAN], cwd=tmp_path, check=True, timeout=30,
                   stdout=subprocess.PIPE)  # fmt: skip
    assert not (tmp_path / "log").exists()
    assert not (tmp_path / "ran").exists()


def test_a_stop_while_it_loads_is_heeded(
    servers: ForkServers, program: str, tmp_path: Path
) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text("import time; time.sleep(60)", encoding="utf-8")
    one = point(program, "a", server=[sys.executable, str(slow), "--serve"])
    began = time.monotonic()
    assert servers.start(one, dict(os.environ), str(tmp_path), str(tmp_path / "l"),
                         lambda: True) is None  # fmt: skip
    assert time.monotonic() - began < 20


def test_odd_words_from_a_server_are_no_answer(
    servers: ForkServers, program: str, tmp_path: Path
) -> None:
    odd = tmp_path / "odd.py"
    for number, said in enumerate([b"{}\n", b"[1]\n", b"no JSON\n", b"\xff\n", b""]):
        odd.write_text(f"import os, sys; os.write(int(sys.argv[2]), {said!r})", encoding="utf-8")
        one = point(program, f"a{number}", server=[sys.executable, str(odd), "--serve"],
                    env={"OTHER": str(number)})  # fmt: skip
        assert state(measured(servers, one, tmp_path))["parent"] == os.getpid()
        assert json.dumps(one)
