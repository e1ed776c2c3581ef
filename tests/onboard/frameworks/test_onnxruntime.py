"""Which nodes of a model those of ONNX Runtime's profile are; the library runs in other tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from onboard.imported import imported_from

FRAMEWORKS = Path(__file__).parents[3] / "scripts" / "onboard" / "frameworks"


@pytest.fixture
def backend(common: SimpleNamespace) -> Iterator[Any]:
    with imported_from(FRAMEWORKS, "backends.onnxruntime") as modules:
        yield modules.onnxruntime


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("/block/Conv", "/block/Conv"),
        ("fused /block/Conv", "/block/Conv"),
        ("/block/Conv_token_4", "/block/Conv"),
        ("/block/Mul/QuickGeluFusion/", "/block/Mul"),
        ("MatMul.0/MatMulAddFusion", "MatMul.0"),
        ("/Mul/GeluFusion//BiasGeluFusion/", "/Mul"),
        ("/MyFusion/Add", "/MyFusion/Add"),
    ],
)
def test_a_node_is_known_by_its_name_or_by_one_that_is_in_it(
    backend: Any, name: str, known: str
) -> None:
    assert known in backend.names_in_model(name)
