"""What the operator programs in Python share, imported as they import it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from onboard.imported import imported_from

COMMON = Path(__file__).parents[2] / "scripts" / "onboard" / "programs_common"


@pytest.fixture(scope="module")
def common() -> Iterator[SimpleNamespace]:
    """The modules of programs_common, gone again afterwards."""
    with imported_from(COMMON, *(path.stem for path in COMMON.glob("*.py"))) as modules:
        yield modules
