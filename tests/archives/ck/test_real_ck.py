"""Real Collective Knowledge, from PyPI, reads what this project writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from archives.ck.ck_samples import (
    DEFAULT_ZIP,
    NONE_ZIP,
    REPOSITORY,
    TENSORS,
    bad,
    frame_of,
    good,
    header,
    make_plan,
    make_point,
    needs_genuine,
    write,
)
from nntest.archives.ck import merge

pytestmark = pytest.mark.network

STUDY_READER = """
import sys
sys.path.insert(0, sys.argv[1])
from ck_reader import read_as_the_study_did
frame = read_as_the_study_did(repo_uoa=sys.argv[2]).reset_index()
frame.to_json(sys.argv[3], orient="records")
"""


@pytest.fixture(scope="session")
def ck_packages(tmp_path_factory):
    """CK in a folder of its own, beside the packages of this environment."""
    folder = tmp_path_factory.mktemp("ck-packages")
    command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), "ck>=2.6,<3"]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=300)
    return folder


class CK:
    """CK's command line, with repositories of its own and nobody to answer its questions."""

    def __init__(self, packages: Path, home: Path) -> None:
        self.home = home
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("CK_")},
            "PYTHONPATH": str(packages),
            "CK_REPOS": str(home / "repositories"),
            "CK_TOOLS": str(home / "tools"),
            "HOME": str(home),
        }

    def python(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def __call__(self, *arguments: str) -> list[str]:
        return self.python("-m", "ck", *arguments).split()

    def add(self, archive: Path) -> str:
        """Register an archive as a repository; returns its name."""
        self("add", "repo", f"--zip={archive}", "--quiet")
        return archive.stem

    def entries(self, repository: str) -> list[str]:
        """Entries tagged nntest, as repository:experiment:alias."""
        return sorted(self("search", f"{repository}:experiment:*", "--tags=nntest"))


@pytest.fixture
def ck(ck_packages, tmp_path):
    (tmp_path / "home").mkdir()
    return CK(ck_packages, tmp_path / "home")


def sweep(tmp_path, name="ours", **ck_part):
    """An archive of ours: conv and directconv, three tensors each, one of them failed."""
    points = [make_point(operator, t) for operator in ("conv", "directconv") for t in TENSORS]
    lines = [header(), *(good(point, i) for point in points[:-1] for i in range(3))]
    lines.append(bad(points[-1], 0, "crashed(SIGSEGV)"))
    return write(tmp_path / f"{name}.zip", make_plan(points, **ck_part), lines), points


def test_ck_adds_searches_and_lists_an_archive_of_ours(ck, tmp_path):
    archive, points = sweep(tmp_path)
    repository = ck.add(archive)
    found = ck.entries(repository)
    prefix = f"{repository}:experiment:nntest"
    end = "opencl-reference-opencl-reference-1.0-1a2b3c4-study-bench"
    assert found == [f"{prefix}-conv-{end}", f"{prefix}-directconv-{end}"]
    for entry, operator in zip(found, ("conv", "directconv"), strict=True):
        wanted = {point["id"] for point in points if point["operator"] == operator}
        assert set(ck("list_points", entry)) == wanted
    by_operator = ck("search", f"{repository}:experiment:*", "--tags=nntest,conv")
    assert len(by_operator) == 2  # as in CK, where directconv has the species' tag, too


def test_ck_loads_the_points(ck, tmp_path):
    archive, points = sweep(tmp_path)
    repository = ck.add(archive)
    request = {
        "action": "load_point",
        "module_uoa": "experiment",
        "data_uoa": ck.entries(repository)[1].rpartition(":")[2],
        "repo_uoa": repository,
        "point": points[-1]["id"],
    }
    program = (
        "import ck.kernel as ck, json, sys\nprint(json.dumps(ck.access(json.load(sys.stdin))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(request),
        env=ck.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["return"] == 0
    assert answer["dict"]["0001"]["characteristics_list"][0]["run"] == {}
    assert "crashed" in answer["dict"]["flat"]["##pipeline_state#fail_reason#min"]


def test_what_ck_zips_of_ours_is_what_we_wrote(ck, tmp_path):
    archive, _ = sweep(tmp_path)
    repository = ck.add(archive)
    again = tmp_path / "by-ck.zip"
    ck("zip", f"{repository}:experiment:nntest*", f"--archive_name={again}")
    ours, theirs = frame_of(archive), frame_of(again)
    assert theirs.drop(columns="archive").equals(ours.drop(columns="archive"))
    report = merge([again, archive], tmp_path / "merged.zip", warn=lambda _: None)
    assert (report.entries, report.points, report.repeated) == (2, 6, 6)


def test_the_reader_of_the_2018_study_reads_ours_unchanged(ck, tmp_path):
    archive, _ = sweep(tmp_path, library_tag="arm-compute-library-opencl-18.05-b3a371b")
    repository = ck.add(archive)
    out = tmp_path / "study.json"
    ck.python("-c", STUDY_READER, str(REPOSITORY / "benchmarks"), repository, str(out))
    study = json.loads(out.read_text())
    frame = frame_of(archive)
    assert len(study) == len(frame) == 16
    times = {(row["tensor"], row["repetition_id"], row["time_us"]) for row in study}
    good_rows = frame[frame["status"] == "ok"].itertuples()
    assert times >= {(row.tensor, row.repetition_id, row.time_us) for row in good_rows}
    assert {row["success?"] for row in study} == {"yes", "n/a"}
    assert {row["library"] for row in study} == {"opencl-18.05-b3a371b"}


@needs_genuine
def test_ck_reads_a_merge_of_its_own_archives_and_ours(ck, tmp_path):
    archive, _ = sweep(tmp_path)
    merged = tmp_path / "merged.zip"
    merge([archive, NONE_ZIP, DEFAULT_ZIP], merged, warn=lambda _: None)
    repository = ck.add(merged)
    entries = ck.entries(repository)
    assert len(entries) == 6
    points = [point for entry in entries for point in ck("list_points", entry)]
    frame = frame_of(merged)
    assert len(points) == 44 + 6
    assert set(points) == set(frame["point"])


def test_entries_of_one_alias_stay_apart_in_ck(ck, tmp_path):
    points = [make_point()]
    paths = [
        write(tmp_path / f"{name}.zip", make_plan(points), [header(name * 32), good(points[0])])
        for name in "ab"
    ]
    merged = tmp_path / "twins.zip"
    merge(paths, merged, warn=lambda _: None)
    entries = ck.entries(ck.add(merged))
    assert len(entries) == 2
    assert [ck("list_points", entry) for entry in entries] == [[points[0]["id"]]] * 2
