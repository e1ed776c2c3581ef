"""Modules of a folder of the operator programs, imported as the programs import them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace


@contextmanager
def imported_from(folder: Path, *names: str) -> Iterator[SimpleNamespace]:
    """The modules `names` of `folder`, by the last part of their names; gone again afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield SimpleNamespace(**{name.rpartition(".")[2]: import_module(name) for name in names})
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if folder in Path(getattr(sys.modules[name], "__file__", None) or "/").parents:
                del sys.modules[name]
