"""A library file of kind armcl-opencl: what it may say, and what is reported of what it may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from nntest.config import load_study
from nntest.config.install import AptInstall, BuildHere, Preinstalled
from nntest.config.library import Library, version_key
from nntest.errors import UserError
from pydantic import ValidationError

HOME = Path(__file__).parents[2]


def armcl(**changes: Any) -> dict[str, Any]:
    """The shipped file with changes; None takes a key out."""
    content = yaml.safe_load((HOME / "config/libraries/armcl-opencl.yaml").read_text("utf-8"))
    content = {"name": "armcl", **content, **changes}
    return {key: value for key, value in content.items() if value is not None}


def test_the_shipped_file_installs_from_packages() -> None:
    library = Library.model_validate(armcl())
    assert isinstance(library.install, AptInstall)
    assert library.install.packages == ["libarm-compute-dev"]


def test_a_preinstalled_library_compiled_here() -> None:
    library = Library.model_validate(
        armcl(
            version="18.05",
            tuner_mode="exhaustive",
            install={"way": "preinstalled", "prefix": "/opt/armcl", "kernels": "/opt/armcl/cl"},
            build={
                "where": "here",
                "sysroot": "boards/firefly",
                "flags": ["-O3", "-mcpu=cortex-a72"],
            },
        )
    )
    assert isinstance(library.install, Preinstalled)
    assert isinstance(library.build, BuildHere)


@pytest.mark.parametrize(
    ("changes", "reported"),
    [
        ({"install": None}, "needs `install`"),
        ({"install": {"way": "snap"}}, "'apt', 'preinstalled', 'source', 'release'"),
        ({"install": {"way": "apt", "prefix": "/opt"}}, "install.apt.prefix"),
        (
            {"install": {"way": "preinstalled", "prefix": "opt/armcl"}},
            "install.preinstalled.prefix",
        ),
        ({"install": {"way": "preinstalled", "prefix": "/x; rm -rf ~"}}, "String should match"),
        ({"install": {"way": "apt", "packages": ["$(reboot)"]}}, "String should match"),
        ({"build": {"where": "here"}}, "sysroot"),
        ({"build": {"where": "board", "compiler": "g++; reboot"}}, "String should match"),
        ({"build": {"where": "board", "flags": ["-O2 $(reboot)"]}}, "String should match"),
        ({"version": "17.09"}, "version '17.09' is not supported; one of: 17.12"),
        ({"version": "21.02"}, "20.11"),
        ({"version": "18.05"}, "set tuner_mode: exhaustive"),
        ({"opencl_device": 1}, "takes the first OpenCL device"),
        ({"operators": {"conv": {"tuners": ["NONE", "CUSTOM"]}}}, "CUSTOM needs `tuner_table`"),
        ({"tuner_table": "no/such/file"}, "there is no such file"),
        ({"kind": "opencl-reference"}, "has nothing to install, build or set: remove `install`"),
    ],
)
def test_what_cannot_be_is_reported(changes: dict[str, Any], reported: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Library.model_validate(armcl(**changes))
    assert reported in str(caught.value)


SOURCE = {"way": "source", "git": "https://example.org/ComputeLibrary.git", "tag": "v18.05"}
SUM = "0" * 64


@pytest.mark.parametrize(
    ("install", "reported"),
    [
        ({"way": "source"}, "needs either `git` or `archive`"),
        ({**SOURCE, "archive": "a.tar.gz", "sha256": SUM}, "needs either `git` or `archive`"),
        ({**SOURCE, "tag": None}, "needs a `tag` or a `commit`"),
        ({"way": "source", "archive": "a.tar.gz"}, "`archive` and `sha256` go together"),
        ({**SOURCE, "git": "ext::sh -c reboot"}, "not the address of a git repository"),
        ({**SOURCE, "git": "--upload-pack=reboot"}, "expected the address of a git repository"),
        ({**SOURCE, "tag": "--upload-pack=x"}, "String should match"),
        ({**SOURCE, "commit": "b3a371b"}, "String should match"),
        ({**SOURCE, "extra_cxx_flags": ["-O2 -w"]}, "String should match"),
        ({**SOURCE, "options": ["neon=0"]}, "`options` may not set neon"),
        ({**SOURCE, "options": ["--site-dir=/x"]}, "String should match"),
        ({**SOURCE, "graph": True, "neon": False}, "needs both `opencl` and `neon`"),
        ({**SOURCE, "opencl": False}, "kind armcl-opencl needs install: opencl: true"),
        ({"way": "release", "archive": "a.rar", "sha256": SUM}, "name that ends in .tar.gz"),
        ({"way": "release", "archive": "ftp://h/a.zip", "sha256": SUM}, "'ftp:' is not supported"),
        ({"way": "release", "archive": "a.zip"}, "install.release.sha256"),
        ({"way": "release", "archive": "a.zip", "sha256": "1234"}, "String should match"),
    ],
)
def test_ways_that_cannot_be_are_reported(install: dict[str, Any], reported: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Library.model_validate(armcl(install=install))
    assert reported in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "reported"),
    [
        ({"layout": "NHWC", "version": "18.05"}, "layout NHWC needs version 18.08 or later"),
        ({"data_type": "fp64"}, "'fp32', 'fp16' or 'int8'"),
        ({"data_type": "int8", "version": "18.03"}, "data_type int8 needs version 18.05 or later"),
        ({"kind": "armcl-neon"}, "kind armcl-neon has NONE, not DEFAULT"),
        ({"version": "18.02", "operators": {"conv": {"tuners": ["CUSTOM"]}}}, "18.03 or later"),
        ({"version": "18.03", "operators": {"conv": {"tuners": ["BIFROST"]}}}, "18.05 or later"),
    ],
)
def test_formats_and_tuners_that_a_version_lacks_are_reported(
    tmp_path: Path, changes: dict[str, Any], reported: str
) -> None:
    (tmp_path / "table").touch()
    content = armcl(tuner_mode="exhaustive", tuner_table=str(tmp_path / "table"), **changes)
    with pytest.raises(ValidationError) as caught:
        Library.model_validate(content)
    assert reported in str(caught.value)


@pytest.mark.parametrize("path", sorted((HOME / "config/libraries").glob("*.yaml")), ids=str)
def test_every_shipped_file_is_good(path: Path) -> None:
    content = yaml.safe_load(path.read_text("utf-8"))
    library = Library.model_validate(
        {"name": path.stem, **content}, context={"folder": path.parent}
    )
    assert library.name == path.stem


def test_an_old_version_without_a_tuner_needs_no_mode() -> None:
    operators = {"conv": {"tuners": ["NONE"]}}
    assert Library.model_validate(armcl(version="18.05", operators=operators)).version == "18.05"


def test_a_mistake_is_told_with_file_and_mend(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.yaml").write_text(yaml.safe_dump(armcl(name=None, version="18.05")))
    config = yaml.safe_load((HOME / "config/config.yaml").read_text("utf-8"))
    config["libraries"] = ["old.yaml"]
    with pytest.raises(UserError, match=r"old.yaml: .*set tuner_mode: exhaustive"):
        load_study(config, HOME)


def test_versions_are_ordered_as_released() -> None:
    assert (
        version_key("17.12") < version_key("18.01") < version_key("20.02") < version_key("20.02.1")
    )
