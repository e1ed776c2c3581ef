"""Sets of cores of a study: in every point, its id and its environment, unless unasked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from measuring.test_threads import FACTS, HOME, planned, study
from nntest.analysis.network_schedule import schedule_network
from nntest.archives.ck.choices import Choices
from nntest.config import Study
from nntest.domain.network_points import left_out_lines, load_chosen, save_chosen
from nntest.errors import UserError
from nntest.graph.boards import network_schedule_spec, sweep_spec
from nntest.measuring.pending import pending_repetitions


def board(tmp_path: Path, cores: Any) -> str:
    content = yaml.safe_load((HOME / "config/boards/localhost.yaml").read_text("utf-8"))
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump({**content, "cores": cores}), encoding="utf-8")
    return str(path)


@pytest.fixture
def pinned(tmp_path: Path) -> Study:
    where = board(tmp_path, {"big": "4-5", "little": 0})
    return study(boards=[where], cores=["big", "little"])


def test_every_point_is_measured_on_every_set_of_cores(tmp_path: Path, pinned: Study) -> None:
    plain = planned(study(boards=[board(tmp_path, {"big": "4-5", "little": 0})]))
    assert not any("NNTEST_CORES" in point["env"] for point in plain)
    found = planned(pinned)
    assert len(found) == 2 * len(plain)
    said = {(point["env"]["NNTEST_CORE_SET"], point["env"]["NNTEST_CORES"]) for point in found}
    assert said == {("big", "4,5"), ("little", "0")}
    ids = [point["id"] for point in (*plain, *found)]
    assert len(set(ids)) == len(ids)


def test_without_cores_nothing_is_measured_anew(tmp_path: Path, pinned: Study) -> None:
    """A board's file may name cores that no study asks for."""
    plain, named = study(), study(boards=[board(tmp_path, {"big": 0})])
    assert "core" not in json.dumps(sweep_spec(plain, plain.sweeps()[0])).lower()
    assert "core" not in json.dumps(sweep_spec(named, named.sweeps()[0])).lower()
    assert "cores" not in network_schedule_spec(plain, "onnxruntime")
    assert network_schedule_spec(pinned, "onnxruntime")["cores"] == ["big", "little"]


def test_other_cores_under_the_same_name_are_other_points(tmp_path: Path) -> None:
    ids, specs = [], []
    for cores in ("0-1", "0,2"):
        made = study(boards=[board(tmp_path, {"big": cores})], cores=["big"])
        ids += [point["id"] for point in planned(made)]
        specs.append(sweep_spec(made, made.sweeps()[0]))
    assert len(set(ids)) == len(ids)
    assert specs[0] != specs[1]


def test_chosen_networks_keep_their_cores(tmp_path: Path, pinned: Study) -> None:
    points, _ = schedule_network(pinned, pinned.libraries[0], {})
    left = {"network": "n", "batch_size": 1, "choice": "NONE", "reason": "none", "cores": "big"}
    save_chosen(tmp_path / "c.json", points, [left], board="b", library="l")
    assert load_chosen(tmp_path / "c.json") == tuple(points)
    assert [point.cores for point in points] == ["big", "little"]
    assert left_out_lines(tmp_path / "c.json") == [
        "n, batch 1, NONE, cores big: not measured end to end on b with l: none."
    ]
    (sweep,) = pinned.network_sweeps()
    assert pending_repetitions(pinned, sweep, tmp_path / "none") == 4 * 2


def test_an_edited_set_of_the_same_name_is_kept_apart_in_archives() -> None:
    """Its numbers are a setting that no column says."""
    choices = Choices({"choices": {"env": {"NNTEST_CORES": "4,5", "NNTEST_CORE_SET": "big"}}})
    assert choices.take(("NNTEST_CORE_SET",), str) == "big"
    assert choices.settings() == (("NNTEST_CORES", "4,5"),)


@pytest.mark.parametrize(
    ("cores", "told"),
    [
        ({"big": "5-4"}, "`cores.big`: Value error, '5-4' has no cores from 0 to 4095"),
        ({"big": "many"}, "`cores.big`: Value error, 'many' is not a list of cores such as 0-3,6"),
        ({"big": None}, "`cores.big`: Value error, a set of cores is empty: write 0-3"),
        ({"big": []}, "`cores.big`: Value error, a set of cores is empty: write 0-3"),
        ({"big": True}, "`cores.big`: Value error, a set of cores is written 0-3"),
        ({"little": 0}, "board own: has no set of cores 'big', which the study asks for; it has: "),
        ({}, "board own: has no set of cores 'big', which the study asks for; it has: none"),
    ],
)
def test_a_mistake_in_the_boards_file(tmp_path: Path, cores: Any, told: str) -> None:
    with pytest.raises(UserError) as caught:
        study(boards=[board(tmp_path, cores)], cores=["big"])
    assert told.replace("Value error, ", "") in str(caught.value).replace("Value error, ", "")


def test_a_core_that_the_board_lacks(pinned: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FACTS, "cores", "0-4")
    with pytest.raises(UserError) as caught:
        planned(pinned)
    assert caught.value.message == (
        "board own: cores: big: 4-5: the board has no core 5; it has 0-4"
    )


def test_collective_knowledge_is_given_no_cores() -> None:
    with pytest.raises(UserError, match=r"cores: ck-armcl-18\.05 cannot be told"):
        study(boards=["localhost"], libraries=["ck-armcl-18.05", "onnxruntime"], cores=["big"])
