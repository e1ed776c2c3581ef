"""Paths in config files: `~` is a home folder on the side that a path belongs to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from nntest.config.board import Board
from nntest.config.ck import CkRepository
from pydantic import ValidationError

LOCAL = {"transport": "local"}
SSH = {"transport": "ssh", "host": "there"}


def board(connect: dict[str, str], **changes: Any) -> Board:
    return Board.model_validate({"name": "b", "connect": connect, "work_dir": "w", **changes})


@pytest.mark.parametrize(
    ("work_dir", "there"),
    [("~/flow", "flow"), ("~", "."), ("~/", "."), ("~//a b", "a b"), ("a/~b", "a/~b")],
)
def test_a_boards_home_folder_is_the_boards(work_dir: str, there: str) -> None:
    # Over SSH a relative path is below the account's home folder.
    assert board(SSH, work_dir=work_dir).work_dir == there


def test_this_machines_home_folder_is_this_machines(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert board(LOCAL, work_dir="~/flow").work_dir == str(tmp_path / "flow")
    kept = CkRepository.model_validate({"name": "r", "archive": "~/r.zip"})
    assert kept.archive == str(tmp_path / "r.zip")


@pytest.mark.parametrize("connect", [LOCAL, SSH], ids=["local", "ssh"])
@pytest.mark.parametrize(
    ("work_dir", "says"),
    [
        ("-rf", "would be taken for an option"),
        ("--help", "would be taken for an option"),
        ("C:\\flow", "not a backslash"),
        ("a\nb", "control character"),
        ("a\0b", "control character"),
        ("", "at least 1 character"),
    ],
)
def test_what_is_no_folder_on_a_board_is_refused(
    connect: dict[str, str], work_dir: str, says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        board(connect, work_dir=work_dir)


def test_another_users_home_folder_and_a_lock_for_one_are_refused() -> None:
    with pytest.raises(ValidationError, match="the home folder of ann on the board is not known"):
        board(SSH, work_dir="~ann/flow")
    with pytest.raises(ValidationError, match="~ is another for each"):
        board(SSH, lock_file="~/lock")
    with pytest.raises(ValidationError, match="not a backslash"):
        board(SSH, lock_file="\\tmp\\lock")
