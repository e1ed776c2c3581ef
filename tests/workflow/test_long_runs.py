"""A network in parallel streams and on and on, and its memory: through the whole workflow."""

from __future__ import annotations

import math
import sys
from typing import Any

import pandas as pd
import pytest
import yaml
from workflow.study import Checkout
from workflow.test_energy import METER, WATTS

pytestmark = [
    pytest.mark.network,
    pytest.mark.slow("installs an inference library, and measures with it"),
]

STREAMS, RUNS, BATCH = [1, 4], 3, 2
CHANGES: dict[str, Any] = {
    "libraries": ["onnxruntime"],
    "networks": ["trial"],
    "operators": ["conv"],
    "tuners": ["DEFAULT"],
    "batch_sizes": [BATCH],
    "repetitions": 2,
    "threads": [1],
    "end_to_end": True,
    "streams": STREAMS,
    "stream_runs": {"seconds": 0.5, "requests": 4000},
    "profile_repetitions": RUNS,
    "sustained": "8 s",
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    checkout = Checkout.make(tmp_path_factory.mktemp("long") / "checkout", **CHANGES)
    clock = checkout.folder / "clock"
    clock.mkdir()
    (clock / "scaling_cur_freq").write_text("1500000\n", encoding="utf-8")
    checkout.write(
        "config/boards/here.yaml",
        connect={"transport": "local"},
        work_dir="results/boards/here",
        lock_file=str(checkout.folder / "board.lock"),
        meters=[{"name": "bench", "kind": "command", "command": [sys.executable, "-c", METER]}],
        frequency_domains=[{"name": "cpu", "path": str(clock)}],
    )
    checkout.run()
    return checkout


def rows(checkout: Checkout, table: str) -> pd.DataFrame:
    return pd.read_parquet(checkout.results / f"tables/{table}.parquet")


def journaled(checkout: Checkout, streams: int) -> list[list[tuple[int, int]]]:
    """(start, latency) in ns of every request, by run, as the board's journal has them."""
    states = [line["run_time_state"] for line in checkout.journal("onnxruntime")]
    return [
        [pair for one in state["requests"] for pair in zip(one["started_ns"], one["latency_ns"],
                                                           strict=True)]
        for state in states
        if len(state.get("requests", [])) == streams
    ]  # fmt: skip


@pytest.mark.parametrize("streams", STREAMS)
def test_percentiles_and_throughput_are_those_of_the_journal(
    checkout: Checkout, streams: int
) -> None:
    runs = journaled(checkout, streams)
    assert len(runs) == RUNS
    table = rows(checkout, "stream_runs")
    table = table[table["streams"] == streams].sort_values("requests")
    for run, (_, row) in zip(sorted(runs, key=len), table.iterrows(), strict=True):
        assert row["requests"] == len(run) >= 4000
        slower = len(run) - 1 - len(run) * 999 // 1000  # that may be
        latencies = sorted((latency for _, latency in run), reverse=True)
        assert row["p999_ms"] == pytest.approx(latencies[slower] / 1e6)
        first = min(start for start, _ in run)
        last = max(start + latency for start, latency in run)
        assert row["frames_per_s"] == pytest.approx(BATCH * len(run) / (last - first) * 1e9)
    said = rows(checkout, "throughput").set_index("streams").loc[streams]
    assert said["n"] == RUNS and said["note"] == ""
    assert said["p999_ms"] == pytest.approx(table["p999_ms"].median())
    assert said["frames_per_s"] == pytest.approx(table["frames_per_s"].median())
    assert math.isnan(said["over_one_stream"]) == (streams == 1)


def test_long_runs_are_no_measurements(checkout: Checkout) -> None:
    assert len(rows(checkout, "measurements")) == 3 * 2  # two layers and the network
    assert rows(checkout, "kernels").empty and rows(checkout, "energy_runs").empty


def test_windows_have_rate_clock_and_power(checkout: Checkout) -> None:
    windows = rows(checkout, "sustained_windows")
    assert 5 <= len(windows) <= 8
    assert (windows["runs"] > 0).all()
    assert set(windows["clock_mhz"].dropna()) == {1500.0}
    power = windows["power_w"].dropna().tolist()
    assert len(power) > 3 and power == pytest.approx([WATTS] * len(power), rel=0.01)
    sustained = rows(checkout, "sustained").iloc[0]
    assert sustained["first_rank"] == sustained["last_rank"] == 1
    assert sustained["last_frames_per_s"] > 0 and sustained["last_power_w"] > 0


def test_memory_of_layers_and_network(checkout: Checkout) -> None:
    memory = rows(checkout, "memory")
    assert list(memory["operator"]) == ["network", "conv", "conv"]
    assert (memory["peak_mb"] > memory["weights_mb"]).all()
    assert (memory["resident_before_mb"] > 10).all()


def test_the_report_and_the_trade_offs_say_it(checkout: Checkout) -> None:
    said = (checkout.results / "headline.txt").read_text("utf-8")
    assert "throughput of trial on " in said and ", 1 thread, 4 streams: " in said
    assert "p99.9 " in said and "times one stream's" in said
    assert f"batch {BATCH}, sustained" in said and "frames/s in the first minute" in said
    assert (checkout.results / "plots/sustained.svg").exists()
    page = (checkout.results / "report.html").read_text("utf-8")
    for title in ("Throughput with parallel streams", "Memory", "Sustained runs over time"):
        assert title in page
    own = rows(checkout, "configurations")
    assert own["streams"].dropna().tolist() == STREAMS
    assert (own["memory_mb"] > 0).all()


def test_other_streams_measure_only_themselves(checkout: Checkout) -> None:
    config = yaml.safe_load((checkout.folder / "config/config.yaml").read_text("utf-8"))
    checkout.configure(**{**config, "streams": [*STREAMS, 2]})
    try:
        assert sum(checkout.to_measure("--until", "sweep_network")) == RUNS
    finally:
        checkout.configure(**CHANGES)
