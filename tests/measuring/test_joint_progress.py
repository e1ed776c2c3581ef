"""Sweeps that go on at once share a line, and name who does not come further."""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path

import pytest
from nntest.measuring.joint_progress import STUCK_S, HowFar, JointProgress, stuck
from nntest.measuring.progress import NAMED_STUCK, ProgressLine, joint_text

STATUS = {
    "repetitions": 40, "missing": 30, "failed_points": 0, "seconds_left": 95.0, "current": "conv",
}  # fmt: skip


def how_far(name: str, done: int = 1, ago_s: float = 0.0) -> HowFar:
    return HowFar(name, os.getpid(), 40, done, None, time.time() - ago_s)


def test_one_sweep_has_its_own_line(tmp_path: Path) -> None:
    stream = io.StringIO()
    ProgressLine("a.lib", stream, None, JointProgress(tmp_path, "a.lib")).progress(STATUS)
    assert stream.getvalue().startswith("a.lib [")


def test_several_have_one_line_between_them_and_each_its_log(tmp_path: Path) -> None:
    stream, logs = io.StringIO(), [io.StringIO(), io.StringIO(), io.StringIO()]
    joint = [JointProgress(tmp_path, f"{name}.lib") for name in "abc"]
    for one in joint:
        one.tell(STATUS)
    for one, log in zip(joint, logs, strict=True):
        ProgressLine("x", stream, log, one).progress({**STATUS, "missing": 20})
    assert stream.getvalue().count("\n") == 1
    assert "3 sweeps at once [" in stream.getvalue()
    assert "1 min 35 s left" in stream.getvalue()
    assert all("20/40" in log.getvalue() for log in logs)


def test_who_has_ended_or_was_killed_does_not_count(tmp_path: Path) -> None:
    joint = [JointProgress(tmp_path, name) for name in "ab"]
    assert len([one.tell(STATUS) for one in joint][-1]) == 2
    killed = {**json.loads((tmp_path / "a.json").read_text()), "name": "c", "pid": 2**22 + 1}
    (tmp_path / "c.json").write_text(json.dumps(killed))
    (tmp_path / "d.json").write_text("{")
    joint[0].close()
    assert [told.name for told in joint[1].tell(STATUS)] == ["b"]


def test_a_terminal_is_written_on_by_one_at_a_time(tmp_path: Path) -> None:
    first, second = JointProgress(tmp_path, "a"), JointProgress(tmp_path, "b")
    assert first.is_its_turn(60)
    assert not second.is_its_turn(60)
    assert second.is_its_turn(0)


def test_who_does_not_come_further_is_named() -> None:
    sweeps = [how_far("fine", 7), *(how_far(f"s{n}", n, STUCK_S + 60 + n) for n in range(6))]
    assert len(stuck(sweeps)) == 6
    text = joint_text(sweeps)
    assert text.startswith("7 sweeps at once [")
    assert "22/280" in text
    assert "s5 at 5 for 2 min" in text
    assert f"and {6 - NAMED_STUCK} more" in text
    assert "fine" not in text


@pytest.mark.parametrize("repeated", [1, 3])
def test_since_is_when_it_last_came_further(tmp_path: Path, repeated: int) -> None:
    joint = JointProgress(tmp_path, "a")
    began = joint.tell(STATUS)[0].since
    for _ in range(repeated):
        assert joint.tell(STATUS)[0].since == began
    assert joint.tell({**STATUS, "missing": 29})[0].since > began
