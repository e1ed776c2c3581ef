"""Hashes of code that change when what the code does may change, and not for a comment.

Snakemake's own `code` trigger sees a script's time stamp but not the modules that it imports,
and would measure a board again for a comment.  So each rule carries, as a param, a hash over
the syntax trees of its script and of the project's modules that this imports, transitively, and
over the data files of these modules.  What follows import statements alone would miss, ruff bans:
relative imports, and `import_module` except in `scripts/table.py`, whose rule names the module.
"""

from __future__ import annotations

import ast
import atexit
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).resolve().parents[1]
"""The folder whose modules are the project's own."""

ONBOARD = SCRIPTS / "onboard"
"""What is copied to boards."""

PROJECT = SCRIPTS.parent
"""The check-out: config, workflow and scripts."""

DATA = (".css", ".j2", ".js")
"""A module's data files are those beside it with its name: `page.py` reads `page.css`."""

MEMORY = PROJECT / ".snakemake" / "nntest"
"""Where the meaning of contents is remembered."""


def module_file(module: str) -> Path:
    """The file of one of the project's modules or packages."""
    base = SCRIPTS.joinpath(*module.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


def source_hash(files: Iterable[Path]) -> str:
    """SHA-256 over what the files mean: no comments, docstrings, layout, words of tables.

    Python by its syntax tree, OpenCL C and C++ without comments and blanks, others as they are.
    """
    digest = hashlib.sha256()
    for path in sorted(set(files)):
        name = path.relative_to(SCRIPTS) if path.is_relative_to(SCRIPTS) else path.name
        digest.update(f"{name}\0{_understood(path).meaning}\0".encode())
    return digest.hexdigest()


def closure(script: Path) -> list[Path]:
    """A script, every module of the project that it imports, directly or not, and their data."""
    found: set[Path] = set()
    waiting = [script.resolve()]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(path)
    return sorted(found)


@dataclass(frozen=True)
class _Understood:
    """What is known of a file, wherever it lies."""

    meaning: str
    """SHA-256."""
    imports: list[str]
    """Modules that its import statements name, and the packages above them."""


@cache
def _understood(path: Path) -> _Understood:
    content = path.read_bytes()
    key = f"{path.suffix}-{hashlib.sha256(content).hexdigest()}"
    remembered = _memory().get(key)
    if remembered is not None:
        return _Understood(**remembered)
    understood = _read_python(content) if path.suffix == ".py" else _read_other(path, content)
    _memory()[key] = asdict(understood)
    return understood


def _read_python(content: bytes) -> _Understood:
    tree = ast.parse(content)
    names: set[str] = set()
    for node in ast.walk(tree):
        _drop_docstring(node)
        _drop_words_of_tables(node)
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    # Importing a module runs the packages above it as well.
    names |= {name.rsplit(".", depth)[0] for name in names for depth in range(name.count(".") + 1)}
    return _Understood(_sha256(ast.dump(tree)), sorted(names))


def _read_other(path: Path, content: bytes) -> _Understood:
    text = content.decode("utf-8", "surrogateescape")
    if path.suffix in (".cl", ".cpp", ".h"):
        text = re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)
        # Preprocessor lines end at their newline, so lines stay; blanks in them do not count.
        lines = (" ".join(line.split()) for line in text.splitlines())
        text = "\n".join(line for line in lines if line)
    return _Understood(_sha256(text), [])


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _drop_docstring(node: ast.AST) -> None:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        # A string that stands by itself does nothing, wherever it stands.
        node.body = [
            line
            for line in node.body
            if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
        ] or [ast.Pass()]


def _drop_words_of_tables(node: ast.AST) -> None:
    """What a table and its columns are called makes no table again (`domain.tables.column`)."""
    if isinstance(node, ast.Call):
        called = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if called in ("Column", "Table", "but"):
            words = ("label", "meaning", "title", "caption")
            node.keywords = [keyword for keyword in node.keywords if keyword.arg not in words]


@cache
def _imported(path: Path) -> tuple[Path, ...]:
    """The project's files that a file's import statements name, and the file's own data."""
    files = [file for file in _data(path.parent) if file.name.startswith(f"{path.stem}.")]
    roots = {SCRIPTS}
    if not path.is_relative_to(SCRIPTS / "nntest"):
        # A script's own folder is on its path; on a board the one that all programs lie in, too.
        roots |= {path.parent, *([ONBOARD] if path.is_relative_to(ONBOARD) else [])}
    for root in roots:
        for name in _understood(path).imports:
            files += _files_of(root, name)
    return tuple(files)


@cache
def _data(folder: Path) -> tuple[Path, ...]:
    """The data files of a folder's modules."""
    return tuple(file for file in folder.iterdir() if file.suffix in DATA)


@cache
def _files_of(root: Path, module: str) -> tuple[Path, ...]:
    """What is imported from a folder by a name; nothing where that is not the project's."""
    first, *more = module.split(".")
    if first not in _top_level(root):
        return ()
    base = root.joinpath(first, *more)
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return tuple(file.resolve() for file in candidates if file.is_file())


@cache
def _top_level(folder: Path) -> frozenset[str]:
    """Names that may be imported from a folder."""
    return frozenset(path.stem for path in folder.iterdir())


# -- memory --------------------------------------------------------------------------------
# Every job of Snakemake is a process that reads the whole workflow; parsing a hundred files in
# each costs more than many a job.  What a content means never changes, so nothing goes stale.


@cache
def _memory() -> dict[str, dict[str, Any]]:
    """What earlier processes found, by content; written back at the end if there is more."""
    file = MEMORY / f"code-{sys.version_info.major}.{sys.version_info.minor}.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = {}
    if not isinstance(found, dict):
        found = {}
    atexit.register(_remember, file, found, len(found))
    return found


def _remember(file: Path, found: dict[str, dict[str, Any]], known: int) -> None:
    if len(found) == known:
        return
    new = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps(found), encoding="utf-8")
        new.replace(file)
    except OSError:
        pass  # a folder that may not be written to costs time, nothing else
