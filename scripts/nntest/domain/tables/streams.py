"""The tables of requests in parallel streams: each run, and what they say together."""

from __future__ import annotations

from nntest.domain.latencies import PERCENTILES
from nntest.domain.tables import shared
from nntest.domain.tables.column import FLOAT, INT, RATIO, Column, Table
from nntest.domain.tables.measurements import EMULATED, PROCESS, WARMUP
from nntest.domain.tables.memory import PEAK_MB

STREAMS = Column(
    "streams", INT, meaning="requests that are run at once, each with as many threads as `threads`"
)
LATENCIES = tuple(
    Column(name, FLOAT, "ms", label=f"p{per_mille / 10:g}", meaning="latency that "
           f"{per_mille / 10:g} % of the requests do not exceed; empty: too few of them to say")
    for name, per_mille in PERCENTILES.items()
)  # fmt: skip
THROUGHPUT_FRAMES = shared.FRAMES.but(
    label="throughput", meaning="images a second over all streams"
)

STREAM_RUNS = Table(
    "stream_runs",
    (
        *shared.REPETITION,
        STREAMS,
        PROCESS,
        Column("requests", INT, meaning="that the streams have served"),
        Column("seconds", FLOAT, "s", label="", meaning="from when the first one began until the "
               "last one ended"),
        THROUGHPUT_FRAMES,
        *LATENCIES,
        PEAK_MB,
        shared.STATUS,
        shared.REASON,
        WARMUP,
        EMULATED,
        *shared.ORIGIN,
    ),
    title="Runs of requests",
    caption="One row for each run of a whole network in parallel streams.",
    rule="tidy",
    optional=True,
    hidden=("process_id",),
)  # fmt: skip

THROUGHPUT = Table(
    "throughput",
    (
        *shared.KEY,
        STREAMS,
        Column("n", INT, meaning="runs, each in a process of its own"),
        Column("requests", INT, meaning="median of those of a run"),
        *THROUGHPUT_FRAMES.but(
            meaning="median over runs", interval=("frames_ci_low", "frames_ci_high")
        ).with_ends,
        *Column("over_one_stream", FLOAT, RATIO, label="over one stream",
                meaning="throughput over that of one stream",
                interval=("over_one_ci_low", "over_one_ci_high")).with_ends,
        *(column.but(meaning=f"median over runs; {column.meaning}") for column in LATENCIES),
        PEAK_MB.but(meaning=f"median; {PEAK_MB.meaning}"),
        shared.NOTE,
    ),
    title="Throughput with parallel streams",
    caption="Whole networks with several requests at once. All requests are there from the "
    "beginning and each stream takes one after the other: the throughput is that of MLPerf's "
    "offline scenario, and with one stream the percentiles are those of its single-stream "
    "scenario. A request's latency begins when its stream takes it.",
    made_by="throughput.throughput",
    needs=("seed",),
    reads=("stream_runs",),
    optional=True,
    kept=("tuner", "streams"),
)  # fmt: skip
