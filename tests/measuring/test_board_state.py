"""What is told of a board's changes: those since the first of the rows that a plan has."""

from __future__ import annotations

import glob
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nntest.codehash import ONBOARD
from nntest.config import Library
from nntest.config.load import read_yaml
from nntest.measuring.installed import Installed
from nntest.measuring.libraries import KINDS
from nntest.measuring.sweep import Outputs, _board_state
from nntest.measuring.transport.local import LocalTransport
from onboard.private import public

SWEEP: Any = SimpleNamespace(name="b.lib", board=SimpleNamespace(name="b"))


def told(folder: Path, content: str | None) -> dict[str, Any]:
    """Of a journal whose rows of the plan began at ten."""
    outputs = Outputs(*(folder / name for name in ("a.zip", "j.jsonl", "p.json", "t.json", "s")))
    measured = {"process": 0, "status": "ok", "time_s": 0.001}
    lines = [
        {**measured, "point": point, "repetition": n, "started_at": f"2026-01-01T{hour}:00:00.0"}
        for n, (point, hour) in enumerate([("old", "08"), ("p", "11"), ("p", "10")])
    ]
    outputs.journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    outputs.plan.write_text(json.dumps({"points": [{"id": "p"}]}))
    if content is not None:
        (folder / "board-changes.json").write_text(content)
    return _board_state(LocalTransport(), SWEEP, str(folder), outputs)


def test_changes_before_the_plans_first_row_are_not_its_own(tmp_path: Path) -> None:
    changes = [
        {"at": "2026-01-01T09:59:00.000000+00:00", "what": "too early"},
        {"at": "2026-01-01T10:30:00.000000+00:00", "what": "the kernel was A and is B"},
    ]
    state = {"kernel": "B", "library": {"/home/ann/lib.so": "c"}}
    found = told(tmp_path, json.dumps({"state": state, "changes": changes}))
    assert found == {
        "sweep": SWEEP.name,
        "board": "b",
        "state": {"kernel": "B", "library": [{"path": "/home/ann/lib.so", "sha256": "c"}]},
        "changes": ["b.lib, 2026-01-01 10:30 UTC: the kernel was A and is B"],
    }
    assert "ann" not in json.dumps(public(found))


@pytest.mark.parametrize(
    "content",
    [None, "", "no JSON", "[]", '{"changes": 3}', '{"changes": [4]}', '{"changes": [{"at": 1}]}'],
)
def test_a_record_that_is_damaged_tells_nothing(tmp_path: Path, content: str | None) -> None:
    assert told(tmp_path, content)["changes"] == []


@pytest.mark.parametrize("name", ["opencl-reference", "onnxruntime", "armcl-opencl"])
def test_a_librarys_files_are_found_in_a_folder_with_odd_signs(tmp_path: Path, name: str) -> None:
    path = ONBOARD.parents[1] / "config" / "libraries" / f"{name}.yaml"
    content = {"name": name, **read_yaml(path)}
    library = Library.model_validate(content, context={"folder": path.parent})
    root = tmp_path / "a [1]* b"
    programs = root / "programs" / "version"
    shutil.copytree(ONBOARD / "opencl_reference", programs / "opencl_reference")
    kind: Any = KINDS[library.kind](library)
    if name == "onnxruntime":
        package = Path(kind._environment(str(root))) / "venv/lib/python3.11/site-packages"
        (package / "onnxruntime-1.dist-info").mkdir(parents=True)
        (package / "onnxruntime-1.dist-info" / "RECORD").touch()
    built = root / "armcl"
    built.mkdir(parents=True)
    (built / "conv").touch()
    details = {"library_files": [{"path": str(built / "conv")}], "programs": str(built)}
    installed = Installed(name, "1", "tag", "checksum", {}, details)
    for pattern in kind.files(str(programs), installed):
        assert glob.glob(pattern), pattern  # noqa: PTH207 - as the board does
