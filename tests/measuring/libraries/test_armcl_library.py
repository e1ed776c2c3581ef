"""Finding Arm Compute Library on a machine, and what is reported where it cannot be used.

The machine is this one, without the library: a file with the words that the library has in it
stands for it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from nntest.codehash import ONBOARD
from nntest.config import Board, Library
from nntest.errors import UserError
from nntest.measuring.libraries.armcl import ArmCL
from nntest.measuring.libraries.armcl_board import Found
from nntest.measuring.libraries.armcl_provide import key_of
from nntest.measuring.transport.local import LocalTransport

HOME = Path(__file__).parents[3]
SAYS = (
    b"\0arm_compute_version=v18.05 Build options: {'opencl': '1', 'neon': '1'} Git hash=b3a371b\0"
)


def find(prefix: Path | str = "", packages: tuple[str, ...] = ()) -> Found:
    wanted = {"prefix": str(prefix), "packages": packages, "compiler": "g++"}
    said = subprocess.run(
        [sys.executable, str(ONBOARD / "armcl" / "find_library.py"), json.dumps(wanted)],
        capture_output=True,
        text=True,
        check=True,
    )
    return Found(**json.loads(said.stdout))


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """A folder that looks like an installed library, of which nothing can be run."""
    folder = tmp_path / "armcl"
    header = folder / "include" / "arm_compute" / "core" / "Types.h"
    header.parent.mkdir(parents=True)
    header.touch()
    (folder / "lib").mkdir()
    (folder / "lib" / "libarm_compute.so").write_bytes(b"\x7fELF operators")
    (folder / "lib" / "libarm_compute_core.so").write_bytes(b"\x7fELF" + SAYS)
    return folder


def test_a_prefix_is_searched(prefix: Path) -> None:
    found = find(prefix)
    assert [file["name"] for file in found.files] == ["arm_compute", "arm_compute_core"]
    assert found.headers == [str(prefix / "include")]
    assert (found.version, found.git_hash) == ("v18.05", "b3a371b")
    assert found.options == "{'opencl': '1', 'neon': '1'}"
    assert found.release() == "18.05"
    assert found.is_whole([])


def test_another_binary_is_another_checksum(prefix: Path) -> None:
    before = find(prefix).checksum()
    assert find(prefix).checksum() == before
    (prefix / "lib" / "libarm_compute.so").write_bytes(b"\x7fELF other operators")
    assert find(prefix).checksum() != before


def test_a_prefix_without_headers_or_library_is_not_whole(prefix: Path) -> None:
    (prefix / "include" / "arm_compute" / "core" / "Types.h").unlink()
    assert not find(prefix).is_whole([])
    assert find(prefix / "lib" / "nothing").files == []


def test_a_package_that_dpkg_left_half_done_is_not_whole(prefix: Path) -> None:
    found = find(prefix)
    found.packages["libarm-compute-dev"] = {"status": "iU", "version": "20.08+dfsg-7"}
    assert not found.is_whole(["libarm-compute-dev"])


@pytest.mark.parametrize(
    ("version", "package", "release"),
    [
        ("v20.02.1", None, "20.02.1"),
        ("v0.0-unreleased", "20.08+dfsg-7", "20.08"),
        ("v0.0-unreleased", None, None),
        (None, None, None),
    ],
)
def test_the_release_is_the_librarys_or_its_packages(
    version: str | None, package: str | None, release: str | None
) -> None:
    packages = {"p": {"status": "ii", "version": package}} if package else {}
    found = Found([], [], version, None, None, packages, {}, False)
    assert found.release() == release


def install(tmp_path: Path, **changes: Any) -> None:
    content = yaml.safe_load((HOME / "config/libraries/armcl-opencl.yaml").read_text("utf-8"))
    library = Library.model_validate({"name": "armcl", **content, **changes})
    board = Board.model_validate(
        {"name": "here", "connect": {"transport": "local"}, "work_dir": str(tmp_path / "work")}
    )
    ArmCL(library).install(LocalTransport(), board, {"cpus": [], "memory_mb": 1000})


def preinstalled(prefix: Path) -> dict[str, str]:
    return {"way": "preinstalled", "prefix": str(prefix)}


def test_a_prefix_with_nothing_in_it_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no libarm_compute\.so in /opt/nothing"):
        install(tmp_path, install=preinstalled(Path("/opt/nothing")))


def test_missing_headers_are_reported(tmp_path: Path, prefix: Path) -> None:
    (prefix / "include" / "arm_compute" / "core" / "Types.h").unlink()
    with pytest.raises(UserError, match=r"no arm_compute/core/Types\.h"):
        install(tmp_path, install=preinstalled(prefix))


def test_another_version_than_the_files_is_reported(tmp_path: Path, prefix: Path) -> None:
    with pytest.raises(UserError, match=r"has version 18\.05, the library's file says 20\.08"):
        install(tmp_path, install=preinstalled(prefix))


def test_an_unknown_version_is_reported(tmp_path: Path, prefix: Path) -> None:
    (prefix / "lib" / "libarm_compute_core.so").write_bytes(SAYS.replace(b"v18.05", b"v0.0-dev"))
    with pytest.raises(UserError, match=r"cannot be determined: it says 'v0\.0-dev'"):
        install(tmp_path, install=preinstalled(prefix))


def test_the_programs_lie_where_the_plan_says_whatever_the_board_says() -> None:
    content = yaml.safe_load((HOME / "config/libraries/armcl-opencl.yaml").read_text("utf-8"))
    kind = ArmCL(Library.model_validate({"name": "armcl", **content}))
    other = ArmCL(
        Library.model_validate(
            {"name": "armcl", **content, "build": {"where": "board", "flags": []}}
        )
    )
    board = Board.model_validate(
        {"name": "b", "connect": {"transport": "local"}, "work_dir": "nntest-flow"}
    )
    (path,) = kind.argv(board, "/home/firefly/nntest-flow/programs/0123", "conv")
    assert path.startswith("/home/firefly/nntest-flow/armcl/armcl-")
    assert path.endswith("/conv")
    assert other.argv(board, "/home/firefly/nntest-flow/programs/0123", "conv") != [path]
    assert kind.program("conv") == "conv-armcl-opencl"


@pytest.mark.parametrize(
    "path", sorted((HOME / "config/libraries").glob("armcl-*.yaml")), ids=lambda path: path.stem
)
def test_every_operator_of_a_shipped_file_has_a_program(path: Path) -> None:
    content = yaml.safe_load(path.read_text("utf-8"))
    programs = {path.stem for path in ArmCL.sources() if path.suffix == ".cpp"}
    assert set(content["operators"]) <= programs


def shipped(name: str, **changes: Any) -> ArmCL:
    content = yaml.safe_load((HOME / f"config/libraries/{name}.yaml").read_text("utf-8"))
    return ArmCL(Library.model_validate({"name": name, **content, **changes}))


def test_both_kinds_of_a_version_share_one_build_but_not_their_programs() -> None:
    facts = {"machine": "aarch64"}
    opencl, neon = shipped("armcl-opencl-18.05"), shipped("armcl-neon-18.05")
    assert key_of(opencl.library, facts, "b") == key_of(neon.library, facts, "b")
    assert opencl._programs_folder("/w/programs/1") != neon._programs_folder("/w/programs/1")
    assert neon.program("conv") == "conv-armcl-neon"
    with pytest.raises(UserError, match="has no NEON for x86_64"):
        key_of(neon.library, {"machine": "x86_64"}, "b")
    with pytest.raises(UserError, match="not made for a riscv64"):
        key_of(opencl.library, {"machine": "riscv64"}, "b")


def test_data_type_and_layout_reach_name_environment_and_identity() -> None:
    plain, other = shipped("armcl-opencl"), shipped("armcl-opencl", data_type="fp16", layout="NHWC")
    assert plain.identity("NONE") == {}
    assert other.identity("NONE") == {"data_type": "fp16", "layout": "NHWC"}
    assert other.program("conv") == "conv-armcl-opencl-fp16"
    assert plain.tag("20.08") == "arm-compute-library-opencl-20.08"
    assert other.tag("20.08") == "arm-compute-library-opencl-fp16-20.08-nhwc"
    variables = other.environment("table")
    assert (variables["NNTEST_DATA_TYPE"], variables["CK_DATA_LAYOUT"]) == ("fp16", "NHWC")
    assert {"NNTEST_DATA_TYPE", "CK_DATA_LAYOUT"}.isdisjoint(plain.environment("table"))


def test_a_custom_table_is_copied_and_part_of_its_points_alone(tmp_path: Path) -> None:
    table = tmp_path / "tuner.json"
    table.write_text("gemm;4;1;1\n")
    kind = shipped(
        "armcl-opencl",
        tuner_table=str(table),
        operators={"conv": {"tuners": ["NONE", "DEFAULT", "CUSTOM"]}},
    )
    programs = str(tmp_path / "work/programs/0123")
    assert kind.point_environment(programs, "DEFAULT") == {}
    assert kind.identity("DEFAULT") == {}
    first = kind.identity("CUSTOM")
    reported = kind.put_tuner_table(LocalTransport(), programs)
    variables = kind.point_environment(programs, "CUSTOM")
    assert reported == {
        "file": str(table),
        "sha256": variables["NNTEST_TUNER_TABLE_SHA256"],
        "content": "gemm;4;1;1\n",
    }
    assert Path(variables["NNTEST_TUNER_TABLE_IN"]).read_text() == "gemm;4;1;1\n"
    table.write_text("gemm;8;1;1\n")
    assert kind.identity("CUSTOM") != first
    assert kind.point_environment(programs, "CUSTOM") != variables


@pytest.mark.parametrize(
    ("options", "opencl", "neon"),
    [
        ("{'opencl': '1', 'neon': '1'}", False, False),
        ("{'opencl': '0', 'neon': 'yes'}", True, False),
        ("{'arch': 'arm64-v8a'}", False, True),  # scons' defaults
        (None, False, False),
    ],
)
def test_what_a_library_was_built_without(options: str | None, opencl: bool, neon: bool) -> None:
    found = Found([], [], None, options, None, {}, {}, False)
    assert (found.lacks("opencl"), found.lacks("neon")) == (opencl, neon)
