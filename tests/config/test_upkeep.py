"""A board's commands for its power and its health, as board files write them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from nntest.config.board import Board
from nntest.config.upkeep import Health, Power, argv, as_text
from pydantic import ValidationError

SSH = {"transport": "ssh", "host": "there"}


def board(**content: Any) -> Board:
    return Board.model_validate({"name": "b", "connect": SSH, "work_dir": "w", **content})


@pytest.mark.parametrize(
    "text",
    [
        "power: {off: [relay, '4', low], on: [relay, '4', high]}",
        "power:\n  'off': [relay, '4', low]\n  'on': [relay, '4', high]",
        "power:\n  OFF: [relay, '4', low]\n  ON: [relay, '4', high]",
    ],
)
def test_on_and_off_are_words_though_yaml_reads_booleans(text: str) -> None:
    power = board(**yaml.safe_load(text)).power
    assert power == Power(off=["relay", "4", "low"], on=["relay", "4", "high"])


def test_a_line_is_for_the_shell_and_a_list_is_not() -> None:
    assert argv("a | b") == ["sh", "-c", "a | b"]
    assert argv(["a", "| b"]) == ["a", "| b"]
    assert as_text("a | b") == "a | b"
    assert as_text(["a", "| b"]) == "a '| b'"


def test_this_machine_does_not_switch_itself_off() -> None:
    with pytest.raises(ValidationError, match="would switch itself off"):
        board(connect={"transport": "local"}, power={"off": "poweroff", "on": "true"})
    assert board(connect={"transport": "local"}, health={"command": "true"}).health is not None


@pytest.mark.parametrize(
    ("power", "says"),
    [
        ({"off": "x"}, r"on\n  Field required"),
        ({"off": [], "on": "y"}, "at least 1 item"),
        ({"off": "", "on": "y"}, "at least 1"),
        ({"off": "x", "on": "y", "off_s": -1}, "greater than or equal to 0"),
        ({"off": "x", "on": "y", "timeout_s": 0}, "out of range for a value in seconds"),
        ({"off": "x", "on": "y", "cycle": "z"}, "Extra inputs"),
    ],
)
def test_what_is_no_switch_is_refused(power: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        board(power=power)


def test_a_check_without_a_limit_has_one() -> None:
    assert Health(command=["test", "-e", "/dev/mali0"]).timeout_s == 60
