"""Arm NN's packages: what is installed of them, and what is said of a board without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from nntest.config import Board, Library
from nntest.errors import UserError
from nntest.measuring.installed import Installed
from nntest.measuring.libraries import armnn
from nntest.measuring.transport.local import LocalTransport

HOME = Path(__file__).parents[3]
PACKAGES = yaml.safe_load((HOME / "config/libraries/armnn.yaml").read_text("utf-8"))["install"][
    "packages"
]
FACTS = {"cpus": [{"name": "Cortex-A72", "cores": 2}]}
FOUND: dict[str, Any] = {
    "packages": dict.fromkeys(PACKAGES, "ii"), "package_version": "20.08-12", "is_root": True,
    "tools": {"apt-get": "/usr/bin/apt-get", "sudo": None}, "backends": ["CpuAcc", "CpuRef"],
    "files": [{"name": "libarmnn.so.22", "path": "/lib/libarmnn.so.22", "sha256": "ab"}],
    "problem": "",
}  # fmt: skip


class Stand:
    """A board that answers as it is told to, and what apt was asked for."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = [{**FOUND, **answer} for answer in answers]
        self.asked: list[str] = []
        self.installed: list[str] = []

    def find(self, _: Any, __: Board, script: str, packages: str) -> dict[str, Any]:
        assert script == "armcl/find_armnn.py"
        self.asked = json.loads(packages)
        return self.answers.pop(0)

    def apt(self, _: Any, wanted: list[str], *__: Any) -> None:
        self.installed += wanted


def install(monkeypatch: pytest.MonkeyPatch, stand: Stand, **changes: Any) -> Installed:
    monkeypatch.setattr(armnn, "call", stand.find)
    monkeypatch.setattr(armnn, "install_packages", stand.apt)
    content = yaml.safe_load((HOME / "config/libraries/armnn.yaml").read_text("utf-8"))
    library = Library.model_validate({"name": "armnn", **content, **changes})
    board = Board.model_validate(
        {"name": "b", "connect": {"transport": "local"}, "work_dir": "work", "python": "python3"}
    )
    return armnn.ArmNN(library).install(LocalTransport(), board, FACTS)


def test_what_is_missing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = {**FOUND["packages"], "python3-pyarmnn": "", "libarmnn-cpuref-backend22": "iU"}
    stand = Stand({"packages": lacking, "problem": "No module named 'pyarmnn'"}, {})
    found = install(monkeypatch, stand)
    assert stand.asked == PACKAGES
    assert stand.installed == ["python3-pyarmnn", "libarmnn-cpuref-backend22"]
    assert (found.tag, found.device["name"]) == ("armnn-20.08", "Cortex-A72")
    assert found.details["backends"] == ["CpuAcc", "CpuRef"]


def test_nothing_is_done_where_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    stand = Stand({}, {"files": [{**FOUND["files"][0], "sha256": "cd"}]})
    first = install(monkeypatch, stand)
    second = install(monkeypatch, stand, install={"way": "preinstalled"})
    assert not stand.installed and stand.asked == []
    assert first.checksum != second.checksum  # another binary is another library


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"problem": "ImportError: no"}, "python3 cannot import pyarmnn: ImportError: no"),
        ({"package_version": "21.05-1"}, "the board has version 21.05, the library's file says 20"),
    ],
)
def test_a_board_that_will_not_do(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError) as caught:
        install(monkeypatch, Stand(answer))
    assert caught.value.message.startswith("board b, library armnn: ")
    assert said in caught.value.message
