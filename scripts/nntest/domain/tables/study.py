"""The tables that follow from the measurements, point by point."""

from __future__ import annotations

from nntest.domain.tables import shared
from nntest.domain.tables.column import FLAG, FLOAT, INT, RATIO, SHARE, TEXT, Column, Table

COMPARISON = Table(
    "comparison",
    (
        Column("baseline", TEXT, meaning="what is compared with"),
        Column("other", TEXT, label="compared", meaning="what is compared with the baseline"),
        *shared.KEY,
        shared.LAYERS,
        Column("baseline_us", FLOAT, "µs", label="baseline", meaning="median"),
        Column("other_us", FLOAT, "µs", label="compared", meaning="median"),
        *Column("ratio", FLOAT, RATIO, meaning="compared over baseline median",
                interval=shared.CI).with_ends,
        shared.VERDICT.but(meaning="faster or slower where p adjusted is below 5 %"),
        Column("regression", FLAG, meaning="slower by more than the study allows, or failed"),
        Column("p_value", FLOAT, label="p",
               meaning="that they differ by no more than the smallest effect"),
        Column("p_adjusted", FLOAT, meaning="for the number of points"),
        Column("min_effect", FLOAT, SHARE, label="smallest effect",
               meaning="that counts as a difference"),
        Column("compared_runs", TEXT, meaning="which runs are compared: clean ones, where both "
               "sides have enough, else all"),
        Column("baseline_runs", INT, meaning="of these"),
        Column("other_runs", INT, label="compared runs", meaning="of these"),
        Column("unit", TEXT, meaning="of what the test counts independent values"),
        Column("baseline_n", INT, meaning="units"),
        Column("other_n", INT, label="compared n", meaning="units"),
        shared.NOTE,
    ),
    title="Comparison with the baseline",
    caption="Ratios above 1 are slower. A verdict needs Mann and Whitney's test over processes to "
    "say that the times differ by more than the smallest effect, at a rate of 5 % for false "
    "differences over all points.",
    made_by="comparison.comparison",
    needs=("compare", "run", "networks", "padding", "seed"),
    optional=True,
    section="first",
    kept=("operator", "tensor", "verdict", "regression"),
    last=("layers", "note"),
)  # fmt: skip

_SPEEDUP_MEDIAN = Column(
    "speedup_median", FLOAT, RATIO, label="speedup, median", meaning="ratio of the medians",
    interval=("median_ci_low", "median_ci_high"),
)  # fmt: skip
SPEEDUP = Table(
    "speedup",
    (
        *shared.KEY,
        Column("baseline", TEXT, meaning="what the speedup is over"),
        Column("median_us", FLOAT, "µs", label="median", meaning="median of the repetitions"),
        Column("baseline_median_us", FLOAT, "µs", label="baseline median"),
        *_SPEEDUP_MEDIAN.with_ends,
        shared.VERDICT,
        shared.MINIMUM,
        Column("baseline_min_us", FLOAT, "µs", label="baseline min"),
        Column(
            "speedup_min",
            FLOAT,
            RATIO,
            label="speedup, min",
            meaning="ratio of the minima; no interval says how far to trust it",
        ),
        shared.NOTE,
    ),
    title="Speedup over the baseline",
    caption="Each operator and tuner over the baseline, by median with its 95 % interval, and by "
    "minimum. A difference counts only where the interval lies on one side of 1.",
    made_by="tables.speedup",
    needs=("baseline_operator", "baseline_tuner", "seed"),
    kept=("operator", "tuner", "verdict"),
)

TUNER_CHECK = Table(
    "tuner_check",
    (
        *(column for column in shared.KEY if column is not shared.TUNER),
        Column("default_median_us", FLOAT, "µs", label="DEFAULT",
               meaning="median with the DEFAULT tuner"),
        Column("none_median_us", FLOAT, "µs", label="NONE", meaning="median without a tuner"),
        *Column("tuner_speedup", FLOAT, RATIO, label="tuner's speedup", meaning="NONE over DEFAULT",
                interval=shared.CI).with_ends,
        shared.VERDICT,
        Column("exception", FLAG, meaning="DEFAULT slower than NONE, or failed alone"),
        shared.NOTE,
    ),
    title="Tuner check: is DEFAULT at least as good as NONE?",
    caption="Tensor by tensor; exceptions come first.",
    made_by="tables.tuner_check",
    needs=("seed",),
    kept=("operator", "verdict", "exception"),
)  # fmt: skip

THREAD_SCALING = Table(
    "thread_scaling",
    (
        *shared.KEY,
        shared.MEDIAN,
        *shared.MEDIAN.ends,
        Column("one_thread_us", FLOAT, "µs", label="one thread", meaning="its median"),
        *Column("speedup", FLOAT, RATIO, meaning="one thread's median over this one",
                interval=shared.CI).with_ends,
        shared.VERDICT,
        Column("efficiency", FLOAT, SHARE, meaning="speedup over the number of threads",
               interval=("efficiency_ci_low", "efficiency_ci_high")),
        Column("efficiency_ci_low", FLOAT, SHARE, meaning="of the interval of efficiency"),
        Column("efficiency_ci_high", FLOAT, SHARE, meaning="of the interval of efficiency"),
        *shared.USED,
    ),
    title="What threads gain",
    caption="Each point that was measured with one thread and with more, over its time with one "
    "on the same set of cores.",
    made_by="thread_scaling.thread_scaling",
    needs=("seed",),
    optional=True,
    kept=("operator", "tuner", "threads", "cores", "verdict"),
)  # fmt: skip

PROTOCOL_CHECK = Table(
    "protocol_check",
    (
        *shared.KEY,
        Column("median_always_us", FLOAT, "µs", label="warm", meaning="median, warm-up always"),
        Column("median_tuner_only_us", FLOAT, "µs", label="cold",
               meaning="median, warm-up with tuner only"),
        *Column("cold_over_warm", FLOAT, RATIO, meaning="of the medians",
                interval=("ratio_ci_low", "ratio_ci_high")).with_ends,
        shared.VERDICT,
        *Column("speedup_always", FLOAT, RATIO, label="tuner's speedup, warm", meaning="over NONE",
                interval=("always_ci_low", "always_ci_high")).with_ends,
        *Column("speedup_tuner_only", FLOAT, RATIO, label="as in 2018", meaning="over NONE",
                interval=("tuner_only_ci_low", "tuner_only_ci_high")).with_ends,
    ),
    title="Two warm-ups: always, and with the tuner only as in 2018",
    caption="Every point measured both ways. The programs of 2018 warmed up with the tuner only, "
    "so that a cold NONE is compared with a warm DEFAULT; the last two columns show what that "
    "makes of the tuner's speedup.",
    made_by="protocols.protocol_check",
    needs=("seed",),
    optional=True,
    kept=("operator", "tuner", "verdict"),
)  # fmt: skip

KERNEL_SHARE = Table(
    "kernel_share",
    (
        *shared.KEY,
        shared.STATUS,
        Column("profiled_runs", INT, meaning="repetitions under the profiler"),
        Column("kernels", INT, meaning="different kernels in a run"),
        Column("kernels_us", FLOAT, "µs", label="kernels", meaning="their sum, median of the runs"),
        shared.WALL.but(meaning="median without a profiler"),
        *Column("share", FLOAT, SHARE, meaning="kernels over wall", interval=shared.CI).with_ends,
        Column("between_us", FLOAT, "µs", label="between", meaning="wall less kernels"),
        Column("profiled_wall_us", FLOAT, "µs", label="profiled wall",
               meaning="median of the runs"),
        Column("share_profiled", FLOAT, SHARE, label="share of that",
               meaning="median of the runs' own shares"),
        shared.NOTE,
    ),
    title="Kernels' share of the time",
    caption="Of profiled points: what the kernels of a run take together, as a share of the time "
    "that the same point takes without a profiler, and of the profiled runs' own.",
    made_by="kernels.kernel_share",
    needs=("seed",),
    reads=("kernels",),
    optional=True,
    kept=("operator", "tuner"),
)  # fmt: skip

SUMMARY = Table(
    "summary",
    (
        *shared.KEY,
        *shared.RUNS[:2],
        Column("disturbed", INT, meaning="of these; whether the rest were is not known"),
        Column(
            "counted", INT, meaning="repetitions that the statistics are of: the clean ones, or all"
        ),
        Column("processes", INT, meaning="processes that these come from"),
        shared.MINIMUM,
        shared.MEDIAN,
        Column("mean_us", FLOAT, "µs", label="mean", meaning="mean of the repetitions"),
        Column("sd_us", FLOAT, "µs", label="sd", meaning="standard deviation of the repetitions"),
        Column("cv", FLOAT, SHARE, meaning="standard deviation over mean"),
        *shared.MEDIAN.ends,
        *shared.RUNS[2:],
        shared.GFLOPS,
        Column("throttled", INT, meaning="repetitions while the device was throttled"),
        Column("failed", INT, meaning="repetitions that did not succeed"),
        *shared.KERNEL_RAN,
    ),
    title="Summary of every point",
    caption="Each point's repetitions: count, extremes, median with its 95 % interval, "
    "mean, spread; of the clean repetitions alone, where there are enough of them.",
    made_by="tables.summary",
    needs=("seed",),
)

FAILED = Table(
    "failed",
    (
        shared.STATUS, shared.REASON, *shared.KEY, shared.KERNEL,
        Column("repetitions", INT, meaning="how many failed so"),
        Column("first_repetition", INT, label="first",
               meaning="first repetition that failed, from 0"),
        *shared.ORIGIN,
    ),
    title="What did not succeed",
    caption="One row per point, status and reason, with where it is recorded.",
    made_by="tables.failed",
    section="failures",
)  # fmt: skip

POOL_BOARDS = Table(
    "pool_boards",
    (
        Column("pool", TEXT, meaning="boards of one kind that share the study"),
        Column("baseline", TEXT, meaning="board that is compared with"),
        Column("other", TEXT, label="compared", meaning="board that is compared with the baseline"),
        Column("points", INT, meaning="that both boards measured"),
        Column("baseline_us", FLOAT, "µs", label="baseline", meaning="sum of their medians"),
        Column("other_us", FLOAT, "µs", label="compared", meaning="sum of their medians"),
        *Column("ratio", FLOAT, RATIO, meaning="compared over baseline; above 1 is slower",
                interval=("ci_low", "ci_high")).with_ends,
        shared.VERDICT,
    ),
    title="Boards of pools",
    caption="Whether the boards of a pool differ: the same few points of one library, measured on "
    "each of them. Libraries of a pool are measured on one board each; a ratio between two of them "
    "has the ratio of their boards in it.",
    rule="compare_pools",
    section="device",
)  # fmt: skip

DEVICE_STATE = Table(
    "device_state",
    (
        shared.PLATFORM, shared.LIBRARY, shared.DEVICE, shared.DRIVER,
        Column("rows", INT, label="repetitions", meaning="that were tried"),
        Column("clock_min_mhz", FLOAT, "MHz", label="lowest clock"),
        Column("clock_max_mhz", FLOAT, "MHz", label="highest clock"),
        Column("temperature_min_c", FLOAT, "°C", label="coolest"),
        Column("temperature_max_c", FLOAT, "°C", label="hottest"),
        Column("hottest_zone", TEXT, label="hottest zone",
               meaning="the thermal zone that was the hottest most often; empty: not known"),
        Column("throttled", INT, meaning="repetitions while throttled"),
        Column("not_read", TEXT, meaning="what could not be read, so is not known"),
        Column("not_set", TEXT, meaning="what was asked of the device and could not be had"),
        Column("clean", INT, meaning="repetitions that nothing disturbed"),
        Column("disturbed", INT, meaning="repetitions that something else disturbed"),
        Column("unknown", INT, meaning="repetitions of which nobody knows"),
        Column("waited_share", FLOAT, SHARE, label="waited",
               meaning="time for which threads had no CPU, over the repetitions' own"),
        Column("load_median", FLOAT, label="load", meaning="load average, median"),
        Column("load_max", FLOAT, label="highest load"),
        Column("first_started_at", TEXT, label="first start", meaning="UTC, ISO 8601"),
        Column("last_started_at", TEXT, label="last start", meaning="UTC, ISO 8601"),
    ),
    title="The device while it measured",
    caption="Clocks, temperatures and throttling: extremes of the readings before and after each "
    "repetition, and what could not be read; and how busy the machine was.",
    made_by="tables.device_state",
    section="device",
)  # fmt: skip

DRIFT = Table(
    "drift",
    (
        shared.PLATFORM,
        Column("session", INT, meaning="measuring without a pause of ten minutes, from 1"),
        Column("window", INT, meaning="part of the session, from 1"),
        Column("from_min", FLOAT, "min", label="from", meaning="since the session's start"),
        Column("to_min", FLOAT, "min", label="to"),
        Column("processes", INT, meaning="that were started in it"),
        *Column("time_ratio", FLOAT, RATIO, label="time", meaning="of a process over its point's "
                "median, median of the window", interval=shared.CI).with_ends,
    ),
    title="Speed of the machine while it measured",
    caption="Every point is measured again and again, so each says how fast the machine was at the "
    "time. Above 1 it was slower than in the middle of the study.",
    made_by="drift.drift",
    needs=("seed",),
    section="device",
    optional=True,
    kept=("session",),
)  # fmt: skip
