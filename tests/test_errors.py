"""What ends a process with a message, and what with a traceback."""

from __future__ import annotations

import errno
import os
import signal
import time

import pytest
from nntest.errors import UserError, user_errors_end_the_process


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (UserError("no such board", "correct it"), "error: no such board\n"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "error: No space left on device\n"),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/results/x"),
            "error: /results/x: No space left on device\n",
        ),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), "error: Disk quota exceeded\n"),
        (
            PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/srv/x"),
            "error: /srv/x: Permission denied\n",
        ),
        (
            OSError(errno.EROFS, os.strerror(errno.EROFS), "/mnt/x"),
            "error: /mnt/x: Read-only file system\n",
        ),
    ],
)
def test_what_the_user_can_mend(
    error: Exception, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end, user_errors_end_the_process():
        raise error
    assert end.value.code == 1
    assert capsys.readouterr().err.startswith(says)


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "facts.json"),
        IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), "x"),
        OSError(errno.EBADF, os.strerror(errno.EBADF)),
        PermissionError(errno.EPERM, os.strerror(errno.EPERM)),
        BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)),
        ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)),
        OSError("made by hand"),
        KeyError("a"),
    ],
)
def test_what_is_a_bug_of_ours_keeps_its_traceback(error: Exception) -> None:
    with pytest.raises(type(error)) as kept, user_errors_end_the_process():
        raise error
    assert kept.value is error


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_one_line_as_ctrl_c_does(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    # As in a terminal: tests that run in the background, or under nohup, ignore some of them.
    heard = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    ours = {one: signal.signal(one, handler) for one, handler in heard.items()}
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP)}
    try:
        with pytest.raises(SystemExit) as end, user_errors_end_the_process():
            os.kill(os.getpid(), number)
            time.sleep(5)
        assert before == {one: signal.getsignal(one) for one in before}
    finally:
        for one, handler in ours.items():
            signal.signal(one, handler)
    assert end.value.code == 130
    assert capsys.readouterr().err == "stopped; the same command goes on from here\n"


def test_a_hang_up_that_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with user_errors_end_the_process():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
