"""Kills, interrupts, full disks, twins and mistakes: a clear word, and nothing measured is lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyopencl
import pytest
from workflow.study import REPETITIONS, SWEEP, Checkout, end_what_runs_in, own_study


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Checkout]:
    """A check-out whose sweep takes long enough to be interrupted."""
    checkout = Checkout.make(tmp_path / "checkout", repetitions=12)
    yield checkout
    end_what_runs_in(checkout.folder)


def wait_for_repetitions(checkout: Checkout, count: int) -> None:
    deadline = time.monotonic() + 120
    while len(checkout.journal()) < count:
        assert time.monotonic() < deadline, (checkout.folder / "output").read_text()
        time.sleep(0.05)


def wait_for_output(checkout: Checkout, text: str) -> str:
    """Return all that is written when `text` is there."""
    deadline = time.monotonic() + 60
    while text not in (output := (checkout.folder / "output").read_text()):
        assert time.monotonic() < deadline, output
        time.sleep(0.05)
    return output


def assert_nothing_twice(checkout: Checkout, repetitions: int) -> None:
    done = [(line["point"], line["repetition"]) for line in checkout.journal()]
    assert len(done) == len(set(done)) == repetitions


@own_study
def test_snakemake_killed_in_the_middle_of_a_sweep(slow: Checkout) -> None:
    running = slow.start(*SWEEP)
    wait_for_repetitions(slow, 5)
    running.kill()
    running.wait()
    # The board goes on; the same command finds it, follows it and needs no unlocking.
    output = slow.run(*SWEEP)
    assert "following it" in output or "in all" in output
    assert_nothing_twice(slow, 8 * 12)
    assert slow.to_measure() == []


@own_study
def test_snakemake_and_the_board_killed_in_the_middle_of_a_sweep(slow: Checkout) -> None:
    running = slow.start(*SWEEP)
    wait_for_repetitions(slow, 5)
    running.kill()
    running.wait()
    end_what_runs_in(slow.folder)
    measured = slow.journal()
    assert 5 <= len(measured) < 8 * 12
    slow.run(*SWEEP)
    assert slow.journal()[: len(measured)] == measured
    assert_nothing_twice(slow, 8 * 12)


@own_study
@pytest.mark.parametrize(
    ("send", "number"),
    [
        # A terminal sends its signal to the whole foreground group, a batch system to us alone.
        (os.killpg, signal.SIGINT),
        (os.killpg, signal.SIGHUP),
        (os.killpg, signal.SIGTERM),
        (os.kill, signal.SIGTERM),
    ],
    ids=["Ctrl-C", "hang-up", "SIGTERM to all", "SIGTERM to Snakemake alone"],
)
def test_ctrl_c_and_its_like_in_the_middle_of_a_sweep(
    slow: Checkout, send: Callable[[int, int], None], number: signal.Signals
) -> None:
    running = slow.start(*SWEEP, start_new_session=True)
    wait_for_repetitions(slow, 5)
    send(running.pid, number)
    assert running.wait(timeout=60) != 0
    # A hang-up ends what is between Snakemake and the sweep: Snakemake may be the first to go.
    output = wait_for_output(slow, "what is measured stays on the board")
    measured = slow.journal()
    assert len(measured) < 8 * 12
    assert "Traceback" not in output
    time.sleep(1.0)
    assert slow.journal() == measured, "the board measures on, though the user stopped it"
    slow.run(*SWEEP)
    assert slow.journal()[: len(measured)] == measured
    assert_nothing_twice(slow, 8 * 12)


@own_study
def test_two_runs_at_once_in_one_folder(slow: Checkout) -> None:
    running = slow.start(*SWEEP)
    wait_for_repetitions(slow, 1)
    status, output = slow.run_anyhow(*SWEEP)
    assert status != 0
    assert "another run is active in this folder: study tiny" in output
    assert "Traceback" not in output
    assert running.wait(timeout=300) == 0, (slow.folder / "output").read_text()
    assert_nothing_twice(slow, 8 * 12)


@own_study
def test_two_folders_share_one_board(slow: Checkout, tmp_path: Path) -> None:
    slow.configure(repetitions=200)  # until it is told to end
    other = slow.copy(tmp_path / "other")
    running = slow.start(*SWEEP)
    wait_for_repetitions(slow, 1)
    other.configure(on_busy_board="fail", repetitions=1)
    status, output = other.run_anyhow()
    assert status != 0
    assert "board here is measuring for" in output
    assert "Traceback" not in output
    other.configure(repetitions=1)
    waiting = other.start(*SWEEP)
    wait_for_output(other, "waiting: the board is measuring for")
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=120) != 0
    assert waiting.wait(timeout=300) == 0, other.output()


@own_study
def test_a_board_is_taken_over_when_asked_to(slow: Checkout, tmp_path: Path) -> None:
    other = slow.copy(tmp_path / "other")
    running = slow.start(*SWEEP)
    wait_for_repetitions(slow, 3)
    other.configure(on_busy_board="take-over", repetitions=1)
    assert "taking the board over from" in other.run(*SWEEP)
    assert len(other.journal()) == 8
    # Who had it is reported, and loses nothing.
    assert running.wait(timeout=120) != 0
    assert "another process stopped the sweep" in (slow.folder / "output").read_text()
    measured = slow.journal()
    slow.run(*SWEEP)
    assert slow.journal()[: len(measured)] == measured
    assert_nothing_twice(slow, 8 * 12)


@own_study
def test_a_full_disk(fresh: Checkout) -> None:
    """The kernel's limit on file sizes stands for a full disk; no root is needed for it."""
    fresh.run("--until", "install")
    script = 'ulimit -f 8; trap "" XFSZ; exec "$@"'
    command = ["bash", "-c", script, "bash", *fresh.command(*SWEEP)]
    done = subprocess.run(
        command,
        cwd=fresh.folder,
        env=fresh.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "File too large" in done.stdout + done.stderr
    kept = fresh.journal()
    fresh.run(*SWEEP)
    assert fresh.journal()[: len(kept)] == kept
    assert_nothing_twice(fresh, REPETITIONS)


def test_no_opencl_platform(fresh: Checkout) -> None:
    # PyOpenCL as it is, but without the PoCL that its wheel was given: the real loader, and
    # no driver for it to find.
    site = fresh.folder / "site"
    shutil.copytree(
        Path(pyopencl.__file__).parent,
        site / "pyopencl",
        ignore=shutil.ignore_patterns("*pocl-*", "*.icd", "__pycache__"),
    )
    (fresh.folder / "no-vendors").mkdir()
    fresh.write(
        "config/boards/here.yaml",
        connect={"transport": "local"},
        work_dir="results/boards/here",
        environment={
            "PYTHONPATH": str(site),
            "OCL_ICD_VENDORS": str(fresh.folder / "no-vendors"),
        },
    )
    status, output = fresh.run_anyhow()
    assert status != 0
    assert "there is no OpenCL platform on the board" in output
    assert "pip install pocl-binary-distribution" in output
    assert "Traceback" not in output


def test_a_typo_in_the_config(fresh: Checkout) -> None:
    fresh.configure(repetitons=3)
    status, output = fresh.run_anyhow()
    assert status != 0
    assert "unknown key `repetitons` (did you mean `repetitions`?)" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("name", "content", "reported"),
    [
        ("broken.zip", b"no zip at all", "broken.zip"),
        ("empty.zip", b"", "empty.zip"),
    ],
)
def test_a_zip_that_is_no_zip(study: Checkout, name: str, content: bytes, reported: str) -> None:
    (study.folder / name).write_bytes(content)
    study.configure(imports=[name])
    before = study.journal()
    status, output = study.run_anyhow()
    assert status != 0
    assert reported in output
    assert "Traceback" not in output
    assert study.journal() == before
    study.configure()
    assert study.to_measure() == []


def test_an_import_that_is_not_there(study: Checkout) -> None:
    study.configure(imports=["nowhere/*.zip"])
    status, output = study.run_anyhow()
    assert status != 0
    assert "imports: nothing matches 'nowhere/*.zip'" in output


@own_study
def test_a_program_that_always_fails_is_reported_and_tried_again_once_repaired(
    fresh: Checkout,
) -> None:
    kernels = "scripts/onboard/opencl_reference/kernels"
    good = {path: path.read_text() for path in (fresh.folder / kernels).glob("*.cl")}
    for path in good:
        path.write_text("this is no OpenCL C")
    status, output = fresh.run_anyhow()
    assert status != 0
    assert "every point of here.opencl-reference failed; the first: build-failed" in output
    assert "Traceback" not in output
    for path, text in good.items():
        path.write_text(text)
    fresh.run(*SWEEP)
    assert sum(line["status"] == "ok" for line in fresh.journal()) == REPETITIONS
