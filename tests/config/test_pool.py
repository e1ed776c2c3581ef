"""A pool: boards of one kind by what their files say, and the sweeps that they share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from nntest.config import load_study
from nntest.errors import UserError
from nntest.graph.boards import sweep_spec

HOME = Path(__file__).parents[2]
CONFIG = {
    "study": "pooled", "networks": ["mobilenet-v1-0.25-128"], "boards": ["twins"],
    "libraries": ["onnxruntime", "ncnn"], "operators": ["conv"], "tuners": ["DEFAULT"],
}  # fmt: skip
BOARD = {"connect": {"transport": "ssh", "host": "h"}, "work_dir": "w", "soc": "RK3399"}


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        write(name, **BOARD)
    write("twins", pool=["a", "b"])


def write(stem: str, **content: Any) -> None:
    path = Path(f"config/boards/{stem}.yaml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


def test_a_pool_has_one_sweep_of_each_library_and_its_boards_are_the_studys() -> None:
    write("c", **BOARD)
    study = load_study({**CONFIG, "boards": ["c", "twins"], "end_to_end": True}, HOME)
    assert [board.name for board in study.boards] == ["c", "a", "b"]
    assert [(sweep.name, sweep.board_names) for sweep in study.sweeps()] == [
        ("c.onnxruntime", ["c"]), ("c.ncnn", ["c"]),
        ("twins.onnxruntime", ["a", "b"]), ("twins.ncnn", ["a", "b"]),
    ]  # fmt: skip
    assert [sweep.place for sweep in study.network_sweeps()] == ["c", "c", "twins", "twins"]
    (spec, alone) = (sweep_spec(study, study.sweep(f"{of}.ncnn")) for of in ("twins", "c"))
    assert [of["board"] for of in spec["pool"]] == ["a", "b"]
    assert "pool" not in alone


def test_every_board_of_a_pool_measures_the_same_few_points_of_one_library() -> None:
    study = load_study({**CONFIG, "precision": "2 %", "budget_s": {"study": 60}}, HOME)
    first, second = study.anchors()
    assert [first.name, second.name] == ["a.onnxruntime", "b.onnxruntime"]
    assert [first.board.name, second.board.name] == ["a", "b"]
    assert first.points == second.points
    own = study.sweep("twins.onnxruntime")
    assert len(first.points) == 3 < len(own.points)
    assert set(first.points) < set(own.points)
    assert study.sweep("b.onnxruntime") == second
    assert study.aim(first) == {}, "a comparison of boards takes nothing of the study's budget"
    assert study.aim(own)["sweep_s"] == pytest.approx(30)
    assert load_study({**CONFIG, "boards": ["a"]}, HOME).anchors() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"soc": "RK3588"}, "pool twins: board b is of another kind than a: .* differ in `soc`"),
        ({"platform": {"name": "B"}, "emulated": True}, "differ in `platform`, `emulated`"),
        ({"frequency_domains": [{"name": "CPU", "path": "/x", "governor": "performance"}]},
         "differ in `frequency_domains`"),
        ({"connect": {"transport": "local"}}, "board b: the boards of a pool are reached over SSH"),
        ({"harness": "ck"}, "harness: native"),
    ],
)  # fmt: skip
def test_boards_of_other_kinds_are_refused(changes: dict[str, Any], said: str) -> None:
    write("b", **{**BOARD, **changes})
    with pytest.raises(UserError, match=said):
        load_study(CONFIG, HOME)


@pytest.mark.parametrize(
    ("pool", "said"),
    [
        (["a"], "`pool`: List should have at least 2 items"),
        (["a", "a"], "a board is listed twice"),
        (["a", "nowhere"], "'nowhere' has no file config/boards/nowhere.yaml"),
        (["a", "../b"], "`pool"),
        ("a", "`pool`"),
    ],
)
def test_a_pool_that_is_none(pool: Any, said: str) -> None:
    write("twins", pool=pool)
    with pytest.raises(UserError, match=said):
        load_study(CONFIG, HOME)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"boards": ["twins", "a"]}, "a is in pool twins, and is named a second time"),
        ({"boards": ["twins", "twin"]}, "is in pool tw.*, and is named a second time"),
        ({"sweep_by": "board"}, "sweep_by: board: .* pool twins has none to share out"),
    ],
)
def test_a_study_that_a_pool_does_not_fit_in(changes: dict[str, Any], said: str) -> None:
    write("twin", pool=["b", "a"])
    with pytest.raises(UserError, match=said):
        load_study({**CONFIG, **changes}, HOME)


def test_a_pool_has_no_keys_of_a_board() -> None:
    write("twins", pool=["a", "b"], work_dir="w")
    with pytest.raises(UserError, match="unknown key `work_dir`"):
        load_study(CONFIG, HOME)
