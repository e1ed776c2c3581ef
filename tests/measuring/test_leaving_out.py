"""A board's failure leaves it out where the study has others, and is one where it has none."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nntest.archives.missing import Missing
from nntest.config import Board
from nntest.errors import UserError
from nntest.measuring.leaving_out import impatient, last_left_out, leaving_out
from nntest.measuring.progress import NotWatched
from nntest.measuring.transport import AuthenticationFailed, Unreachable

DEAD = UserError("board b: no route to it", "see that it is up")


def study(*sweeps: str, imports: bool = False, on_missing_board: str = "leave-out") -> Any:
    """A study as far as it is asked: names of sweeps as `board.library`."""
    parts = [name.split(".") for name in sweeps]
    return SimpleNamespace(
        config=SimpleNamespace(
            on_missing_board=on_missing_board, imports=["x.zip"] if imports else []
        ),
        sweeps=lambda: [
            SimpleNamespace(
                name=".".join(part),
                place=part[0],
                library=SimpleNamespace(name=part[1]),
            )
            for part in parts
        ],
    )


class Wildcards(dict[str, str]):
    """As a script sees them."""

    @property
    def board(self) -> str:
        return self["board"]


class Job:
    """A rule's job as its script sees it."""

    def __init__(self, folder: Path, **wildcards: str) -> None:
        self.log = [str(folder / "probe.b.log")]
        self.output = [str(folder / "facts.json")]
        self.wildcards = Wildcards(wildcards)


def fail(job: Job, study: Any, error: UserError = DEAD) -> str:
    """What is in the log of a job that fails; raises what it does not leave out."""
    log = io.StringIO()
    with leaving_out(job, study, log, "run 1"):
        raise error
    return log.getvalue()


@pytest.mark.parametrize(
    ("wildcards", "sweeps"),
    [
        ({"board": "b"}, ["b.x", "b.y"]),
        ({"board": "b", "library": "x"}, ["b.x"]),
        ({"board": "b", "library": "x"}, ["b.x.conv.NONE", "b.x.conv.DEFAULT"]),
        ({"board": "b", "library": "x", "cut": ""}, ["b.x"]),
    ],
)
def test_what_all_results_need_fails(
    tmp_path: Path, wildcards: dict[str, str], sweeps: list[str]
) -> None:
    with pytest.raises(UserError, match="no route"):
        fail(Job(tmp_path, **wildcards), study(*sweeps))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("wildcards", "others"),
    [
        ({"board": "b"}, study("b.x", "a.x")),
        ({"board": "b"}, study("b.x", imports=True)),
        ({"board": "b", "library": "x"}, study("b.x", "b.y")),
        ({"board": "b", "library": "x", "cut": ".conv.NONE"},
         study("b.x.conv.NONE", "b.x.conv.DEFAULT")),
        # The layers of a network that fails have been measured.
        ({"board": "b", "library": "x", "cut": ".network"}, study("b.x")),
    ],
)  # fmt: skip
def test_what_others_do_without_is_left_out_and_said(
    tmp_path: Path, wildcards: dict[str, str], others: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    job = Job(tmp_path, **wildcards)
    assert last_left_out(Path(job.log[0])) == ""
    log = fail(job, others)
    assert "error: board b: no route to it\n  hint: see that it is up" in log
    assert log == capsys.readouterr().err
    assert json.loads(Path(job.output[0]).read_text()) == {"missing": "board b: no route to it"}


def test_each_time_is_another_so_that_the_next_run_tries_again(tmp_path: Path) -> None:
    job, others = Job(tmp_path, board="b"), study("b.x", "a.x")
    fail(job, others)
    first = last_left_out(Path(job.log[0]))
    fail(job, others)
    assert first.endswith("board b: no route to it\n")
    assert last_left_out(Path(job.log[0])) != first


def test_what_another_job_did_not_give_is_passed_on_and_not_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = Job(tmp_path, board="b", library="x")
    assert "no route" in fail(job, study("b.x"), Missing("no route"))
    assert capsys.readouterr().err == ""
    assert last_left_out(Path(job.log[0])) == ""
    assert json.loads(Path(job.output[0]).read_text()) == {"missing": "no route"}


@pytest.mark.parametrize(
    ("others", "error"),
    [
        (study("b.x", "a.x", on_missing_board="fail"), DEAD),
        # The board goes on for a run that has ended, whose files are another's by now.
        (study("b.x", "a.x"), NotWatched("the workflow has ended")),
    ],
)
def test_what_stays_a_failure(tmp_path: Path, others: Any, error: UserError) -> None:
    with pytest.raises(type(error)):
        fail(Job(tmp_path, board="b"), others, error)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "patience_s"),
    [(Unreachable("no route"), 0.0), (AuthenticationFailed("no such key"), 60.0), (DEAD, 60.0)],
)
def test_a_board_is_waited_for_in_vain_once_a_run(
    tmp_path: Path, error: UserError, patience_s: float
) -> None:
    connect = {"transport": "ssh", "host": "b"}
    board = Board.model_validate(
        {"name": "b", "connect": connect, "work_dir": "w", "patience_s": 60}
    )
    job = Job(tmp_path, board="b", library="x")
    assert impatient(board, job, "run 1") == board
    fail(job, study("b.x", "a.x"), error)
    assert impatient(board, job, "run 1").patience_s == patience_s
    assert impatient(board, job, "run 2") == board
    other = board.model_copy(update={"name": "c"})
    assert impatient(other, Job(tmp_path, board="c"), "run 1") == other
