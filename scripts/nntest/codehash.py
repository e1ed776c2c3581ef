"""Hashes of code that change when what the code does may change, and not for a comment.

Snakemake's own `code` trigger sees a script's time stamp but not the modules that it imports,
and would measure a board again for a comment.  So each rule carries, as a param, a hash over
the syntax trees of its script and of the project's modules that this imports, transitively.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[1]
"""The folder whose modules are the project's own."""

ONBOARD = SCRIPTS / "onboard"
"""What is copied to boards."""


def module_file(module: str) -> Path:
    """The file of one of the project's modules or packages."""
    base = SCRIPTS.joinpath(*module.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def source_hash(files: Iterable[Path]) -> str:
    """SHA-256 over what the files mean: comments, docstrings and layout do not count.

    Python by its syntax tree, OpenCL C and C++ without comments and blanks, others as they are.
    """
    digest = hashlib.sha256()
    for path in sorted(set(files)):
        name = path.relative_to(SCRIPTS) if path.is_relative_to(SCRIPTS) else path.name
        digest.update(f"{name}\0{_meaning(path)}\0".encode())
    return digest.hexdigest()


def closure(script: Path) -> list[Path]:
    """A script and every module of the project that it imports, directly or not."""
    found: set[Path] = set()
    waiting = [script.resolve()]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(path)
    return sorted(found)


@cache
def _tree(path: Path) -> ast.Module:
    """The syntax tree of a file, without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    for node in ast.walk(tree):
        _drop_docstring(node)
    return tree


@cache
def _meaning(path: Path) -> str:
    if path.suffix == ".py":
        return ast.dump(_tree(path))
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    if path.suffix in (".cl", ".cpp", ".h"):
        text = re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)
        # Preprocessor lines end at their newline, so lines stay; blanks in them do not count.
        lines = (" ".join(line.split()) for line in text.splitlines())
        return "\n".join(line for line in lines if line)
    return text


def _drop_docstring(node: ast.AST) -> None:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        # A string that stands by itself does nothing, wherever it stands.
        node.body = [
            line
            for line in node.body
            if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
        ] or [ast.Pass()]


@cache
def _imported(path: Path) -> tuple[Path, ...]:
    """The project's files that a file's import statements name."""
    names: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    # Importing a module runs the packages above it as well.
    names |= {name.rsplit(".", depth)[0] for name in names for depth in range(name.count(".") + 1)}
    files = []
    for name in sorted(names):
        for root in (SCRIPTS, path.parent):
            base = root.joinpath(*name.split("."))
            for candidate in (base.with_suffix(".py"), base / "__init__.py"):
                if candidate.is_file():
                    files.append(candidate.resolve())
    return tuple(files)
