"""What the operator programs in Python share, imported as they import it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

COMMON = Path(__file__).parents[2] / "scripts" / "onboard" / "programs_common"


@pytest.fixture(scope="module")
def common() -> Iterator[SimpleNamespace]:
    """The modules of programs_common, gone again afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(COMMON))
    try:
        yield SimpleNamespace(**{path.stem: __import__(path.stem) for path in COMMON.glob("*.py")})
    finally:
        sys.path.remove(str(COMMON))
        for name in set(sys.modules) - before:
            if Path(getattr(sys.modules[name], "__file__", None) or "/").parent == COMMON:
                del sys.modules[name]
