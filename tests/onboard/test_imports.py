"""Modules on the board import one another in one direction, for type hints too."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ONBOARD = Path(__file__).resolve().parents[2] / "scripts" / "onboard"
FOLDERS = sorted({path.parent for path in ONBOARD.rglob("*.py")})


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_module_imports_itself_by_a_detour(folder: Path) -> None:
    modules = {path.stem: path for path in folder.glob("*.py")}
    imports: dict[str, set[str]] = {}
    for name, path in modules.items():
        tree = ast.walk(ast.parse(path.read_text("utf-8")))
        named = {
            imported
            for node in tree
            if isinstance(node, ast.Import | ast.ImportFrom)
            for imported in (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
            )
        }
        imports[name] = named & set(modules)
    TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle
