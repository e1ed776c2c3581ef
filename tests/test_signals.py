"""One stop, however it comes and however often."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

import pytest

PROGRAM = """
import signal, sys, time
from nntest.errors import user_errors_end_the_process
with user_errors_end_the_process():
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        # As a sweep that stops its board: the same stop, once more, must not end this.
        print("stopping", flush=True)
        time.sleep(0.5)
        print("cleared away", flush=True)
"""


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_one_stop_that_comes_twice_is_one(first: signal.Signals, second: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heed_all,
    ) as program:  # fmt: skip
        assert program.stdout is not None and program.stdout.readline() == "ready\n"
        program.send_signal(first)
        assert program.stdout.readline() == "stopping\n"
        program.send_signal(second)
        said, complained = program.communicate(timeout=60)
    assert (said, program.returncode) == ("cleared away\n", 130)
    assert complained == "stopped; the same command goes on from here\n"


def heed_all() -> None:
    """A shell's background job ignores SIGINT, and so would what it starts."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def test_ctrl_c_while_the_workflow_is_read_is_one_line() -> None:
    program = "from nntest import signals; signals.say_stopped_in_one_line(); raise {}"
    done = subprocess.run(
        [sys.executable, "-c", program.format("KeyboardInterrupt")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr == "stopped; the same command goes on from here\n"
    assert done.returncode == -signal.SIGINT
    bug = subprocess.run(
        [sys.executable, "-c", program.format("RuntimeError('a bug')")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" in bug.stderr
