"""`nntest history`, as a user calls it."""

from __future__ import annotations

from pathlib import Path

import pytest
from archives.history_samples import network_time, noisy, write_history
from commands.command_line import nntest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose results/history has a library that became slower, and one that did not."""
    slower = [
        network_time(day, noisy(day) * (1.3 if day >= 8 else 1.0),
                     version="1.33.0" if day >= 8 else "1.32.0")
        for day in range(12)
    ]  # fmt: skip
    same = [network_time(day, noisy(day), library="openvino") for day in range(12)]
    few = [network_time(day, network="other", measured=None) for day in range(2)]
    for study, times in {"one": slower, "two": same, "three": few}.items():
        write_history(tmp_path / "results" / "history", times, study)
    return tmp_path


def test_runs_are_listed_and_a_change_stands_where_it_began(folder: Path) -> None:
    done = nntest("history", folder=folder)
    assert done.status == 0
    lines = done.stdout.splitlines()
    change = next(index for index, line in enumerate(lines) if "slower: x 1.3" in line)
    assert "1.32.0" in lines[change - 1]
    assert "1.33.0" in lines[change + 1]
    assert "2026-11-09 20:00" in lines[change + 1]
    assert "75.0 % of 60 runs clean" in lines[change + 1]
    assert done.stdout.count("no change found") == 1
    assert "too few runs to find a change: 2 of 8" in done.stdout


def test_a_network_or_library_alone(folder: Path) -> None:
    done = nntest("history", "--network", "small", "--library", "openvino", folder=folder)
    assert "onnxruntime" not in done.stdout
    assert "other" not in done.stdout
    wrong = nntest("history", "--network", "smal", folder=folder)
    assert wrong.status == 1
    assert "there are: other, small" in wrong.stderr


def test_a_slow_down_ends_with_1_where_asked(folder: Path) -> None:
    done = nntest("history", "--fail-on-slower", "10", folder=folder)
    assert done.status == 1
    assert "1 of 3 are more than 10 % slower" in done.stderr
    assert nntest("history", "--fail-on-slower", "50", folder=folder).status == 0


def test_the_picture_is_of_one_network_on_one_machine(folder: Path) -> None:
    several = nntest("history", "--plot", "time.svg", folder=folder)
    assert several.status == 1
    assert "small on Test board" in several.stderr
    done = nntest("history", "--network", "small", "--plot", "time.svg", folder=folder)
    assert done.status == 0
    assert "x 1.3" in (folder / "time.svg").read_text("utf-8")
    assert (folder / "time.png").exists()


def test_no_history_is_said_so(tmp_path: Path) -> None:
    done = nntest("history", folder=tmp_path)
    assert done.status == 1
    assert "holds no run" in done.stderr
