"""Loops of runs: counted as a whole and in windows, with the memory of the process."""

from __future__ import annotations

from pathlib import Path

import pytest
from onboard.opencl_reference.reference_program import run_program

pytest.importorskip("pyopencl")


def test_windows_follow_each_other_and_hold_the_runs_of_the_loop(tmp_path: Path) -> None:
    run = run_program(tmp_path / "run", NNTEST_LOOP_S=0.5, NNTEST_WINDOW_S=0.1)
    assert run.exit_status == 0, run
    (line,) = run.repetitions
    loop, memory = (line["run_time_state"][name] for name in ("loop", "memory"))
    starts, lengths, runs = zip(*loop["windows"], strict=True)
    assert 1 <= len(starts) <= 5
    assert all(length >= 0.1 for length in lengths)
    ends = [start + length for start, length in zip(starts, lengths, strict=True)]
    assert [0.0, *ends[:-1]] == pytest.approx(list(starts))
    assert 0 < sum(runs) <= loop["runs"]
    assert line["execution_time_kernel_1"] == pytest.approx(loop["seconds"] / loop["runs"])
    assert memory["after"]["peak_bytes"] >= memory["after"]["resident_bytes"] > 0


def test_a_loop_that_is_not_asked_for_windows_has_none(tmp_path: Path) -> None:
    run = run_program(tmp_path / "run", NNTEST_LOOP_S=0.05)
    assert "windows" not in run.repetitions[0]["run_time_state"]["loop"]
