"""Commands that hang, are broken off, or cannot be."""

from __future__ import annotations

import functools
import os
import signal
import threading
from pathlib import Path

import pytest
from measuring.transport.sshd import Sshd, is_gone, soon
from nntest.errors import UserError
from nntest.measuring.transport import (
    DeadlineExceeded,
    LostLink,
)

pytestmark = pytest.mark.sshd


def test_what_a_hung_command_started_is_ended_with_it(sshd: Sshd, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = 'echo $$ > "$1"; sleep 500 & echo $! >> "$1"; wait'
    with sshd.connect() as board:
        with pytest.raises(DeadlineExceeded, match=r"running sh: no answer within 3 s"):
            board.run(["sh", "-c", script, "sh", str(pids)], timeout_s=3)
        for pid in pids.read_text().split():
            soon(functools.partial(is_gone, int(pid)))
        assert board.run(["echo", "next"], timeout_s=20).stdout == "next\n"


def test_a_hung_command_under_a_server_without_process_groups(tmp_path: Path) -> None:
    """As dropbear runs it: the shell is a child among others in somebody else's group."""
    server = Sshd(tmp_path / "board", before='(eval "$SSH_ORIGINAL_COMMAND"); exit')
    pids = tmp_path / "pids"
    script = 'echo $$ > "$1"; sh -c "sleep 500; :" & echo $! >> "$1"; wait'
    try:
        with server.connect() as board, server.connect() as bystander:
            other = bystander.run(["sh", "-c", "sleep 600 & echo $!"], timeout_s=20)
            with pytest.raises(DeadlineExceeded):
                board.run(["sh", "-c", script, "sh", str(pids)], timeout_s=3)
            for pid in pids.read_text().split():
                soon(functools.partial(is_gone, int(pid)))
            assert board.run(["echo", "next"], timeout_s=20).stdout == "next\n"
            os.kill(int(other.stdout), signal.SIGKILL)
    finally:
        server.stop()


def test_a_detached_program_survives_a_hung_command(sshd: Sshd) -> None:
    script = "setsid sleep 30 > /dev/null 2>&1 & echo $!"
    with sshd.connect() as board:
        pid = int(board.run(["sh", "-c", script], timeout_s=20).stdout)
        with pytest.raises(DeadlineExceeded):
            board.run(["sleep", "100"], timeout_s=1)
        os.kill(pid, signal.SIGTERM)


def test_ctrl_c_ends_the_command_and_not_the_connection(sshd: Sshd, tmp_path: Path) -> None:
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    pid_file = tmp_path / "pid"

    def press_ctrl_c() -> None:
        soon(lambda: pid_file.exists() and pid_file.read_text() != "")
        signal.pthread_kill(threading.main_thread().ident, signal.SIGALRM)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with sshd.connect() as board:
            threading.Thread(target=press_ctrl_c).start()
            script = 'echo $$ > "$1"; echo early; exec sleep 100'
            with pytest.raises(KeyboardInterrupt):
                board.run(["sh", "-c", script, "sh", str(pid_file)], timeout_s=100)
            done = board.run(["echo", "next"], timeout_s=20)
            assert done.stdout == "next\n"
            pid = int(pid_file.read_text())
            soon(lambda: is_gone(pid))
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_command_that_kills_the_shell_is_no_success(sshd: Sshd) -> None:
    with sshd.connect() as board:
        with pytest.raises(LostLink, match="the shell on the board was killed"):
            board.run(["sh", "-c", "kill -9 $PPID; kill -9 -$(ps -o pgid= $$)"], timeout_s=20)
        assert board.run(["echo", "next"], timeout_s=20).stdout == "next\n"


def test_what_an_old_command_says_late_is_not_the_next_ones(sshd: Sshd, tmp_path: Path) -> None:
    script = '(until [ -e "$1/go" ]; do sleep 0.1; done; echo LATE; echo LATE >&2; touch "$1/said")'
    with sshd.connect() as board:
        board.run(["sh", "-c", f"{script} & :", "sh", str(tmp_path)], timeout_s=20)
        (tmp_path / "go").touch()
        soon((tmp_path / "said").exists)
        done = board.run(["echo", "next"], timeout_s=20)
        assert (done.stdout, done.stderr) == ("next\n", "")


def test_calls_from_several_threads_do_not_mix(sshd: Sshd) -> None:
    answers: dict[int, str] = {}
    with sshd.connect() as board:

        def work(number: int) -> None:
            for _ in range(20):
                answers[number] = board.run(["echo", str(number)], timeout_s=20).stdout
                assert answers[number] == f"{number}\n"

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    assert answers == {number: f"{number}\n" for number in range(4)}


@pytest.mark.parametrize("argv", [[], [""], ["-c"], ["echo", "a\0b"]])
def test_commands_that_cannot_be(sshd: Sshd, argv: list[str]) -> None:
    with sshd.connect() as board:
        with pytest.raises(UserError):
            board.run(argv, timeout_s=20)
        assert board.run(["echo", "next"], timeout_s=20).stdout == "next\n"


@pytest.mark.parametrize("name", ["", "A B", "A;reboot", "1A", "A=B", "$(x)", "-i"])
def test_names_of_variables_are_names(sshd: Sshd, name: str) -> None:
    with (
        sshd.connect() as board,
        pytest.raises(UserError, match="is not the name of an environment"),
    ):
        board.run(["true"], timeout_s=20, environment={name: "x"})


def test_a_program_with_an_equals_sign_in_its_name(sshd: Sshd) -> None:
    program = sshd.home / "a=b"
    program.write_text('#!/bin/sh\necho "ran $1 with $A"\n')
    program.chmod(0o755)
    with sshd.connect() as board:
        done = board.run(["./a=b", "x y"], timeout_s=20, environment={"A": "1"})
    assert done.stdout == "ran x y with 1\n"
