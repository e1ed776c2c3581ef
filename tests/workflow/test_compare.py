"""A study that compares itself with an earlier run, and ends with an error where it is slower."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from workflow.study import Checkout, own_study

LIMIT = {"baseline": {"run": "old.zip"}, "fail_on_regression": 10}


def retimed(archive: Path, other: Path, time_s: float) -> None:
    """A copy of a CK zip in which every operator took `time_s` and a little."""
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(other, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith(".0001.json"):
                content = json.loads(data)
                for index, item in enumerate(content["characteristics_list"]):
                    item["run"]["execution_time_kernel_1"] = time_s * (1 + 0.0007 * index)
                data = json.dumps(content).encode()
            target.writestr(name, data)


@pytest.fixture
def slower(fresh: Checkout) -> Checkout:
    """A study of an archive alone; `old.zip` is one that was ten times as fast.

    Real archives with made-up times: what is tested here must not hang on a machine's noise.
    """
    fresh.configure(operators=["conv"], tuners=["NONE"], repetitions=10)
    fresh.run("--until", "merge")
    for name, time_s in (("new.zip", 1e-3), ("old.zip", 1e-4)):
        retimed(fresh.results / "tiny.zip", fresh.folder / name, time_s)
    fresh.configure(boards=[], libraries=[], imports=["new.zip"], compare=LIMIT)
    return fresh


@own_study
def test_a_regression_ends_the_run_after_all_is_written(slower: Checkout) -> None:
    status, output = slower.run_anyhow()
    assert status != 0
    assert "2 of 2 points are more than 10 % slower than run old.zip" in output
    assert "conv NONE 8-16-16-1-16-1-0" in output
    assert "Traceback" not in output
    table = pd.read_csv(slower.results / "tables" / "comparison.csv")
    assert table["verdict"].tolist() == ["slower"] * 2
    # Which runs count as clean depends on their length, so not quite the same ones on both sides.
    assert table["ratio"].to_numpy() == pytest.approx(10.0, rel=0.01)
    assert (slower.results / "plots" / "comparison.svg").exists()
    assert "Comparison with the baseline" in (slower.results / "report.html").read_text("utf-8")
    # A higher limit lets it pass; the earlier run's times are in no other table.
    assert len(pd.read_csv(slower.results / "tables" / "measurements.csv")) == 20
    slower.configure(
        boards=[], libraries=[], imports=["new.zip"], compare={**LIMIT, "fail_on_regression": 1000}
    )
    assert "merge" not in slower.would_run()
    slower.run("--until", "no_regressions")
    # The command compares the same archives alike.
    command = [sys.executable, "-m", "nntest.commands.main", "compare", "old.zip", "new.zip"]
    done = subprocess.run(
        [*command, "--fail-on-regression", "10", "--table", "t.csv", "--plot", "p.svg"],
        cwd=slower.folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "2 of 2 points are more than 10 % slower" in done.stderr
    assert "x 10.0" in done.stdout
    assert pd.read_csv(slower.folder / "t.csv")["p_value"].tolist() == table["p_value"].tolist()


def test_mistakes_are_told_by_key(fresh: Checkout) -> None:
    for changes, said in (
        ({"compare": {"baseline": {"run": "none.zip"}}}, "nothing matches 'none.zip'"),
        ({"compare": {"baseline": {}}}, "name one of library, platform, archive, run"),
        (
            {"layer_sum_check": {"layer_times": "a.csv", "measured": "b.csv"}},
            "layer_sum_check.layer_times: there is no file a.csv",
        ),
    ):
        fresh.configure(**changes)
        status, output = fresh.run_anyhow("-n")
        assert status != 0
        assert said in output
        assert "Traceback" not in output
