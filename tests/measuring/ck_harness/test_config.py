"""Boards and libraries of Collective Knowledge in the config, and what a plan says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from nntest.config import Board, Library, Study, load_study
from nntest.errors import UserError
from nntest.measuring.ck_harness.request import ck_request, pip_request
from nntest.measuring.ck_harness.setup import set_up
from nntest.measuring.installed import Installed
from nntest.measuring.libraries.ck import library_tag
from nntest.measuring.plan import build_plan, sweep_folder
from nntest.measuring.progress import Watcher
from nntest.measuring.transport import connect

HOME = Path(__file__).parents[3]
BOARD: dict[str, Any] = {
    "connect": {"transport": "local"},
    "work_dir": "/board",
    "harness": "ck",
    "ck": {"repositories": ["ck-env", {"name": "ck-nntest", "url": "https://127.0.0.1/ck-nntest"}]},
}
LIBRARY: dict[str, Any] = {
    "kind": "ck",
    "version": "18.05",
    "ck": {"library": {"package": "lib-armcl-opencl-18.05", "tags": "lib,arm-compute-library"}},
    "operators": {"conv": {"tuners": ["NONE", "DEFAULT"]}},
}
FACTS: dict[str, Any] = {
    "machine": "aarch64", "platform": "Board", "model": "Board", "vendor": "", "cpus": [],
    "distribution": "", "kernel": "", "cpufreq_policies": [], "devfreq_devices": [],
    "thermal_zones": [], "throttle_counters": [],
}  # fmt: skip
INSTALLED = Installed("lib", "18.05-b3a371b", "tag", "1" * 64, {}, {"environment": "0" * 16})


def study(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> Study:
    """A study of one CK board and library; `board`, `library` and `config` change their files."""
    monkeypatch.chdir(folder)
    for kind, name, content in (
        ("boards", "here", {**BOARD, **changes.get("board", {})}),
        ("libraries", "lib", {**LIBRARY, **changes.get("library", {})}),
    ):
        (folder / "config" / kind).mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump({key: value for key, value in content.items() if value is not None})
        (folder / "config" / kind / f"{name}.yaml").write_text(text)
    config = {
        "study": "s", "networks": ["mobilenet-v1-1.0-224"], "boards": ["here"],
        "libraries": ["lib"], "operators": ["conv"], "tuners": ["NONE", "DEFAULT"],
        **changes.get("config", {}),
    }  # fmt: skip
    return load_study(config, HOME)


def plan_of(study: Study) -> dict[str, Any]:
    sweep = study.sweeps()[0]
    return build_plan(
        study, sweep, INSTALLED, FACTS, programs="/board/programs/v",
        folder=sweep_folder(study, sweep, "/board"), planned_at="",
    )  # fmt: skip


def test_a_plan_says_what_ck_is_to_be_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(study(tmp_path, monkeypatch))
    assert plan["ck_run"]["ck"] == {"argv": ["ck"], "environment": {}, "path": []}
    assert len(plan["points"]) == 2 * 11
    first = plan["points"][0]
    assert first["program"] == "conv-armcl-opencl"
    assert first["dataset"] == "tensor-conv-mobilenets-v1-1.0-224"
    assert first["variables"][0] == ["CK_IN_SHAPE_C", 3]
    assert first["ck_env"] == {}
    labels = {point["label"].rsplit("-", 1)[0] for point in plan["points"]}
    assert labels == {"s-here-tuner-none", "s-here-tuner-default"}


def test_what_ck_names_alike_has_another_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def label(**changes: Any) -> str:
        return str(plan_of(study(tmp_path, monkeypatch, **changes))["points"][0]["label"])

    quick = {"board": {"ck": {"fixed_sleeps": False}}}
    seed = {"config": {"seed": 7}}
    assert len({label(), label(**quick), label(**seed)}) == 3
    assert label() == label(config={"repetitions": 3})
    environment = plan_of(study(tmp_path, monkeypatch, **seed))["points"][0]["ck_env"]
    assert environment == {"CK_SEED": "7"}


@pytest.mark.parametrize(
    ("changes", "reported"),
    [
        ({"library": {"warmup": "always"}}, "do not support `warmup`"),
        ({"library": {"ck": None}}, "kind ck needs `ck`"),
        ({"library": {"kind": "opencl-reference"}}, "`ck` needs kind ck"),
        ({"board": {"harness": "native"}}, "`ck` needs harness: ck"),
        ({"board": {"harness": "native", "ck": None}}, "set `harness: ck`"),
        ({"board": {"ck": {"pip": "ck", "command": "ck"}}}, "not both"),
        ({"board": {"ck": {"pip": "ck; reboot"}}}, "ck.pip"),
        ({"board": {"ck": {"where": "here"}}}, "needs `pip`"),
        (
            {"board": {"ck": {"pip": "ck", "where": "here", "python": "python2.7"}}},
            "for the board's own Python",
        ),
        ({"board": {"ck": {"repositories": ["a", "a"]}}}, "listed twice"),
        (
            {"board": {"ck": {"repositories": [{"name": "a", "path": "b", "url": "c"}]}}},
            "not several",
        ),
        ({"config": {"libraries": ["opencl-reference"]}}, "harness ck needs a library of kind"),
        ({"config": {"padding": "exact"}}, "pad all sides equally"),
    ],
)
def test_a_mistake_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], reported: str
) -> None:
    with pytest.raises(UserError, match=reported):
        study(tmp_path, monkeypatch, **changes)


def test_a_ck_of_our_own_has_folders_of_its_own() -> None:
    board = Board(name="b", **{**BOARD, "ck": {"pip": "ck==1.9.9", "python": "python2.7"}})
    request, pip = ck_request(board, "/board"), pip_request(board, "/board")
    assert pip is not None
    assert (pip["requirement"], pip["python"]) == ("ck==1.9.9", "python2.7")
    assert request["argv"] == [pip["starter"]]
    assert request["environment"] == {
        "CK_REPOS": "/board/ck/repositories",
        "CK_TOOLS": "/board/ck/tools",
        "PYTHONPATH": pip["folder"],
    }


@pytest.mark.parametrize("name", ["ck-armcl-18.05", "ck-armcl-18.05-detected"])
def test_the_library_files_are_whole(name: str) -> None:
    path = HOME / f"config/libraries/{name}.yaml"
    library = Library(name=path.stem, **yaml.safe_load(path.read_text("utf-8")))
    assert library.ck is not None
    assert library.ck.program("winogradconv") == "winogradconv-armcl-opencl"


def test_the_virtual_boards_study_has_both_harnesses() -> None:
    content = {
        **yaml.safe_load((HOME / "config/config.yaml").read_text("utf-8")),
        **yaml.safe_load((HOME / "config/virtual-ck.yaml").read_text("utf-8")),
    }
    sweeps = load_study(content, HOME).sweeps()
    assert {(sweep.board.name, sweep.library.name) for sweep in sweeps} == {
        ("virtual-rk3399", "armcl-opencl-18.05-cross"),
        ("virtual-ck", "ck-armcl-18.05-detected"),
    }
    assert len({len(sweep.points) for sweep in sweeps}) == 1


def test_all_repositories_that_are_not_here_are_named_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    repositories = [{"name": name, "archive": name} for name in ("ck-env", "there", "ck-nntest")]
    board = Board(name="b", **{**BOARD, "ck": {"repositories": repositories}})
    library = Library(name="lib", **LIBRARY)
    with connect(board) as transport, pytest.raises(UserError) as caught:
        set_up(transport, board, library, FACTS, Watcher())
    assert "on this machine: ck-env (ck-env), ck-nntest (ck-nntest)" in caught.value.message
    assert "git clone https://github.com/ctuning/NAME" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("name", "version", "tag"),
    [
        (
            "Arm Compute Library (opencl)",
            "18.05-b3a371b",
            "arm-compute-library-opencl-18.05-b3a371b",
        ),
        ("Lib, fast", "1.0", "lib-fast-1.0"),
        ("avgpool avgpool", "avgpool-1", "avgpool-avgpool-1"),
    ],
)
def test_a_library_is_tagged_as_ck_tags_it(name: str, version: str, tag: str) -> None:
    assert library_tag(name, version) == tag
