"""A board's health check: what counts as well, and that it ends in time."""

from __future__ import annotations

import time
from pathlib import Path

import health
import pytest
from measuring.transport.sshd import is_gone, soon


def complaint(folder: Path, line: str, timeout_s: float = 30, **environment: str) -> str:
    check = {
        "argv": ["sh", "-c", line], "text": "my check", "timeout_s": timeout_s,
        "environment": environment,
    }  # fmt: skip
    return str(health.complaint(check, str(folder), lambda: False))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("echo all is well", ""),
        ("exit 3", "my check ended with 3"),
        ("echo no GPU; echo at all >&2; exit 1", "my check ended with 1: no GPU | at all"),
        ('test "$A" = "b c"', ""),
        ("kill -9 $$", "my check ended with -9"),
    ],
)
def test_a_board_is_well_if_its_check_ends_well(tmp_path: Path, line: str, says: str) -> None:
    assert complaint(tmp_path, line, A="b c") == says


def test_a_check_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    began = time.monotonic()
    line = f"sleep 600 & echo $! > {tmp_path}/pid; wait"
    assert complaint(tmp_path, line, 1.0) == "my check has not ended within 1 s"
    assert time.monotonic() - began < 20
    pid = int((tmp_path / "pid").read_text())
    soon(lambda: is_gone(pid))


def test_what_a_check_leaves_in_the_background_is_not_waited_for(tmp_path: Path) -> None:
    began = time.monotonic()
    assert complaint(tmp_path, "sleep 20 & exit 0") == ""
    assert time.monotonic() - began < 15


def test_a_check_that_is_not_there_says_so(tmp_path: Path) -> None:
    check = {"argv": ["/no/such"], "text": "/no/such", "timeout_s": 5, "environment": {}}
    said = health.complaint(check, str(tmp_path), lambda: False)
    assert said == "/no/such cannot be started: No such file or directory"


def test_a_stop_ends_the_check(tmp_path: Path) -> None:
    check = {"argv": ["sleep", "600"], "text": "x", "timeout_s": 600, "environment": {}}
    assert health.complaint(check, str(tmp_path), lambda: True) == ""
