"""The files of the history."""

from __future__ import annotations

from pathlib import Path

import pytest
from archives.history_samples import network_time, write_history
from nntest.archives.history import Run, Time, read_history, write_run
from nntest.errors import UserError


def test_what_is_written_is_read_the_oldest_first(tmp_path: Path) -> None:
    times = [network_time(day) for day in (2, 0, 1)]
    write_history(tmp_path, times)
    assert read_history(tmp_path) == [times[1], times[2], times[0]]
    assert len(list(tmp_path.glob("*.json"))) == 3


def test_the_same_measurements_write_the_same_file(tmp_path: Path) -> None:
    run = Run(study="study", networks=(network_time(),))
    first = write_run(run, tmp_path)
    assert first == write_run(run, tmp_path) == tmp_path / "2026-11-01T200500Z.study.json"
    assert len(read_history(tmp_path)) == 1


def test_a_run_that_goes_on_counts_once_as_it_is_now(tmp_path: Path) -> None:
    before, later = network_time(ms=10.0), network_time(1)
    after = network_time(ms=11.0, last_started_at=later.last_started_at, runs=120)
    other = network_time(1, library="openvino")
    write_run(Run(study="study", networks=(before,)), tmp_path)
    write_run(Run(study="study", networks=(after, other)), tmp_path)
    assert read_history(tmp_path) == [after, other]


def test_a_run_without_a_network_leaves_no_file(tmp_path: Path) -> None:
    assert write_run(Run(study="study", networks=()), tmp_path / "history") is None
    assert not (tmp_path / "history").exists()


def test_the_measured_time_stands_before_the_estimate() -> None:
    assert network_time(ms=10.0).time.us == 10_000
    assert network_time(measured=None, estimated=Time(us=7.0)).time.us == 7.0
    assert network_time(measured=None).series != network_time().series


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "it is not JSON"),
        ("[]", "not a run's history file"),
        ('{"format": 2, "study": "s", "networks": []}', "`format`"),
        ('{"study": "s", "networks": [{"network": "n"}]}', "key `networks[0].platform` is missing"),
        ("\x00\xff", "it is not JSON"),
    ],
)
def test_a_bad_file_gets_one_message(tmp_path: Path, content: str, said: str) -> None:
    write_history(tmp_path, [network_time()])
    (tmp_path / "bad.json").write_text(content, encoding="latin-1")
    with pytest.raises(UserError) as error:
        read_history(tmp_path)
    assert f"{tmp_path / 'bad.json'}: " in str(error.value)
    assert said in str(error.value)


def test_a_folder_without_runs_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no run"):
        read_history(tmp_path / "none")
