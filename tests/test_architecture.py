"""The rooms of the library: imports go down, and a wrong one is named with its contract."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOME = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the library and its contracts."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(HOME / "pyproject.toml", folder)
    shutil.copytree(
        HOME / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__")
    )
    return folder


def lint(project: Path) -> subprocess.CompletedProcess[str]:
    # The copy has to come before the installed package.
    start = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [sys.executable, "-c", start],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project / "scripts")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_import_goes_down(project: Path) -> None:
    done = lint(project)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "statement", "contract", "arrow"),
    [
        (
            "analysis/stats.py",
            "from nntest.measuring.plan import build_plan",
            "Right of merge nothing talks to boards",
            "nntest.analysis.stats -> nntest.measuring.plan",
        ),
        (
            "domain/tensors.py",
            "from nntest.config import Study",
            "Imports go down",
            "nntest.domain.tensors -> nntest.config",
        ),
        (
            "domain/tensors.py",
            "from nntest.domain.networks import Network",
            "No circles",
            "nntest.domain",
        ),
    ],
    ids=["analysis reaches a board", "domain knows the config", "a circle of siblings"],
)
def test_a_wrong_import_is_named(
    project: Path, module: str, statement: str, contract: str, arrow: str
) -> None:
    path = project / "scripts" / "nntest" / module
    text = path.read_text("utf-8")
    try:
        path.write_text(f"{text}\n{statement}\n", encoding="utf-8")
        done = lint(project)
    finally:
        path.write_text(text, encoding="utf-8")
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{contract} BROKEN" in done.stdout
    assert arrow in done.stdout
