"""The made-up studies of the benchmark are what their table says."""

from __future__ import annotations

from pathlib import Path

from nntest.archives.ck import read_rows
from nntest.domain.tensors import Tensor
from scale import Size, make_study, tensors


def test_a_thousand_different_tensors() -> None:
    names = tensors(1000)
    assert len({Tensor.parse("conv", name).name for name in names}) == 1000


def test_a_study_has_the_rows_that_its_size_says(tmp_path: Path) -> None:
    size = Size(platforms=2, tensors=3, repetitions=4)
    make_study(tmp_path, size)
    rows = [row for path in tmp_path.glob("*.zip") for row in read_rows(path)]
    assert len(rows) == size.rows == 48
    assert {row["platform"] for row in rows} == {"Board 001", "Board 002"}
