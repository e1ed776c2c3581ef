"""`nntest compare`, as a user calls it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from archives.ck.ck_samples import TENSORS, good, header, make_plan, make_point, write
from commands.command_line import nntest


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder with two runs of two points, each repetition a process: old.zip and new.zip."""
    points = [make_point(tensor=tensor, repetitions=10) for tensor in TENSORS[:2]]
    for name, time_s in (("old", 1e-4), ("new", 1e-3)):
        lines = [
            good(point, n, process=n, time_s=time_s * (1 + 0.0007 * n))
            for point in points
            for n in range(10)
        ]
        write(tmp_path / f"{name}.zip", make_plan(points), [header(name * 8), *lines])
    return tmp_path


def test_what_is_slower_is_named_and_ends_with_1_where_asked(runs: Path) -> None:
    asked = ("--fail-on-regression", "10", "--table", "t.csv", "--plot", "p.svg")
    done = nntest("compare", "old.zip", "new.zip", *asked, folder=runs)
    assert done.status == 1
    assert "2 of 2 points are more than 10 % slower" in done.stderr
    assert "x 10.0" in done.stdout
    table = pd.read_csv(runs / "t.csv")
    assert table["verdict"].tolist() == ["slower"] * 2
    assert (runs / "p.svg").exists()
    assert nntest("compare", "old.zip", "new.zip", folder=runs).status == 0


def test_an_archive_that_is_not_there_is_named(runs: Path) -> None:
    done = nntest("compare", "old.zip", "none.zip", folder=runs)
    assert done.status == 1
    assert "none.zip" in done.stderr
