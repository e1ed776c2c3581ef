"""A library file of kind pip: what it may say, and what is said of what it may not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from nntest.config import Study, load_study
from nntest.config.install import PipInstall
from nntest.errors import UserError

HOME = Path(__file__).parents[2]
HASH = " --hash=sha256:" + "0" * 64


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def load(
    file: str = "onnxruntime-1.27", tuners: Sequence[str] = ("DEFAULT",), **changes: Any
) -> Study:
    """The study with a shipped file, changed; None takes a key out."""
    folder = HOME / "config" / "libraries"
    content = yaml.safe_load((folder / f"{file}.yaml").read_text("utf-8"))
    content = {key: value for key, value in {**content, **changes}.items() if value is not None}
    for lock in folder.glob("*.lock"):
        if not Path(lock.name).exists():
            Path(lock.name).write_bytes(lock.read_bytes())
    Path("mine.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    config = yaml.safe_load((HOME / "config/config.yaml").read_text("utf-8"))
    changed = {"libraries": ["mine.yaml"], "operators": ["conv"], "tuners": list(tuners)}
    return load_study({**config, **changed}, HOME)


def test_the_lock_lies_beside_the_file() -> None:
    install = load().library("mine").install
    assert isinstance(install, PipInstall)
    assert str(install.lock) == "onnxruntime-1.27.lock"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"adapter": None}, "kind pip needs `adapter`, e.g. adapter: onnxruntime"),
        ({"adapter": "caffe"}, "`adapter`: Input should be 'onnxruntime', 'litert'"),
        ({"install": None}, "kind pip needs `install`, e.g. install: {way: pip"),
        ({"install": {"way": "apt"}}, "kind pip needs `install`, e.g. install: {way: pip"),
        ({"install": {"way": "pip"}}, "key `install.pip.lock` is missing"),
        (
            {"install": {"way": "pip", "lock": "none.lock"}},
            "`install.pip.lock`: there is no file none.lock; `nntest lock` writes it",
        ),
        ({"build": {"where": "board"}}, "kind pip has nothing to build: leave `build` out"),
        (
            {"operators": {"conv": {"tuners": ["fast"]}}},
            "no tuner 'fast': NONE, DEFAULT, or one of `settings`: NONE, DEFAULT, nchw",
        ),
        (
            {"file": "ncnn", "operators": {"onnx": {}}},
            "operator onnx: only adapters onnxruntime and openvino run it",
        ),
        ({"operators": {"conv": {"tuners": ["CUSTOM"]}}}, "no tuner 'CUSTOM': NONE, DEFAULT"),
        (
            {"version": "1.32.0"},
            "version is 1.32.0, but onnxruntime-1.27.lock pins onnxruntime 1.27.0: `nntest lock` "
            "with this file writes the lock anew, or correct `version`",
        ),
        ({"version": 1.27}, "`version`: Input should be a valid string"),
        (
            {"install": {"way": "pip", "lock": "ncnn.lock"}},
            "version is 1.27.0, but ncnn.lock has no onnxruntime: `nntest lock` with this file",
        ),
    ],
)
def test_what_cannot_be_is_said(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        load(**changes)
    assert caught.value.message.startswith("mine.yaml: ")
    assert said in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("file", "changes", "said"),
    [
        ("opencl-reference", {"adapter": "ncnn"}, "remove `install`, `build`, `adapter` and"),
        ("opencl-reference", {"settings": {"DEFAULT": {}}}, "remove `install`, `build`, `adapter`"),
        ("armcl-neon", {"adapter": "ncnn"}, "belong to kind pip"),
        ("armcl-neon", {"settings": {"NONE": {"a": 1}}}, "belong to kind pip"),
        ("armcl-neon", {"install": {"way": "pip", "lock": "ncnn.lock"}}, "belong to kind pip"),
        ("ck-armcl-18.05", {"adapter": "ncnn"}, "`adapter`"),
        ("ck-armcl-18.05", {"settings": {"NONE": {}}}, "`settings`"),
        ("opencl-reference", {"data_type": "int8"}, "int8 needs kind pip and one of the adapters"),
    ],
)
def test_what_belongs_to_kind_pip_alone(file: str, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)) as caught:
        load(file, **changes)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        (f"onnxruntime==1.27.0{HASH}\nloose>=1{HASH}\n", "loose has no version and hash"),
        ("onnxruntime==1.27.0\n", "onnxruntime has no version and hash"),
        ("=nonsense\n", "mine.lock: requirement 1:"),
        (
            f"onnxruntime==1.26.0 ; python_version < '3.12'{HASH}\nonnxruntime==1.27.0{HASH}\n",
            "pins onnxruntime 1.26.0, 1.27.0",
        ),
    ],
)
def test_a_lock_that_pins_something_else(lock: str, said: str) -> None:
    Path("mine.lock").write_text(lock, encoding="utf-8")
    with pytest.raises(UserError, match=re.escape(said)):
        load(install={"way": "pip", "lock": "mine.lock"})


def test_a_package_is_found_however_its_name_is_written() -> None:
    Path("mine.lock").write_text(f"AI_Edge.LiteRT==2.3.0{HASH}\n", encoding="utf-8")
    assert load("litert", install={"way": "pip", "lock": "mine.lock"}).library("mine")


def test_a_tuner_of_its_own_may_be_asked_for() -> None:
    study = load(tuners=["nchw"])
    assert {point.tuner for point in study.points(study.library("mine"))} == {"nchw"}


def test_a_tuner_that_no_library_has() -> None:
    with pytest.raises(UserError, match="tuner 'ncwh' is in none of the libraries mine") as caught:
        load(tuners=["ncwh"])
    assert "nchw" in (caught.value.hint or "")


def test_a_tolerance_in_int8_is_in_steps_or_spreads() -> None:
    library = load("onnxruntime-int8").library("mine")
    assert (library.tolerance("conv"), library.tolerance("network")) == (1.0, 2.0)
    own = {"conv": {"tuners": ["DEFAULT"], "tolerance": 2}, "network": {}}
    library = load("onnxruntime-int8", operators=own).library("mine")
    assert (library.tolerance("conv"), library.tolerance("network")) == (2.0, 2.0)


@pytest.mark.parametrize("file", sorted(HOME.glob("config/libraries/*-int8.yaml")))
def test_a_file_for_int8_is_its_sibling_but_for_the_data_type(file: Path) -> None:
    """Version, wheels and settings, so that what they are compared by differs in nothing else."""
    content = yaml.safe_load(file.read_text("utf-8"))
    sibling = yaml.safe_load(file.with_name(file.name.replace("-int8", "")).read_text("utf-8"))
    assert content["data_type"] == "int8"
    same = ("kind", "adapter", "version", "install", "build", "protocol", "repetitions_per_process")
    for key in same:
        assert content.get(key) == sibling.get(key)
    if content["kind"] == "pip":
        assert content["settings"].items() <= sibling["settings"].items()
    assert set(content["operators"]) <= set(sibling["operators"])
