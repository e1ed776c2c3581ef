"""The virtual board as a machine: built, started, reached, stopped with nothing left over."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from nntest.measuring.probe import probe
from nntest.measuring.transport import Transport, connect
from virtual_board.own_board import VirtualBoard

pytestmark = pytest.mark.virtual_board

ASKS_FOR_THE_DEVICE = """
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <stdio.h>
int main(void)
{
    cl_platform_id platform;
    cl_device_id   device;
    char           name[100];
    if(clGetPlatformIDs(1, &platform, NULL) != CL_SUCCESS
       || clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL) != CL_SUCCESS
       || clGetDeviceInfo(device, CL_DEVICE_NAME, sizeof name, name, NULL) != CL_SUCCESS)
    {
        return 1;
    }
    return fputs(name, stdout) < 0;
}
"""


def mounts(machine: VirtualBoard) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if str(machine.folder) in line]


def runs(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not yet asked how does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 60
    while runs(pid):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def host_pids(mark: str) -> list[int]:
    """Processes of this machine, the board's among them, whose command line has `mark`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def test_a_built_board_is_not_built_again(machine: VirtualBoard) -> None:
    began = time.monotonic()
    assert "built already" in machine.do("build", "--no-compiler")
    assert time.monotonic() - began < 60


def test_it_is_an_arm64_machine_behind_ssh(running: VirtualBoard) -> None:
    for user in ("root", "firefly"):
        said = subprocess.run(
            [
                *("ssh", "-p", str(running.port), "-i", str(running.folder / "key")),
                *("-o", f"UserKnownHostsFile={running.folder}/known_hosts", "-o", "BatchMode=yes"),
                *("-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes"),
                *(f"{user}@127.0.0.1", "uname -m; id -un; hostname; ls /proc | grep -c '^[0-9]'"),
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert said[:3] == ["aarch64", user, "virtual-rk3399"]
        assert int(said[3]) < 20  # its own processes, not this machine's


def test_the_probe_finds_emulated_devices(running: VirtualBoard, transport: Transport) -> None:
    facts, _ = probe(transport, running.board)
    assert facts["machine"] == "aarch64"
    assert [kind["name"] for kind in facts["cpus"]] == ["Cortex-A72 (emulated, qemu)"]
    assert facts["python"]["packages"]["pyopencl"] is None
    (found,) = facts["opencl_platforms"]
    (device,) = found["devices"]
    assert device["name"] == "Mali-T860 (emulated, PoCL)"
    assert device["max_work_group_size"] == 4
    assert "cl_arm_non_uniform_work_group_size" in device["extensions"]


def test_a_program_can_be_linked_with_its_opencl_library(
    running: VirtualBoard, transport: Transport, tmp_path: Path
) -> None:
    source, program = tmp_path / "ask.c", tmp_path / "ask"
    source.write_text(ASKS_FOR_THE_DEVICE)
    driver = running.folder / "root/opt/virtual-mali"
    subprocess.run(
        [
            *("aarch64-linux-gnu-gcc", f"--sysroot={running.folder}/root", "-o", program, source),
            *(f"-L{driver}", "-lOpenCL", "-Wl,--allow-shlib-undefined"),
        ],
        check=True,
    )
    transport.put(program, "ask")
    said = transport.run(["./ask"], timeout_s=60, environment=running.board.environment)
    assert said.check("ask").stdout.endswith("Mali-T860 (emulated, PoCL)")


def test_status_tells_how_to_reach_it(running: VirtualBoard) -> None:
    status = json.loads(running.do("status"))
    assert status["running"]
    assert status["port"] == running.port
    assert Path(status["key"]).stat().st_mode & 0o077 == 0


def test_its_mounts_are_not_this_machines(running: VirtualBoard) -> None:
    assert (running.folder / "root" / "bin").exists()
    assert mounts(running) == []


def test_stop_ends_everything_and_start_finds_the_files_again(
    running: VirtualBoard, transport: Transport
) -> None:
    transport.write("kept", b"across a power cut")
    mark = "987654321"
    transport.run(["sh", "-c", f"setsid sleep {mark} > /dev/null 2>&1 &"], timeout_s=30)
    pid = json.loads(running.do("status"))["pid"]
    deadline = time.monotonic() + 60
    while not host_pids(mark):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    began = time.monotonic()
    assert "stopped" in running.do("stop")
    assert time.monotonic() - began < 60
    assert host_pids(mark) == []
    assert not runs(pid)
    assert mounts(running) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", running.port), timeout=5)
    assert running.command("status").returncode == 3
    running.start()
    with connect(running.board) as again:
        assert again.read("kept") == b"across a power cut"


def test_a_killed_board_leaves_nothing(running: VirtualBoard) -> None:
    pid = json.loads(running.do("status"))["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until_gone(pid)
    assert mounts(running) == []
    assert "does not run" in running.do("stop")


def test_a_start_that_fails_leaves_nothing(machine: VirtualBoard) -> None:
    machine.do("stop")
    sshd = machine.folder / "root" / "usr" / "sbin" / "sshd"
    away = sshd.with_name("sshd.away")
    sshd.rename(away)
    try:
        failed = machine.command("start", "--port", str(machine.port))
    finally:
        away.rename(sshd)
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: the board ended while it started: ")
    assert mounts(machine) == []
    assert host_pids(str(machine.folder / "root")) == []
    assert not json.loads(machine.command("status").stdout)["running"]
    machine.start()


def test_a_port_in_use_is_reported(machine: VirtualBoard) -> None:
    machine.do("stop")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", machine.port))
        taken.listen()
        failed = machine.command("start", "--port", str(machine.port))
    assert failed.returncode == 1
    assert f"port {machine.port} of 127.0.0.1: Address already in use" in failed.stderr


def test_a_folder_without_a_board_is_reported(machine: VirtualBoard, tmp_path: Path) -> None:
    nowhere = VirtualBoard(tmp_path, machine.port)
    failed = nowhere.command("start")
    assert failed.returncode == 1
    assert "there is no board in it; build it first" in failed.stderr
    assert "does not run" in nowhere.do("stop")
    assert list(tmp_path.iterdir()) == []
