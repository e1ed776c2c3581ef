"""Studies that work from archives which others made, with no board at all."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest
from archives.ck.bad_records import BAD, GOOD, GOOD_TIMES, zip_with
from archives.ck.ck_samples import zip_of
from nntest.archives.measurements import load, measured
from workflow.study import HOME, REPETITIONS, Checkout, own_study

pytestmark = own_study

GENUINE = HOME.parent / "shared" / "data" / "ck"


def test_a_study_of_imports_alone_makes_everything(finished: Checkout, fresh: Checkout) -> None:
    shutil.copy(finished.results / "tiny.zip", fresh.folder / "theirs.zip")
    fresh.configure(boards=[], libraries=[], imports=["*.zip"])
    assert {"probe", "install", "sweep"}.isdisjoint(fresh.would_run())
    fresh.run()
    ours = load(fresh.results / "tables" / "measurements.parquet")
    assert len(measured(ours)) == REPETITIONS
    for name in ("summary", "schedule", "estimate", "speedup"):
        kept = [
            pd.read_parquet(study.results / "tables" / f"{name}.parquet")
            for study in (finished, fresh)
        ]
        pd.testing.assert_frame_equal(*kept)
    assert (fresh.results / "report.html").exists()


def test_an_import_beside_a_board_is_one_table(study: Checkout, finished: Checkout) -> None:
    """The same measurements, from the board and as an import, are there once."""
    shutil.copy(finished.results / "tiny.zip", study.folder / "theirs.zip")
    study.configure(imports=["theirs.zip"])
    study.run("--until", "tidy")
    assert len(load(study.results / "tables" / "measurements.parquet")) == REPETITIONS


@pytest.mark.skipif(not GENUINE.is_dir(), reason="the shared data folder is not beside this one")
def test_the_genuine_archives_of_ck(fresh: Checkout) -> None:
    fresh.write("config/networks/net.yaml", definition={
        "family": "mobilenet-v1", "width": 1.0, "resolution": 224,
    })  # fmt: skip
    fresh.configure(
        networks=["net"],
        boards=[],
        libraries=[],
        imports=[str(GENUINE / "genuine_nntest" / "*.zip"), str(GENUINE / "rk3399_firefly")],
    )
    fresh.run()
    frame = load(fresh.results / "tables" / "measurements.parquet")
    network = frame["species"] == "network"
    assert set(frame[network]["platform"]) == {"Firefly RK3399"}
    assert len(measured(frame[~network])) == 42 * 3
    failures = pd.read_csv(fresh.results / "tables" / "failed.csv")
    assert list(failures["tensor"].unique()) == ["1024-1-1-1-1001-1-0"]
    assert failures["reason"].str.contains("tmp-ck-timer.json").all()
    kernels = pd.read_parquet(fresh.results / "tables" / "kernels.parquet")
    assert kernels.groupby("operator")["tensor"].nunique().to_dict() == {"conv": 2, "directconv": 3}
    page = (fresh.results / "report.html").read_text("utf-8")
    assert "tmp-ck-timer.json" in page


def test_bad_records_of_an_import_fail_their_points_alone(fresh: Checkout) -> None:
    zip_with(fresh.folder / "theirs.zip", list(BAD.values()))
    fresh.configure(boards=[], libraries=[], imports=["theirs.zip"])
    fresh.run()
    frame = load(fresh.results / "tables" / "measurements.parquet")
    assert sorted(frame[frame["point"] == GOOD]["time_us"]) == GOOD_TIMES
    failures = pd.read_csv(fresh.results / "tables" / "failed.csv")
    assert {"melted: it was hot", "its batch size is not a number of images"} <= set(
        failures["reason"]
    )
    assert (fresh.results / "report.html").exists()


def test_an_import_that_yields_no_row_ends_the_run(fresh: Checkout) -> None:
    zip_with(fresh.folder / "good.zip", [])
    zip_of(fresh.folder / "empty.zip", {"readme.txt": b"nothing here"})
    fresh.configure(boards=[], libraries=[], imports=["*.zip"])
    status, output = fresh.run_anyhow("--until", "merge")
    assert status != 0
    assert "imports: empty.zip yields no row" in output
    assert "Traceback" not in output
