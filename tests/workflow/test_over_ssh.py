"""The workflow on a board behind a real sshd: cut links, kills, full disks, two boards at once."""

from __future__ import annotations

import contextlib
import getpass
import itertools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from measuring.transport.sshd import SSHD
from nntest.config import Board
from workflow.ssh_bench import SshBench
from workflow.study import POINTS, SWEEP, end_what_runs_in

pytestmark = [
    pytest.mark.slow("measure over SSH"),
    pytest.mark.sshd,
    pytest.mark.skipif(not SSHD.exists(), reason=f"needs OpenSSH's server ({SSHD} is missing)"),
]
REPETITIONS = 12
TOTAL = POINTS * REPETITIONS


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[SshBench]:
    bench = SshBench(tmp_path, repetitions=REPETITIONS)
    yield bench
    bench.close()


def test_a_link_that_is_cut_and_comes_back(bench: SshBench) -> None:
    running = bench.checkout.start(*SWEEP)
    bench.wait_for(lambda: len(bench.journal()) >= 5)
    bench.wire.cut()
    bench.wait_for(lambda: "the board continues on its own" in bench.output())
    bench.wire.mend()
    assert running.wait(timeout=300) == 0, bench.output()
    bench.assert_all_once(TOTAL)


def test_the_controller_killed_and_started_again(bench: SshBench) -> None:
    running = bench.checkout.start(*SWEEP)
    bench.wait_for(lambda: len(bench.journal()) >= 5)
    running.kill()
    running.wait()
    bench.checkout.run(*SWEEP)
    bench.assert_all_once(TOTAL)


def test_the_boards_sshd_and_runner_killed(bench: SshBench) -> None:
    running = bench.checkout.start(*SWEEP)
    bench.wait_for(lambda: len(bench.journal()) >= 5)
    runner = json.loads((bench.work() / "status.json").read_text())["pid"]
    bench.sshd.stop()
    bench.wire.hang_up()
    os.kill(runner, signal.SIGKILL)
    measured = len(bench.journal())
    bench.wait_for(lambda: "the board continues on its own" in bench.output())
    bench.sshd.start()
    assert len(bench.journal()) == measured
    # Once it is back the controller finds the runner gone and starts it again.
    assert running.wait(timeout=200) == 0, bench.output()
    assert "starting it again" in bench.output()
    bench.assert_all_once(TOTAL)


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system is mounted as root only")
def test_a_full_disk_on_the_board(bench: SshBench, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16M", "tmpfs", disk], check=True)
    try:
        bench.board("here", work_dir=str(disk / "work"))
        journal = disk / "work/studies/tiny/opencl-reference/journal.jsonl"
        running = bench.checkout.start(*SWEEP)
        bench.wait_for(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 5)
        filler = disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(65536))
        assert running.wait(timeout=120) != 0
        said = bench.output()  # by the kernel or by us, whoever notices first
        assert "No space left on device" in said or "the disk is full" in said, said
        assert "Traceback" not in said
        partial = bench.checkout.results / "sweeps/here.opencl-reference.partial.jsonl"
        measured = journal.read_bytes()
        assert partial.read_bytes() == measured
        filler.unlink()
        bench.checkout.run(*SWEEP)
        assert journal.read_bytes().startswith(measured)
        lines = [json.loads(line) for line in journal.read_text().splitlines()][1:]
        done = [(line["point"], line["repetition"]) for line in lines]
        assert len(done) == len(set(done)) == TOTAL
    finally:
        end_what_runs_in(tmp_path)
        subprocess.run(["umount", "--lazy", disk], check=True)


def test_two_boards_measure_at_once_and_each_one_thing_at_a_time(bench: SshBench) -> None:
    bench.board("there")
    bench.checkout.configure(boards=["here", "there"], repetitions=6, sweep_by="operator-tuner")
    bench.checkout.run(*SWEEP)
    spans: dict[str, tuple[datetime, datetime]] = {}
    for name in ("here", "there"):
        stamps = sorted(line["started_at"] for line in bench.journal(name))
        assert len(stamps) == 8 * 6
        spans[name] = (datetime.fromisoformat(stamps[0]), datetime.fromisoformat(stamps[-1]))
        # Four sweeps on the board: a process has ended before the next one's began.
        processes = {(line["point"], line["process"]) for line in bench.journal(name)}
        visited = [(line["point"], line["process"]) for line in bench.journal(name)]
        changes = sum(one != other for one, other in itertools.pairwise(visited))
        assert changes == len(processes) - 1
    assert max(spans["here"][0], spans["there"][0]) < min(spans["here"][1], spans["there"][1])


@pytest.fixture
def governor(tmp_path: Path) -> Path:
    """The file of a clock's governor, which is ondemand."""
    path = tmp_path / "policy0" / "scaling_governor"
    path.parent.mkdir()
    path.write_text("ondemand\n")
    return path


def test_governors_are_put_back_although_the_controller_died(
    bench: SshBench, governor: Path
) -> None:
    domain = {"name": "CPU", "path": str(governor.parent), "governor": "performance"}
    bench.board("here", frequency_domains=[domain])
    running = bench.checkout.start(*SWEEP)
    bench.wait_for(lambda: governor.read_text().strip() == "performance")
    bench.wire.cut()
    running.kill()
    running.wait()
    bench.wait_for(lambda: governor.read_text().strip() == "ondemand")
    assert len(bench.journal()) == TOTAL, "the board went on by itself to the end"
    bench.wire.mend()
    assert re.search(r"0 measured now|in all", bench.checkout.run(*SWEEP))


def test_a_board_that_fails_its_health_check_is_left_out_and_its_siblings_go_on(
    bench: SshBench,
) -> None:
    bench.board("there", health={"command": "echo no GPU; exit 3", "timeout_s": 20})
    bench.checkout.configure(boards=["there", "here"], repetitions=1)
    status, output = bench.checkout.run_anyhow(*SWEEP, "--keep-going")
    assert status == 1
    said = (
        "error: board there: the sweep stopped: the board is left out: its health check failed: "
        "echo no GPU; exit 3 ended with 3: no GPU"
    )
    assert output.count(said) >= 1
    assert "Traceback" not in output
    assert bench.journal("there") == []
    assert len(bench.journal("here")) == POINTS


def test_a_board_that_hangs_is_switched_off_and_on_and_the_sweep_goes_on(
    bench: SshBench, tmp_path: Path
) -> None:
    on, off, pid = tmp_path / "on", tmp_path / "off", tmp_path / "pid"
    server = f"{SSHD} -f {bench.sshd.config} -E {bench.sshd.log} -o PidFile={pid}"
    on.write_text(f"#!/bin/sh\n{server} >/dev/null 2>&1\n")
    off.write_text(f'#!/bin/sh\n[ ! -e {pid} ] || kill "$(cat {pid})"\n')
    for script in (on, off):
        script.chmod(0o755)
    bench.board("here", patience_s=6, power={"off": [str(off)], "on": str(on), "off_s": 0.5})
    bench.checkout.configure(repetitions=3)
    running = bench.checkout.start(*SWEEP)
    bench.wait_for(lambda: len(bench.journal()) >= 3)
    runner = json.loads((bench.work() / "status.json").read_text())["pid"]
    bench.sshd.stop()
    bench.wire.hang_up()
    os.kill(runner, signal.SIGKILL)
    try:
        assert running.wait(timeout=200) == 0, bench.output()
        said = bench.output()
        assert said.count("patience is over: switching the board off and on") == 1
        assert "starting it again" in said
        bench.assert_all_once(3 * POINTS)
    finally:
        subprocess.run([off], check=True)


def test_what_changed_on_the_board_is_said_and_is_in_the_report(
    bench: SshBench, governor: Path
) -> None:
    bench.board("here", frequency_domains=[{"name": "CPU", "path": str(governor.parent)}])
    bench.checkout.configure(repetitions=2)
    running = bench.checkout.start(*SWEEP)
    bench.wait_for(lambda: len(bench.journal()) >= 3)
    governor.write_text("powersave\n")
    assert running.wait(timeout=300) == 0, bench.output()
    change = "the governor of policy0 was ondemand and is powersave"
    assert change in bench.output()
    bench.checkout.run()
    page = (bench.checkout.results / "report.html").read_text("utf-8")
    assert "The board changed while it measured: here.opencl-reference" in page
    assert change in page


@pytest.mark.parametrize(
    ("connect", "reported"),
    [
        ({"key": "/nowhere/key"}, "/nowhere/key"),
        ({"user": "x; rm -rf ~"}, "board here"),
        ({"host": "$(reboot)"}, "board here"),
        ({"port": 9}, "board here"),
    ],
)
def test_a_board_that_cannot_be_reached_as_its_file_says(
    bench: SshBench, connect: dict[str, Any], reported: str
) -> None:
    path = bench.checkout.folder / "config/boards/here.yaml"
    content = yaml.safe_load(path.read_text())
    content["connect"] |= connect
    content["patience_s"] = 2  # for a board that may be booting: nothing listens on its port
    bench.checkout.write("config/boards/here.yaml", **content)
    status, output = bench.checkout.run_anyhow()
    assert status != 0
    assert reported in output
    assert "Traceback" not in output
    assert list(bench.sshd.home.iterdir()) == []


def test_a_work_folder_that_is_a_file(bench: SshBench) -> None:
    (bench.sshd.home / "work folder of here").write_text("mine")
    status, output = bench.checkout.run_anyhow()
    assert status != 0
    assert "work folder of here" in output
    assert "Traceback" not in output
    assert (bench.sshd.home / "work folder of here").read_text() == "mine"


def test_a_board_file_is_drafted_from_the_board(bench: SshBench) -> None:
    done = subprocess.run(
        [
            sys.executable, "-m", "nntest.commands.main", "board-file", "127.0.0.1",
            "--port", str(bench.wire.port), "--user", getpass.getuser(),
            "--key", bench.sshd.key, "--known-hosts", bench.sshd.known_hosts,
            "--python", sys.executable,
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    board = Board(name="drafted", **yaml.safe_load(done.stdout))
    assert board.gpu is not None
    assert board.gpu.name.startswith("pthread")
