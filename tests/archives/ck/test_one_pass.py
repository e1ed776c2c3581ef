"""All tables of an archive by reading it once are those that are read one by one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from archives.ck.ck_samples import (
    DEFAULT_ZIP,
    FIREFLY_ENTRIES,
    NONE_ZIP,
    PROFILER_ZIP,
    ck_members,
    ck_point,
    ck_run,
    good,
    header,
    make_plan,
    make_point,
    needs_genuine,
    write,
    zip_of,
)
from nntest.archives.ck import trees
from nntest.archives.ck.tables import read_table, read_tables
from nntest.archives.measurements import from_arrow, save, to_frame
from nntest.domain.tables.accuracy import ACCURACY_RUNS
from nntest.domain.tables.column import Table
from nntest.domain.tables.energy import ENERGY_RUNS
from nntest.domain.tables.frames import frame_of, write_table
from nntest.domain.tables.measurements import COUNTERS, KERNELS, LAUNCHES, MEASUREMENTS, NODES
from nntest.domain.tables.memory import MEMORY_RUNS
from nntest.domain.tables.streams import STREAM_RUNS
from nntest.domain.tables.sustained import SUSTAINED_WINDOWS

SORTED = (MEASUREMENTS, KERNELS)
IN_ORDER = (
    *(LAUNCHES, COUNTERS, NODES),
    *(ENERGY_RUNS, MEMORY_RUNS, STREAM_RUNS, SUSTAINED_WINDOWS, ACCURACY_RUNS),
)
TABLES = {table.name: table for table in (*SORTED, *IN_ORDER)}


def one_by_one(table: Table, path: Path) -> pd.DataFrame:
    """A table by reading the archive for it alone."""
    return (to_frame if table in SORTED else frame_of)(read_table(table, path), table)


def differing(folder: Path) -> Path:
    """Points of one key that differ in a variable, with a profiled one and a further sub-point."""
    own = ck_point()["choices"]["env"]
    profiled = [{**ck_run(0.003), "execution_time_opencl_us": {"gemm": 2500.0}}]
    points = {
        "a" * 16 + ".0001": ck_point(env={**own, "CK_FUSED": 1}),
        "a" * 16 + ".0002": ck_point(env={**own, "CK_FUSED": 1}),
        "b" * 16 + ".0001": ck_point(env={**own, "CK_FUSED": 0}),
        "c" * 16 + ".0001": ck_point(env=own, runs=profiled, dvdt_prof="yes"),
    }
    return zip_of(folder / "theirs.zip", ck_members(points))


def with_nodes(folder: Path) -> Path:
    """A point whose library timed its nodes."""
    nodes = [{"node": "conv", "kernel": "gemm", "seconds": 1e-3, "layers": ["first", "relu"]}]
    state = {"implementation": {"nodes": nodes, "timed_by": "profile", "evidence": "reported"}}
    point = make_point()
    lines = [good(point, number, run_time_state=state) for number in range(3)]
    return write(folder / "ours.zip", make_plan([point]), [header(), *lines])


@pytest.mark.parametrize(
    ("make", "tables"),
    [(differing, ["measurements", "kernels"]), (with_nodes, ["measurements", "nodes"])],
)
def test_the_tables_of_made_up_archives(
    make: Callable[[Path], Path], tables: list[str], tmp_path: Path
) -> None:
    path = make(tmp_path)
    compare(path, tmp_path)
    filled = [table.name for table, rows in read_tables(path, [], lambda _: None) if len(rows)]
    assert filled == tables


@needs_genuine
@pytest.mark.parametrize("path", [NONE_ZIP, DEFAULT_ZIP, PROFILER_ZIP, FIREFLY_ENTRIES])
def test_the_tables_of_genuine_archives(path: Path, tmp_path: Path) -> None:
    compare(path, tmp_path)


def compare(path: Path, folder: Path) -> None:
    found = {table.name: (table, rows) for table, rows in read_tables(path, [], lambda _: None)}
    assert found.keys() == TABLES.keys()
    for name in TABLES:
        table, rows = found[name]
        pd.testing.assert_frame_equal(from_arrow(pa.concat_tables(rows)), one_by_one(table, path))
        once, alone = folder / "once", folder / "one"
        once.mkdir(exist_ok=True)
        alone.mkdir(exist_ok=True)
        save(rows, table, once)
        write_table(one_by_one(table, path), alone, name)
        csv = f"{name}.csv"
        assert (once / csv).read_bytes() == (alone / csv).read_bytes()
        if table is not MEASUREMENTS:
            both = [pd.read_parquet(folder / f"{name}.parquet") for folder in (once, alone)]
            pd.testing.assert_frame_equal(*both)


def test_what_differs_is_said_once(tmp_path: Path) -> None:
    said: list[str] = []
    list(read_tables(differing(tmp_path), [], said.append))
    assert sum("CK_FUSED" in line for line in said) == 1


def test_an_archive_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, reads = differing(tmp_path), []
    read = trees._ZipTree.read
    monkeypatch.setattr(
        trees._ZipTree, "read", lambda tree, name: (reads.append(name), read(tree, name))[1]
    )
    list(read_tables(path, [], lambda _: None))
    recordings = [name for name in reads if "ckp-" in name]
    assert len(recordings) == len(set(recordings)) == 4
