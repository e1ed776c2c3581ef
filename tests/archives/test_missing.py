"""What gave no results is known by its files, and named with the reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from nntest.archives.ck import has_rows
from nntest.archives.missing import (
    Missing,
    missing_lines,
    missing_sweeps,
    read_results,
    refuse_missing,
    write_missing,
)
from nntest.config import Study, load_study
from nntest.errors import UserError

HOME = Path(__file__).parents[2]
REASON = "board b (me@b): no route to it"


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """Two boards and two libraries, with whole networks."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config" / "boards").mkdir(parents=True)
    for name in ("a", "b"):
        board = {"connect": {"transport": "ssh", "host": name}, "work_dir": "w"}
        (tmp_path / "config" / "boards" / f"{name}.yaml").write_text(yaml.safe_dump(board))
    config = {
        "study": "s", "networks": ["mobilenet-v1-1.0-224"], "boards": ["a", "b"],
        "libraries": ["opencl-reference", "onnxruntime"], "operators": ["conv"],
        "tuners": ["NONE", "DEFAULT"], "end_to_end": True,
    }  # fmt: skip
    return load_study(config, HOME)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    folder = tmp_path / "results" / "s"
    (folder / "sweeps").mkdir(parents=True)
    for board in ("a", "b"):
        (folder / "boards" / board).mkdir(parents=True)
    return folder


def test_where_nothing_has_run_nothing_is_missing(study: Study, results: Path) -> None:
    assert missing_sweeps(study, results) == {}
    refuse_missing(study, {})


def test_a_board_that_was_not_probed_is_missing_as_one(study: Study, results: Path) -> None:
    write_missing(results / "boards" / "b" / "facts.json", REASON)
    missing = missing_sweeps(study, results)
    assert set(missing) == {
        f"b.{library}{cut}"
        for library in ("opencl-reference", "onnxruntime")
        for cut in ("", ".network")
    }
    assert missing_lines(study, missing) == [f"missing: {REASON}"]


def test_a_library_that_was_not_installed_is_missing_with_its_sweeps(
    study: Study, results: Path
) -> None:
    write_missing(results / "boards" / "a" / "onnxruntime.json", "no wheel for it")
    missing = missing_sweeps(study, results)
    assert missing_lines(study, missing) == [
        "missing: a.onnxruntime: no wheel for it",
        "missing: a.onnxruntime.network: no wheel for it",
    ]
    with pytest.raises(UserError) as error:
        refuse_missing(study, missing)
    assert "no wheel for it" in error.value.message
    assert "tries again" in str(error.value.hint)


def test_a_reason_that_names_no_board_is_said_with_its_name(study: Study, results: Path) -> None:
    for board in ("a", "b"):
        write_missing(results / "boards" / board / "facts.json", "its clock is wrong")
    assert missing_lines(study, missing_sweeps(study, results)) == [
        "missing: board a: its clock is wrong",
        "missing: board b: its clock is wrong",
    ]


def test_a_sweep_with_results_is_not_missing(study: Study, results: Path) -> None:
    (results / "sweeps" / "a.onnxruntime.state.json").write_text('{"board": "a"}')
    write_missing(results / "sweeps" / "b.onnxruntime.state.json", REASON)
    assert missing_sweeps(study, results) == {"b.onnxruntime": REASON}


def test_results_of_an_earlier_run_do_not_hide_what_this_one_did_not_install(
    study: Study, results: Path
) -> None:
    (results / "sweeps" / "a.onnxruntime.state.json").write_text('{"board": "a"}')
    write_missing(results / "boards" / "a" / "onnxruntime.json", "no wheel for it")
    assert "a.onnxruntime" in missing_sweeps(study, results)


def test_files_without_results_are_of_their_kind(tmp_path: Path) -> None:
    archive, journal, plan = (tmp_path / name for name in ("s.zip", "s.jsonl", "s.plan.json"))
    for path in (archive, journal, plan):
        write_missing(path, REASON)
    assert not has_rows(archive, synthetic=True)
    assert journal.read_text() == ""
    assert json.loads(plan.read_text()) == {"missing": REASON}
    with pytest.raises(Missing, match="no route"):
        read_results(plan)
