"""The on-board part that makes Collective Knowledge ready."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from ck_command import CkError
from ck_setup import CkSetup
from nntest.config import Board
from nntest.measuring.ck_harness.request import ck_request, pip_request

KERNEL = """
import json
import sys

def access(words):
    out = [word.split("=", 1)[1] for word in words if word.startswith("--out_file=")]
    known = words[0] == "version"
    answer = {"return": 0, "version_str": "9.9"} if known else {"return": 16}
    with open(out[0], "w") as stream:
        json.dump(answer, stream)
    return answer
"""
"""Of a CK that knows its version and nothing else."""


def test_ck_that_was_sent_as_wheels_is_unpacked_once_and_started(tmp_path: Path) -> None:
    wheels, folder = tmp_path / "wheels", tmp_path / "setup"
    for path in (wheels, folder):
        path.mkdir()
    with zipfile.ZipFile(wheels / "ck-9.9-py3-none-any.whl", "w") as wheel:
        wheel.writestr("ck/__init__.py", "")
        wheel.writestr("ck/kernel.py", KERNEL)
    board = Board.model_validate(
        {
            **{"name": "here", "connect": {"transport": "local"}, "work_dir": str(tmp_path)},
            **{"harness": "ck", "ck": {"pip": "ck==9.9", "where": "here"}},
        }
    )
    pip = pip_request(board, str(tmp_path), str(wheels))
    assert pip is not None
    setup: dict[str, Any] = {
        "ck": ck_request(board, str(tmp_path)),
        **{"pip": pip, "repositories": [], "software": [], "programs": [], "bits": "64"},
    }
    plan = {"plan_id": "one", "lock_file": str(tmp_path / "lock"), "setup": setup}
    for _ in range(2):
        with pytest.raises(CkError, match="its repository ck-env is missing"):
            CkSetup(str(folder), plan).work()
        (wheels / "ck-9.9-py3-none-any.whl").unlink(missing_ok=True)
    out = tmp_path / "out.json"
    done = subprocess.run(
        [pip["starter"], "version", f"--out_file={out}"],
        env={"PYTHONPATH": pip["folder"]}, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert '"9.9"' in out.read_text()
    assert sys.executable in Path(pip["starter"]).read_text()
