"""Hashes of code: an edit that may change what code does changes them, a cosmetic one does not."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from nntest.codehash import DATA, ONBOARD, SCRIPTS, closure, module_file, source_hash


def hash_of(folder: Path, name: str, text: str) -> str:
    # Each text in a folder of its own: meanings are remembered by path.
    path = folder / str(len(list(folder.iterdir()))) / name
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return source_hash([path])


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("a.py", "x = 1\n", "x  =  1  # why\n"),
        ("a.py", "def f():\n    return 1\n", 'def f():\n    """Say it."""\n\n    return 1\n'),
        ("a.py", '"""One."""\nx = 1\n', '"""Two."""\nx = 1\n'),
        ("a.py", 'x = Column("a", meaning="One")\n', 'x = Column("a", meaning="Two")\n'),
        ("a.cl", "float f; // a\n", "/* b\n c */ float   f;\n"),
        ("a.cpp", "int a;\n\n\nint b;\n", "int a;\nint b;\n"),
    ],
)
def test_a_cosmetic_edit_changes_nothing(
    tmp_path: Path, name: str, before: str, after: str
) -> None:
    assert hash_of(tmp_path, name, before) == hash_of(tmp_path, name, after)


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("a.py", "x = 1\n", "x = 2\n"),
        ("a.py", "def f():\n    return 'a'\n", "def f():\n    return 'b'\n"),
        ("a.py", 'x = Column("a", unit="ms")\n', 'x = Column("a", unit="s")\n'),
        ("a.py", 'x.plot("a", label="One")\n', 'x.plot("a", label="Two")\n'),
        ("a.cl", "float f;\n", "half f;\n"),
        ("a.cl", "#define A 1\nint x;\n", "#define A 1 int x;\n"),
        ("a.sh", "# one\n", "# two\n"),
    ],
)
def test_an_edit_that_may_matter_changes_it(
    tmp_path: Path, name: str, before: str, after: str
) -> None:
    assert hash_of(tmp_path, name, before) != hash_of(tmp_path, name, after)


def test_the_order_of_the_files_does_not_count(tmp_path: Path) -> None:
    paths = [tmp_path / "a.py", tmp_path / "b.py"]
    for path in paths:
        path.write_text(f"name = {path.name!r}", encoding="utf-8")
    assert source_hash(paths) == source_hash(reversed(paths))


def test_modules_that_are_imported_by_imported_ones_count() -> None:
    files = {
        path.relative_to(SCRIPTS).as_posix()
        for path in closure(module_file("nntest.analysis.estimate"))
    }
    assert {
        "nntest/analysis/estimate.py",
        "nntest/domain/networks.py",
        "nntest/domain/tensors.py",
    } <= files
    assert "nntest/measuring/sweep.py" not in files
    assert not any("plots" in name for name in files)


def test_data_files_count_with_the_module_that_has_their_name() -> None:
    assert {path.name for path in closure(module_file("nntest.report.page"))} >= {
        "page.py",
        "page.css",
        "page.html.j2",
        "page.js",
    }


def test_every_data_file_counts_and_is_installed() -> None:
    files = {
        path
        for path in (SCRIPTS / "nntest").rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }
    assert files
    for path in files:
        assert path in closure(path.with_name(path.name.split(".")[0] + ".py"))
    project = tomllib.loads((SCRIPTS.parent / "pyproject.toml").read_text("utf-8"))
    installed = project["tool"]["setuptools"]["package-data"]["*"]
    assert installed == [f"*{suffix}" for suffix in DATA]


def test_an_on_board_program_finds_what_lies_above_it() -> None:
    assert ONBOARD / "clock.py" in closure(ONBOARD / "armcl" / "build_library.py")


def test_whole_networks_are_scheduled_anew_when_networks_or_tensors_are_others() -> None:
    files = set(closure(SCRIPTS / "schedule_network.py"))
    assert {module_file("nntest.domain.networks"), module_file("nntest.domain.tensors")} <= files


@pytest.mark.parametrize(
    "script", [path for path in sorted(SCRIPTS.glob("*.py")) if path.name != "report.py"]
)
def test_a_script_imports_what_it_uses(script: Path) -> None:
    """Of the rooms above its own work nothing that names other rules' jobs."""
    names = {path.relative_to(SCRIPTS).as_posix() for path in closure(script)}
    graph = {name for name in names if name.startswith("nntest/graph/")}
    used = {f"nntest/graph/{name}.py" for name in ("__init__", "job", "runs", "arguments")}
    assert graph <= used
    talks_to_a_board = script.stem in ("probe", "install", "sweep")
    assert talks_to_a_board == any(name.startswith("nntest/measuring/") for name in names)
    draws = script.stem in ("layer_sum_check", "pages", "plots", "stills")
    assert draws == any(name.startswith("nntest/pictures/") for name in names)
    says = script.stem == "rank_first"
    assert says == any(name.startswith("nntest/report/") for name in names)


def test_a_package_is_its_init_file() -> None:
    assert module_file("nntest.config").name == "__init__.py"


@pytest.mark.parametrize("kept", ["what the first wrote", "not JSON", "[]"])
def test_a_process_that_remembers_says_what_one_that_does_not_says(
    tmp_path: Path, kept: str
) -> None:
    program = (
        "import pathlib, sys; from nntest import codehash as c; "
        "c.MEMORY = pathlib.Path(sys.argv[1]); "
        "print(c.source_hash(c.closure(c.module_file('nntest.analysis.estimate'))))"
    )

    def say() -> str:
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)],
            env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    first = say()
    (memory,) = tmp_path.iterdir()
    if not kept.startswith("what"):
        memory.write_text(kept, encoding="utf-8")
    assert say() == first
