"""Answers of on-board scripts, whatever a driver prints on stdout, and however small the Python."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nntest.codehash import ONBOARD
from nntest.config.board import Board, LocalConnection
from nntest.errors import UserError
from nntest.measuring.onboard import call
from nntest.measuring.probe import probe
from nntest.measuring.transport import connect

SOURCE = Path(__file__).with_name("talking_driver.c")
NAMES = ("libOpenCL.so", "libGLES_mali.so", "libmali.so", "libOpenCL.so.1")

Call = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the talking driver under a name that is looked for."""
    if shutil.which("gcc") is None:
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("driver")
    library = folder / NAMES[0]
    subprocess.run(["gcc", "-shared", "-fPIC", "-w", "-o", library, SOURCE], check=True)
    return folder


@pytest.fixture
def board(tmp_path: Path) -> Callable[..., Board]:
    """A board on this machine, without PyOpenCL, and with these environment variables."""
    without = tmp_path / "python"
    without.mkdir()
    (without / "pyopencl.py").write_text("raise ImportError('there is none')")

    def make(**environment: str) -> Board:
        return Board(
            name="here",
            connect=LocalConnection(transport="local"),
            work_dir=str(tmp_path / "work"),
            lock_file=str(tmp_path / "lock"),
            environment={"PYTHONPATH": str(without), "PATH": "/usr/bin:/bin", **environment},
        )

    return make


def ask(board: Board, script: str, *arguments: str) -> dict[str, Any]:
    with connect(board) as transport:
        return call(transport, board, script, *arguments)


@pytest.mark.parametrize("how", [{}, {"DRIVER_FLUSHES": "1"}, {"DRIVER_CRASHES": "1"}], ids=str)
def test_a_driver_that_prints_on_stdout_is_listed_by_the_probe(
    driver: Path, board: Callable[..., Board], how: dict[str, str]
) -> None:
    talking = board(LD_LIBRARY_PATH=str(driver), **how)
    with connect(talking) as transport:
        facts, now = probe(transport, talking)
    assert [found["name"] for found in facts["opencl_platforms"]] == ["Mali-T860"]
    assert facts["opencl_platforms"][0]["devices"][0]["name"] == "Mali-T860"
    assert facts["opencl_problem"] == ""
    assert now["free_disk_mb"] > 0


def test_a_driver_that_crashes_is_a_fact_of_the_probe(
    driver: Path, board: Callable[..., Board]
) -> None:
    facts = ask(board(LD_LIBRARY_PATH=str(driver), DRIVER_DIES="1"), "probe.py")["facts"]
    assert facts["opencl_platforms"] == []
    assert facts["opencl_problem"] == "the OpenCL library crashes: exit status -6"
    assert facts["memory_mb"] > 0


def a_plan(folder: Path) -> list[str]:
    folder.mkdir()
    (folder / "plan.json").write_text(
        json.dumps({"plan_id": "p", "lock_file": str(folder / "lock"), "points": [], "seed": 1})
    )
    return [str(folder)]


SCRIPTS: dict[str, tuple[str, Callable[[Path], list[str]], str]] = {
    "devices": ("opencl_devices.py", lambda folder: [], "platforms"),
    "find": (
        "armcl/find_library.py",
        lambda folder: ['{"prefix": "/none", "packages": [], "compiler": "g++"}'],
        "is_root",
    ),
    "tools": ("armcl/build_library.py", lambda folder: ["tools", '{"compiler": "g++"}'], "scons"),
    "build": ("armcl/build_library.py", lambda folder: ["status", str(folder)], "running"),
    "wheels": ("pip_install.py", lambda folder: [str(folder), str(folder), "none"], "problem"),
    "start": ("runner.py", lambda folder: ["start", *a_plan(folder / "job")], "state"),
    "status": ("runner.py", lambda folder: ["status", str(folder)], "running"),
    "stop": ("runner.py", lambda folder: ["stop", str(folder / "none")], "state"),
    "ck": ("ck_runner.py", lambda folder: ["status", str(folder)], "running"),
}
"""Every script that is asked: its arguments, and a key of its answer."""


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("how", [{}, {"DRIVER_CRASHES": "1"}], ids=["quiet end", "crash"])
def test_a_preloaded_driver_that_prints_does_not_hide_an_answer(
    driver: Path,
    board: Callable[..., Board],
    tmp_path: Path,
    script: str,
    how: dict[str, str],
) -> None:
    """Printed before Python begins, between, and after it has ended."""
    name, arguments, key = SCRIPTS[script]
    talking = board(LD_PRELOAD=str(driver / NAMES[0]), **how)
    assert key in ask(talking, name, *arguments(tmp_path))


def test_a_wheel_that_prints_when_it_is_imported_is_installed(
    driver: Path, board: Callable[..., Board], tmp_path: Path
) -> None:
    folder = tmp_path / "installed"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    (folder / "installed.json").write_text("{}")
    packages = next((folder / "venv/lib").glob("python*/site-packages"))
    (packages / "talks.py").write_text(
        f"import ctypes\nctypes.CDLL({str(driver / NAMES[0])!r})\nprint('hello', end='')\n"
    )
    answer = ask(board(), "pip_install.py", str(folder), str(tmp_path), "talks")
    assert answer["versions"] == {}


def test_a_process_that_left_the_answer_to_its_parent_writes_it_nowhere(tmp_path: Path) -> None:
    """Least of all into the file that has got the number of the channel since."""
    code = (
        f"import os, sys; sys.path.insert(0, {str(ONBOARD)!r})\n"
        "from answers import Answer\n"
        "answer = Answer()\n"
        "answer.leave()\n"
        "journals = [open(sys.argv[1], 'w') for _ in range(9)]\n"
        "answer.give({'state': 'failed'})\n"
    )
    journal = tmp_path / "journal"
    done = subprocess.run([sys.executable, "-c", code, journal], capture_output=True, check=True)
    assert (done.stdout, journal.read_bytes()) == (b"", b"")


PROGRAM = """
import json, os
print("{}")
for i in range(int(os.environ["NNTEST_REPETITIONS"])):
    record = {"repetition": i, "execution_time_kernel_1": 0.001, "started_at": "2026-01-01T00:00Z"}
    with open("tmp-nntest-repetitions.jsonl", "a") as stream:
        stream.write(json.dumps(record) + "\\n")
"""


def test_an_operator_program_whose_driver_prints_is_measured(
    driver: Path, board: Callable[..., Board], tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    folder = tmp_path / "job"
    a_plan(folder)
    plan = json.loads((folder / "plan.json").read_text())
    plan["points"] = [
        {
            "id": "a", "operator": "conv", "tensor": "t", "tuner": "NONE", "repetitions": 2,
            "repetitions_per_process": 2, "protocol": "in-process", "timeout_s": 60,
            "argv": [sys.executable, str(tmp_path / "program.py")],
            "env": {"LD_PRELOAD": str(driver / NAMES[0])},
        }
    ]  # fmt: skip
    (folder / "plan.json").write_text(json.dumps(plan))
    here = board()
    assert ask(here, "runner.py", "start", str(folder)) == {"state": "started"}
    deadline = time.monotonic() + 60
    while (status := ask(here, "runner.py", "status", str(folder)))["running"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (status["state"], status["done"], status["failed_points"]) == ("done", 2, 0)


@pytest.mark.parametrize("module", ["json", "ctypes", "_ctypes"])
def test_a_python_without_a_standard_module_is_one_message(
    board: Callable[..., Board], tmp_path: Path, module: str
) -> None:
    (tmp_path / "python" / f"{module}.py").write_text(
        f"raise ModuleNotFoundError(\"No module named '{module}'\")"
    )
    small = board()
    name = module.lstrip("_")
    if module == "json":
        with pytest.raises(UserError, match=f"has no module {name}, which belongs") as caught:
            ask(small, "probe.py")
        assert "python3-json" in str(caught.value)
        assert "Traceback" not in str(caught.value)
        return
    # Only OpenCL needs it: the board says so, and is of use for all else.
    assert f"python3-{name}" in ask(small, "probe.py")["facts"]["opencl_problem"]
    assert ask(small, "runner.py", "status", str(tmp_path))["running"] is False
    with pytest.raises(UserError, match=f"has no module {name}, which belongs"):
        ask(small, "opencl_devices.py")


def test_a_system_without_load_average_has_a_probe(
    board: Callable[..., Board], tmp_path: Path
) -> None:
    """As Android's Python is: a fact that cannot be had is null."""
    (tmp_path / "python" / "sitecustomize.py").write_text(
        "import os, shutil\ndel os.getloadavg\ndel shutil.disk_usage\n"
    )
    now = ask(board(), "probe.py")["now"]
    assert now["load_average"] is None
    assert now["free_disk_mb"] is None
