"""Real Collective Knowledge: from PyPI as far as that goes, and whole where its data are at hand.

`NNTEST_CK_REPOSITORIES` names a folder with CK's data repositories (ck-env, ck-autotuning,
ck-math, ck-nntest), and optionally `board.yaml` and `library.yaml` with keys for the board
(environment) and the library (where ArmCL is).  docs/boards.md tells how to make one.
"""

from __future__ import annotations

import getpass
import json
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from measuring.transport.sshd import SSHD, Sshd
from nntest.archives.ck import check
from nntest.config import Board, Library
from nntest.domain.tables.measurements import MEASUREMENTS
from nntest.errors import UserError
from nntest.measuring.ck_harness.setup import set_up
from nntest.measuring.progress import Watcher
from nntest.measuring.transport import connect
from workflow.study import Checkout

REPOSITORIES = os.environ.get("NNTEST_CK_REPOSITORIES")
NAMES = ("ck-env", "ck-autotuning", "ck-math", "ck-nntest")
TENSORS = ("512-7-7-1-1024-1-0", "16-14-14-3-24-1-1")
"""One of a data set of CK-NNTest, and one of none."""
LIBRARY: dict[str, Any] = {
    "kind": "ck",
    "version": "18.05",
    "ck": {"library": {"package": "lib-armcl-opencl-18.05", "tags": "lib,arm-compute-library"}},
    "operators": {operator: {"tuners": ["NONE", "DEFAULT"]} for operator in ("conv", "directconv")},
}


@pytest.mark.network
def test_what_pypi_alone_gives_ends_at_the_first_repository(tmp_path: Path) -> None:
    def reported(*repositories: dict[str, str]) -> UserError:
        """How the setting up of a board with these repositories ends."""
        board = Board(
            name="here",
            connect={"transport": "local"},
            work_dir=str(tmp_path / "work"),
            lock_file=str(tmp_path / "lock"),
            harness="ck",
            ck={"pip": "ck==2.6.4", "repositories": list(repositories)},
        )
        facts = {"machine": "x86_64", "platform": "Here"}
        with connect(board) as transport, pytest.raises(UserError) as caught:
            set_up(transport, board, Library(name="armcl", **LIBRARY), facts, Watcher())
        assert caught.value.hint is not None
        assert "`archive`" in caught.value.hint
        return caught.value

    error = reported({"name": "ck-nntest", "url": "http://127.0.0.1:9/ck-nntest"})
    assert "CK has no repository ck-nntest after `ck pull repo:ck-nntest" in error.message
    assert "127.0.0.1" in error.message
    error = reported({"name": "ck-nntest", "path": "/nowhere/ck-nntest"})
    assert "no folder /nowhere/ck-nntest" in error.message
    # A repository from here is added; what it lacks for a first run is named.
    (tmp_path / "small").mkdir()
    description = {"data_uoa": "ck-nntest", "data_uid": "490d7a29be946f5b", "dict": {}}
    (tmp_path / "small/.ckr.json").write_text(json.dumps(description))
    with tarfile.open(tmp_path / "small.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "small", "ck-nntest")
    error = reported({"name": "ck-nntest", "archive": str(tmp_path / "small.tar.gz")})
    assert "its repository ck-env is missing" in error.message


@pytest.mark.skipif(
    not REPOSITORIES, reason="NNTEST_CK_REPOSITORIES names no folder with CK's data repositories"
)
@pytest.mark.slow("measure through real CK")
@pytest.mark.sshd
@pytest.mark.skipif(not SSHD.exists(), reason="needs OpenSSH's server")
@pytest.mark.timeout(3600)
def test_the_study_of_two_tensors_through_real_ck_over_ssh(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = Path(str(REPOSITORIES))
    sshd = Sshd(tmp_path / "board")
    request.addfinalizer(sshd.stop)
    checkout = Checkout.make(
        tmp_path / "checkout",
        boards=["ckboard"],
        libraries=["ckarmcl"],
        repetitions=2,
        tensors={"conv": list(TENSORS)},
        networks=["two"],
    )
    layers = [{"name": name, "species": "conv", "tensor": name} for name in TENSORS]
    checkout.write("config/networks/two.yaml", definition={"family": "layers", "layers": layers})
    own = _yaml(folder / "board.yaml")
    checkout.write(
        "config/boards/ckboard.yaml",
        connect={
            "transport": "ssh", "host": "127.0.0.1", "port": sshd.port,
            "user": getpass.getuser(), "key": str(sshd.key),
            "known_hosts": str(sshd.known_hosts),
        },
        work_dir="work",
        lock_file=str(tmp_path / "ckboard.lock"),
        python=sys.executable,
        platform={"name": "Board with CK"},
        emulated=True,
        harness="ck",
        ck={
            "pip": "ck==2.6.4",
            "fixed_sleeps": False,
            "repositories": [{"name": name, "path": str(folder / name)} for name in NAMES],
        },
        **own,
    )  # fmt: skip
    checkout.write("config/libraries/ckarmcl.yaml", **{**LIBRARY, **_yaml(folder / "library.yaml")})
    checkout.run()
    archive = checkout.results / "sweeps/ckboard.ckarmcl.zip"
    assert [one for one in check(archive) if one.severity == "error"] == []
    rows = pd.read_parquet(checkout.results / "tables/measurements.parquet")
    assert tuple(rows.columns) == MEASUREMENTS.names
    assert len(rows) == 2 * 2 * 2 * 2
    assert set(rows["status"]) == {"ok"}
    assert set(rows["tensor"]) == set(TENSORS)
    assert set(rows["platform"]) == {"Board with CK"}
    assert set(rows["board"]) == {"ckboard"}
    assert rows["emulated"].all()
    assert (rows["time_us"] > 0).all()
    estimate = pd.read_parquet(checkout.results / "tables/estimate.parquet")
    assert len(estimate) > 0
    # What is whole is not run again, whatever Snakemake decides.
    reported = checkout.run("--forcerun", "sweep")
    assert "0 measured now, 16 in all" in reported


def _yaml(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text("utf-8"))) if path.exists() else {}
