"""The inference libraries' program, imported as it imports its own modules."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from onboard.imported import imported_from

FRAMEWORKS = Path(__file__).parents[3] / "scripts" / "onboard" / "frameworks"


@pytest.fixture(scope="module")
def frameworks(common: SimpleNamespace) -> Iterator[SimpleNamespace]:
    """Its modules that need no library, gone again afterwards."""
    names = (
        "graph",
        "integers",
        "quantise",
        "measurement",
        "writers.onnx",
        "onnx_model",
        "backends.base",
    )
    with imported_from(FRAMEWORKS, *names) as modules:
        yield modules
