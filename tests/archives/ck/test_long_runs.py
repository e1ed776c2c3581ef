"""Runs in streams, sustained ones and memory: from a journal's lines to the rows of tables."""

from __future__ import annotations

from typing import Any

import pytest
from archives.ck.ck_samples import MODEL, good, header, make_plan, make_point, write
from nntest.archives.ck import KnownPlatform, read_rows
from nntest.archives.ck.tables import read_table
from nntest.archives.measurements import to_frame
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.memory import MEMORY_RUNS
from nntest.domain.tables.streams import STREAM_RUNS
from nntest.domain.tables.sustained import SUSTAINED_WINDOWS

MS = 1_000_000
KNOWN = [KnownPlatform("bench", "Bench", (MODEL,))]
MEMORY = {
    "before": {"resident_bytes": 50e6, "peak_bytes": 51e6},
    "after": {"resident_bytes": 60e6, "peak_bytes": 75e6},
}


def stream_point(streams: int) -> dict[str, Any]:
    point = make_point(profile="streams", id=f"{streams:016x}", batch_size=2)
    long = {"NNTEST_REQUESTS_S": "10", "NNTEST_REQUESTS": "1", "CK_IN_SHAPE_N": "2"}
    return {**point, "env": {**point["env"], "NNTEST_STREAMS": str(streams), **long}}


def archive(tmp_path, points, lines):
    return write(tmp_path / "a.zip", make_plan(points), [header(), *lines])


def read(table, path):
    return frame_of(read_table(table, path, KNOWN, pytest.fail), table)


def stream_rows(tmp_path, requests, **changes):
    point = stream_point(4)
    line = good(point, run_time_state={"requests": requests, "memory": MEMORY}, **changes)
    path = archive(tmp_path, [point], [line])
    (row,) = read(STREAM_RUNS, path).to_dict("records")
    return row


def test_requests_of_all_streams_are_counted_together(tmp_path):
    requests = [
        {"started_ns": [n * MS for n in range(100)], "latency_ns": [MS] * 100},
        {"started_ns": [n * 3 * MS for n in range(40)], "latency_ns": [3 * MS] * 40},
    ]
    row = stream_rows(tmp_path, requests)
    assert (row["streams"], row["requests"], row["seconds"]) == (4, 140, 0.12)
    assert row["frames_per_s"] == pytest.approx(140 * 2 / 0.12)
    assert (row["p50_ms"], row["p90_ms"]) == (1.0, 3.0)
    assert row["p99_ms"] != row["p99_ms"], "140 requests do not say it"
    assert row["peak_mb"] == 25.0


@pytest.mark.parametrize(
    "requests",
    [
        [],
        "many",
        [{"started_ns": [0]}],
        [{"started_ns": [0], "latency_ns": ["soon"]}],
        [{"started_ns": [-1], "latency_ns": [5]}],
        [{"started_ns": [0], "latency_ns": [0]}],
    ],
)
def test_odd_requests_have_no_figure(tmp_path, requests):
    row = stream_rows(tmp_path, requests)
    assert row["frames_per_s"] != row["frames_per_s"] and row["streams"] == 4


def test_numbers_of_streams_are_points_of_one_library(tmp_path):
    points = [stream_point(1), stream_point(4), make_point()]
    lines = [good(point, run_time_state={"memory": MEMORY}) for point in points]
    path = archive(tmp_path, points, lines)
    rows = read(STREAM_RUNS, path).to_dict("records")
    assert sorted(row["streams"] for row in rows) == [1, 4]
    assert {row["library"] for row in rows} == {"opencl-reference-1.0-1a2b3c4"}
    assert len(to_frame(read_rows(path, KNOWN, pytest.fail))) == 1, "no measurements"
    (row,) = read(MEMORY_RUNS, path).to_dict("records")
    assert (row["resident_before_mb"], row["peak_after_mb"]) == (50.0, 75.0)


def test_each_process_says_its_memory_once(tmp_path):
    point = make_point()
    states = [MEMORY, MEMORY, MEMORY, {"before": {}}, None]
    lines = [
        good(point, number, process=number // 2, run_time_state={"memory": memory})
        for number, memory in enumerate(states)
    ]
    rows = read(MEMORY_RUNS, archive(tmp_path, [point], lines)).to_dict("records")
    assert [row["process_id"] for row in rows] == [0, 1]


def test_windows_are_rows_and_a_run_that_failed_is_one(tmp_path):
    point, other = make_point(profile="sustained"), make_point("directconv", profile="sustained")
    watts = [{"meter": "rail", "watts": 4.5}, {"meter": "b"}]
    window = {"from_s": 10.0, "seconds": 10.0, "runs": 40, "clock_mhz": 1000.0, "watts": watts}
    odd = {**window, "runs": "forty"}
    line = good(point, sustained=[{**window, "from_s": 0.0, "watts": []}, window, odd, 7])
    failed = good(other, status="timeout", reason="too long")
    path = archive(tmp_path, [point, other], [line, failed])
    frame = read(SUSTAINED_WINDOWS, path)
    first, second = frame[frame["operator"] == "conv"].to_dict("records")
    assert (first["window"], second["window"]) == (0, 1)
    assert (second["frames_per_s"], second["clock_mhz"], second["power_w"]) == (4.0, 1000.0, 4.5)
    assert first["power_w"] != first["power_w"]
    (row,) = frame[frame["operator"] == "directconv"].to_dict("records")
    assert (row["status"], row["reason"]) == ("timeout", "too long")
    assert to_frame(read_rows(path, KNOWN, pytest.fail)).empty
