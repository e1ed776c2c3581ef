"""The tables that are read off the archives: repetitions, and the profiled ones' kernels."""

from __future__ import annotations

from nntest.domain.tables import shared
from nntest.domain.tables.column import FLAG, FLOAT, INT, TEXT, Column, Table

MEASUREMENTS = Table(
    "measurements",
    (
        *shared.REPETITION,
        Column("process_id", INT,
               meaning="which process of its point ran it, from 0; null: unknown"),
        Column("in_shape_n", INT, meaning="input batch"),
        Column("in_shape_c", INT, meaning="input channels"),
        Column("in_shape_h", INT, meaning="input height"),
        Column("in_shape_w", INT, meaning="input width"),
        shared.TIME,
        Column("setup_us", FLOAT, "µs", label="setup", meaning="time of the set-up before it"),
        Column("tuning_us", FLOAT, "µs", label="tuning",
               meaning="time that the tuner took; null: not recorded"),
        Column("waiting_us", FLOAT, "µs", label="waiting",
               meaning="what waiting for a run costs beyond leaving it in the queue; null: not "
               "measured"),
        shared.GFLOPS,
        Column("success?", TEXT, meaning="yes, no (wrong output), n/a (no result)"),
        shared.STATUS,
        shared.REASON,
        Column("runs", INT,
               meaning="runs in a row that the time is the mean of (`loop_s`), and that the next "
               "six columns are of"),
        Column("run_state", TEXT, label="run",
               meaning="clean, disturbed by what else the machine did, or unknown: the kernel or "
               "the archive does not say; docs/results.md has the rule"),
        Column("waited_us", FLOAT, "µs", label="waited",
               meaning="that its threads were ready to run and had no CPU, all together"),
        Column("dispatches", INT, meaning="times that one of its threads was put on a CPU"),
        Column("stolen_us", FLOAT, "µs", label="stolen",
               meaning="that a virtual machine's host took from its CPUs meanwhile, in ticks"),
        Column("involuntary_switches", INT,
               meaning="times that a thread was taken off its CPU and could have gone on"),
        Column("major_faults", INT, meaning="pages that came from a disk meanwhile"),
        Column("load", FLOAT,
               meaning="load average of the last minute, the measuring itself included"),
        *shared.USED,
        shared.KERNEL,
        *shared.KERNEL_RAN,
        Column("protocol", TEXT, meaning="a repetition is a new 'process' or 'in-process'"),
        Column("warmup", TEXT,
               meaning="'always' or 'tuner-only' (the 2018 programs) or 'unknown'"),
        Column("clock_before_mhz", FLOAT, "MHz", label="clock before",
               meaning="clock of the device; null: not readable"),
        Column("clock_after_mhz", FLOAT, "MHz", label="clock after"),
        Column("temperature_before_c", FLOAT, "°C", label="temperature before",
               meaning="hottest thermal zone"),
        Column("temperature_after_c", FLOAT, "°C", label="temperature after",
               meaning="hottest thermal zone"),
        Column("hottest_zone", TEXT, label="hottest zone",
               meaning="which thermal zone that was; zones that always say the same and those "
               "of power supplies do not count; empty: not known"),
        Column("throttled", FLAG, meaning="measured while throttled; null: not known"),
        Column("notes", TEXT,
               meaning="what of the device's state could not be set; else empty"),
        Column("emulated", FLAG, meaning="ran under an emulator: no board's time"),
        shared.DEVICE,
        shared.DRIVER,
        Column("started_at", TEXT, meaning="when the repetition started, UTC, ISO 8601"),
        *shared.ORIGIN,
        Column("program_checksum", TEXT,
               meaning="SHA-256 over the program's sources; empty: unknown"),
    ),
    title="Every repetition",
    caption="The measurement table that all else follows from: one row per repetition, as read "
    "from the Collective Knowledge archives. A run that failed has no time; status and reason say "
    "why.",
    rule="tidy",
)  # fmt: skip

_ALL_LAUNCHES = shared.TIME.but(meaning="all launches of the kernel together")
KERNELS = Table(
    "kernels",
    (
        *(_ALL_LAUNCHES if column is shared.TIME else column for column in MEASUREMENTS),
        shared.PHASE,
        Column("launches", INT,
               meaning="how often it was launched in that phase; null: not recorded"),
        shared.WALL.but(meaning="time of the whole operator in the profiled run"),
    ),
    title="Kernels of the profiled runs",
    caption="One row for each kernel, phase and repetition. Only the phase run is part of a "
    "repetition's time; profiles of CK itself have no phases (all): the reshaping of weights and "
    "tuner runs are in the sums.",
    rule="tidy",
)  # fmt: skip

PROCESS, WARMUP, EMULATED = (
    column for column in MEASUREMENTS if column.name in ("process_id", "warmup", "emulated")
)
NODES = Table(
    "nodes",
    (
        *shared.REPETITION,
        PROCESS,
        Column("sequence", INT, meaning="nodes of the graph, counted from 0 in their order"),
        Column("node", TEXT, meaning="as the library calls it"),
        shared.KERNEL.but(meaning="kernel that the library ran it with"),
        Column("layer", TEXT, meaning="layer that it computes, of several fused ones the first; "
               "empty: it only moves data; null: not known"),
        Column("fused_layers", TEXT, meaning="other layers that it computes, too"),
        shared.TIME.but(meaning="least time of the node in five untimed runs of its process"),
        Column("timed_by", TEXT, meaning="the library's profile; calls, each of them timed; "
               "outputs asked for one after the other, a layer's reorders within its time"),
        WARMUP,
        EMULATED,
        *shared.ORIGIN,
    ),
    title="Nodes of the libraries' graphs",
    caption="What libraries make of a layer, or of a whole network: one row for each node that was "
    "timed, in each process. A network's nodes run as in the network, one after the other.",
    rule="tidy",
    optional=True,
    hidden=("process_id",),
)  # fmt: skip

_NANOSECONDS = "of the device's clock; null in CK's own profiles"
TIMES = tuple(
    Column(f"{event}_ns", INT, "ns", label=event, meaning=_NANOSECONDS)
    for event in ("queued", "submitted", "start", "end")
)
"""When a kernel was queued, submitted, started and finished."""

LAUNCHES = Table(
    "launches",
    (
        *shared.REPETITION,
        Column("sequence", INT, meaning="launches of the repetition, counted from 0"),
        shared.PHASE,
        shared.KERNEL,
        shared.TIME.but(meaning="time of the launch"),
        Column("global_size", TEXT, meaning="global work size, e.g. 8x8x1"),
        Column("local_size", TEXT, meaning="local work size; 0x0x0: left to the driver"),
        *TIMES,
        *shared.ORIGIN,
    ),
    title="Launches of the profiled runs",
    caption="One row for each launch of a kernel, in the order of launching.",
    rule="tidy",
)

COUNTERS = Table(
    "counters",
    (
        *shared.REPETITION,
        Column("counter", TEXT, meaning="its name; one that lies deeper is named by its path, "
               "a/b/c"),
        Column("value", FLOAT, meaning="as the device counted it"),
        *shared.ORIGIN,
    ),
    title="Hardware counters of the profiled runs",
    caption="One row for each Mali hardware counter of each repetition.",
    rule="tidy",
)  # fmt: skip
