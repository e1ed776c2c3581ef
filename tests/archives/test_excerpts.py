"""The first rows of a large table, and what is known of all of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from analysis.made_up_study import TENSORS, failed_row, study_rows
from nntest.archives.excerpts import Excerpt, excerpt
from nntest.archives.measurements import load, save, to_arrow, to_frame
from nntest.domain.tables.measurements import MEASUREMENTS

ROWS = [*study_rows(tensors=TENSORS[:2]), failed_row(TENSORS[3], "conv", "NONE")]


@pytest.mark.parametrize("rows", [7, 1000])
def test_an_excerpt_knows_what_all_rows_say(tmp_path: Path, rows: int) -> None:
    table = to_arrow(to_frame(ROWS))
    batches = [table.slice(start, 16) for start in range(0, len(table), 16)]
    save(batches, MEASUREMENTS, tmp_path)
    path = tmp_path / "measurements.parquet"
    found, whole = excerpt(path, rows), Excerpt.of(load(path))
    assert (found.total, found.same) == (len(ROWS), whole.same)
    pd.testing.assert_frame_equal(found.head, whole.head.head(rows))
    assert "platform" in found.same and "status" not in found.same


def test_an_excerpt_of_nothing(tmp_path: Path) -> None:
    save([to_arrow(to_frame([]))], MEASUREMENTS, tmp_path)
    found = excerpt(tmp_path / "measurements.parquet", 5)
    assert (found.total, len(found.head), found.same) == (0, 0, frozenset())
    assert tuple(found.head) == MEASUREMENTS.names


def test_some_columns_of_a_measurement_table(tmp_path: Path) -> None:
    save([to_arrow(to_frame(ROWS))], MEASUREMENTS, tmp_path)
    path = tmp_path / "measurements.parquet"
    names = ["tensor", "time_us"]
    pd.testing.assert_frame_equal(load(path, names), load(path)[names])
