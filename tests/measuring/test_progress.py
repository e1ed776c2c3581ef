"""The progress line: counts, time left, terminal or not."""

from __future__ import annotations

import io

import pytest
from nntest.measuring.progress import ProgressLine, duration


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


STATUS = {
    "repetitions": 40, "missing": 30, "failed_points": 1, "seconds_left": 95.0, "current": "conv",
}  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (190, "3 min 10 s"), (7500, "2 h 5 min")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_terminal_sees_one_line_rewritten() -> None:
    stream, log = Terminal(), io.StringIO()
    line = ProgressLine("board.lib", stream, log)
    line.progress(STATUS)
    line.progress({**STATUS, "missing": 20})
    line.note("done")
    shown = stream.getvalue()
    assert shown.count("\n") == 2
    assert "10/40, 1 points failed, 1 min 35 s left, conv" in shown
    assert shown.endswith("\nboard.lib: done\n")
    assert "done" in log.getvalue()


def test_a_log_sees_a_line_now_and_then() -> None:
    stream = io.StringIO()
    line = ProgressLine("board.lib", stream)
    for _ in range(50):
        line.progress(STATUS)
    assert stream.getvalue().count("\n") == 1
    assert "\r" not in stream.getvalue()


def test_a_sweep_that_has_measured_nothing_yet_tells_no_time() -> None:
    stream = io.StringIO()
    ProgressLine("b", stream).progress({**STATUS, "seconds_left": None})
    assert "left" not in stream.getvalue()
