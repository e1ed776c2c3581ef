"""Collective Knowledge from PyPI on the virtual board, up to the first repository that it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from nntest.config import Board, Library
from nntest.errors import UserError
from nntest.measuring.ck_harness.request import ck_request
from nntest.measuring.ck_harness.setup import set_up
from nntest.measuring.onboard import absolute_root
from nntest.measuring.probe import probe
from nntest.measuring.progress import Watcher
from nntest.measuring.transport import Transport
from virtual_board.own_board import VirtualBoard
from workflow.study import HOME

pytestmark = [pytest.mark.virtual_board, pytest.mark.network]


def shipped(folder: str, name: str) -> dict[str, Any]:
    content = yaml.safe_load((HOME / "config" / folder / f"{name}.yaml").read_text("utf-8"))
    return {"name": name, **content}


def test_it_is_installed_and_answers_and_its_repositories_are_asked_for(
    running: VirtualBoard, transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content = shipped("boards", "virtual-ck") | {"connect": running.board.connect}
    library = Library.model_validate(shipped("libraries", "ck-armcl-18.05-detected"))
    facts, _ = probe(transport, running.board)

    def reported(**harness: Any) -> UserError:
        """How the setting up of the shipped board with a changed `ck` ends."""
        board = Board.model_validate({**content, "ck": {**content["ck"], **harness}})
        with pytest.raises(UserError) as caught:
            set_up(transport, board, library, facts, Watcher())
        return caught.value

    error = reported()
    assert "repositories are not on this machine: ck-env (ck/ck-env), ck-auto" in error.message
    assert "git clone https://github.com/ctuning/NAME" in (error.hint or "")

    error = reported(repositories=[])
    assert "CK knows no os:linux-64: its repository ck-env is missing" in error.message
    assert "set its place under ck: repositories" in (error.hint or "")
    board = Board.model_validate(content)
    ck = ck_request(board, absolute_root(transport, board))
    said = transport.run([*ck["argv"], "version"], timeout_s=120, environment=ck["environment"])
    assert said.check("ck version").stdout.strip() == "V2.6.4"
