"""Throughput of parallel streams, and the percentiles that enough requests stand behind."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from nntest.analysis.throughput import throughput
from nntest.analysis.trade_offs import of_streams
from nntest.config.accuracy import Accuracy
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.streams import STREAM_RUNS
from nntest.report.streams import throughput_lines

LATENCIES = {"p50_ms": 2.0, "p90_ms": 3.0, "p99_ms": 4.0, "p999_ms": 8.0}


def runs(streams: int, frames: list[float], **changes: object) -> list[dict[str, object]]:
    kept = {
        **dict.fromkeys(STREAM_RUNS.names),
        "platform": "Board", "board": "b", "library": "lib-1", "operator": "network",
        "species": "network", "tensor": "cnv-50", "batch_size": 1, "tuner": "DEFAULT",
        "threads": 1, "status": "ok", "reason": "", "warmup": "always", "emulated": False,
        "requests": 5000, "seconds": 10.0, "peak_mb": 30.0, **LATENCIES,
    }  # fmt: skip
    return [
        {**kept, "streams": streams, "process_id": n, "repetition_id": n, "frames_per_s": rate,
         **changes}
        for n, rate in enumerate(frames)
    ]  # fmt: skip


def table(*rows: list[dict[str, object]]) -> pd.DataFrame:
    listed = [row for some in rows for row in some]
    return throughput(pd.DataFrame(), frame_of(listed, STREAM_RUNS), 42)


def test_medians_over_runs_and_the_gain_over_one_stream() -> None:
    found = table(runs(4, [290.0, 300.0, 310.0]), runs(1, [99.0, 100.0, 101.0]))
    one, four = found.to_dict("records")
    assert (one["streams"], four["streams"]) == (1, 4)
    assert four["frames_per_s"] == 300 and four["frames_ci_low"] < 300 < four["frames_ci_high"]
    assert four["over_one_stream"] == pytest.approx(3.0)
    assert four["over_one_ci_low"] < 3 < four["over_one_ci_high"]
    assert math.isnan(one["over_one_stream"])
    assert {name: four[name] for name in LATENCIES} == LATENCIES
    assert (four["n"], four["requests"], four["peak_mb"], four["note"]) == (3, 5000, 30.0, "")


def test_a_percentile_that_one_run_cannot_say_is_left_out() -> None:
    rows = runs(1, [100.0, 100.0, 100.0])
    rows[1]["p999_ms"] = None
    (row,) = table(rows).to_dict("records")
    assert math.isnan(row["p999_ms"]) and row["p99_ms"] == 4.0
    assert row["note"] == "too few requests for p99.9: `stream_runs: {requests: 3688}`"
    (line,) = [line for line in throughput_lines(table(rows)) if "1 stream:" in line]
    assert "p99 4.000 ms" in line and "p99.9" not in line


def test_runs_that_failed_have_their_reason() -> None:
    failed = {"frames_per_s": None, "status": "out-of-memory", "reason": "no memory for 8 sessions"}
    rows = [*runs(8, [0.0, 0.0], **failed), *runs(1, [100.0] * 3)]
    one, eight = table(rows).to_dict("records")
    assert (eight["n"], eight["note"]) == (0, "no memory for 8 sessions")
    assert math.isnan(eight["over_one_stream"]) and one["n"] == 3
    assert len(of_streams(table(rows), {})) == 1


ACCURACIES = {"cnv-50": Accuracy(top1_percent=80.0, source="made up")}


def test_streams_are_configurations() -> None:
    found = of_streams(table(runs(4, [300.0] * 3), runs(1, [100.0] * 3)), ACCURACIES)
    four = found.iloc[1]
    assert four["hardware"] == "Board, lib-1, 1 thread, 4 streams"
    assert (four["network"], four["variant"], four["streams"]) == ("cnv", "50%", 4)
    assert (four["latency_ms"], four["frames_per_s"]) == (2.0, 300.0)
    assert (four["top1_percent"], four["memory_mb"], four["kind"]) == (80.0, 30.0, "measured")


def test_the_report_has_the_fastest_first() -> None:
    lines = throughput_lines(table(runs(1, [100.0] * 3), runs(4, [299.0, 300.0, 301.0])))
    assert lines[0] == "throughput of cnv-50 on Board, batch 1, in parallel streams"
    assert lines[1].startswith("  lib-1 DEFAULT, 1 thread, 4 streams: 300.0 frames/s (95 % ")
    assert lines[1].endswith(
        "3.000 times one stream's; p50 2.000 ms, p90 3.000 ms, p99 4.000 ms, p99.9 8.000 ms"
    )
    assert throughput_lines(None) == throughput_lines(table()) == []
