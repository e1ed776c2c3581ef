"""A tuner table that the programs cannot read is refused when the config is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from nntest.config.library import Library
from pydantic import ValidationError

LIBRARIES = Path(__file__).parents[2] / "config" / "libraries"
ARMCL = "gemm_mm_interleaved_transposed_f32_4_7;4;1;1\nim2col3x3_f32;0;0;0\n"
JSON = json.dumps({"schema": "nntest-flow/opencl-local-sizes", "version": 1, "entries": {}})


def library(kind: str, table: Path) -> Library:
    content: dict[str, Any] = yaml.safe_load((LIBRARIES / f"{kind}.yaml").read_text("utf-8"))
    return Library.model_validate({"name": kind, **content, "tuner_table": str(table)},
                                  context={"folder": LIBRARIES})  # fmt: skip


@pytest.mark.parametrize(("kind", "content"), [("opencl-reference", JSON), ("armcl-opencl", ARMCL)])
def test_a_table_of_the_right_kind_is_taken(tmp_path: Path, kind: str, content: str) -> None:
    (tmp_path / "acl_tuner.csv").write_text(content)
    assert library(kind, tmp_path / "acl_tuner.csv").tuner_table


@pytest.mark.parametrize(
    ("kind", "content", "said"),
    [
        ("opencl-reference", ARMCL, "for a library of kind armcl-opencl"),
        ("opencl-reference", "gemm;4;1;1;2\n", "for a library of kind armcl-opencl"),
        ("opencl-reference", "[]", "not a table of opencl-reference's"),
        ("opencl-reference", "", "not a table of opencl-reference's"),
        ("armcl-opencl", JSON, "line 1: .* is not kernel;x;y;z"),
        ("armcl-opencl", "", "line 1: '' is not kernel;x;y;z"),
        ("armcl-opencl", ARMCL + "x;1;2\n", "line 3: 'x;1;2' is not kernel;x;y;z"),
        ("armcl-opencl", ARMCL.replace("\n", "\r\n"), "line 1 ends as lines do on Windows"),
        ("armcl-opencl", "gemm;4;1;1;2\n", "line 1: .* more than kernel;x;y;z"),
        ("armcl-opencl", "\xff", "not a table of local sizes"),
    ],
)
def test_another_is_refused_with_a_way_out(
    tmp_path: Path, kind: str, content: str, said: str
) -> None:
    (tmp_path / "acl_tuner.csv").write_bytes(content.encode("latin-1"))
    with pytest.raises(ValidationError, match=said):
        library(kind, tmp_path / "acl_tuner.csv")
