"""Columns that several tables have, each described once."""

from __future__ import annotations

from onboard import outcomes
from onboard.clean_runs import FEWEST_CLEAN

from nntest.domain.tables.column import FLOAT, INT, SHARE, TEXT, Column

# -- which point -------------------------------------------------------------------------------

PLATFORM = Column("platform", TEXT, meaning="what ran it, by the name that tables and plots show")
BOARD = Column("board", TEXT, meaning="name of the board file; empty if no board file knows it")
LIBRARY = Column(
    "library", TEXT, meaning="library with its version, as CK tags it; {in braces} what else tells "
    "its points apart",
)  # fmt: skip
OPERATOR = Column("operator", TEXT, meaning="operator, e.g. conv, directconv")
PROGRAM = Column("program", TEXT, meaning="operator program, e.g. conv-armcl-opencl")
SPECIES = Column("species", TEXT, meaning="kind of operator that the tensor belongs to, e.g. conv")
TENSOR = Column("tensor", TEXT, meaning="tensor (shape) in CK-NNTest's naming")
BATCH_SIZE = Column("batch_size", INT, label="batch", meaning="images in a batch")
TUNER = Column(
    "tuner", TEXT, meaning="local-work-size tuner: NONE, DEFAULT, CUSTOM, BIFROST; of a whole "
    "network SCHEDULE, or the tuner of all its layers",
)  # fmt: skip
THREADS = Column(
    "threads", INT, meaning="threads that the library was asked for; empty: its own default"
)
CORES = Column(
    "cores", TEXT, meaning="set of cores that it stayed on, by its name in the board's file; "
    "empty: any core",
)  # fmt: skip
USED = (
    Column("threads_used", INT, meaning="threads that were seen to compute; empty: not known"),
    Column("ran_on", TEXT, meaning="cores that its threads were last seen on; empty: not known"),
)
"""What a library really used."""
DATA_TYPE = Column("data_type", TEXT, meaning="data type that is computed in, e.g. fp32")
DEVICE = Column("device", TEXT, meaning="OpenCL device name")
DRIVER = Column("driver", TEXT, meaning="OpenCL driver version")

KEY = (PLATFORM, LIBRARY, OPERATOR, TENSOR, BATCH_SIZE, TUNER, THREADS, CORES, SPECIES)
"""What tells one point from another."""
GROUP = (PLATFORM, LIBRARY, BATCH_SIZE, DATA_TYPE, THREADS, CORES)
"""What points have in common if a schedule may choose among them."""

REPETITION_ID = Column(
    "repetition_id", INT, label="repetition id",
    meaning="index of the repetition within its point, from 0",
)  # fmt: skip
REPETITION = (
    *(PLATFORM, BOARD, LIBRARY, OPERATOR, PROGRAM, SPECIES, TENSOR, BATCH_SIZE, TUNER, THREADS),
    CORES,
    REPETITION_ID,
)
"""What tells one repetition from another."""

ARCHIVE = Column("archive", TEXT, meaning="file that the row was read from")
ENTRY = Column("entry", TEXT, meaning="UID of its CK entry")
POINT = Column("point", TEXT, meaning="CK point")
SUBPOINT = Column("subpoint", INT, meaning="CK sub-point, from 1")
ORIGIN = (ARCHIVE, ENTRY, POINT, SUBPOINT)
"""Where it is recorded."""

STATUS = Column(
    "status", TEXT, meaning=f"{', '.join(outcomes.STATUSES)}; crashed says how: crashed(SIGSEGV)"
)
REASON = Column(
    "reason", TEXT, meaning="why it is not ok, with the tail of its log; else empty", shown="long"
)
KERNEL = Column("kernel", TEXT, meaning="kernel that the row is about; empty: the whole operator")
KERNEL_RAN = (
    Column("kernel_ran", TEXT, meaning="kernels that the library ran the point with, in order; "
           "empty: it does not say", shown="long"),
    Column("kernel_evidence", TEXT, label="evidence", meaning="of what ran: reported by the "
           "library, inferred from its options, or unknown; empty: the program does not say"),
)  # fmt: skip
PHASE = Column(
    "phase", TEXT, meaning="when it ran: run, warmup, tuning, setup; all: the profile does not say"
)
NOTE = Column("note", TEXT, meaning="what else should be known")
VERDICT = Column("verdict", TEXT, meaning="no difference: the interval crosses 1")

# -- times -------------------------------------------------------------------------------------

CI_US = ("ci_low_us", "ci_high_us")
CI = ("ci_low", "ci_high")

TIME = Column(
    "time_us", FLOAT, "µs", label="time", meaning="time of the operator; null unless it succeeded"
)
WALL = Column("wall_us", FLOAT, "µs", label="wall", meaning="time of the operator")
MEDIAN = Column(
    "median_us", FLOAT, "µs", label="median", meaning="median of the repetitions", interval=CI_US
)
MINIMUM = Column("min_us", FLOAT, "µs", label="min", meaning="fastest repetition")
RUNS = (
    Column("n", INT, meaning="repetitions that succeeded"),
    Column("clean", INT, meaning="of these, not disturbed; they alone count where there are "
           f"{FEWEST_CLEAN} or more"),
    Column("median_all_us", FLOAT, "µs", label="of all", meaning="median of all runs"),
    Column("median_clean_us", FLOAT, "µs", label="of clean ones", meaning="median of clean runs"),
)  # fmt: skip
"""How many runs there are, disturbed or not, and their medians."""
RUNS_OF_SUM = (
    RUNS[0].but(meaning="runs of all its parts"),
    RUNS[1],
    RUNS[2].but(meaning="by the medians of all runs"),
    RUNS[3].but(meaning="by the medians of clean runs; none where a part has no clean run"),
)
GFLOPS = Column("GFLOPS", FLOAT, meaning="operations as the 2018 study counts them, per time")

# -- networks ----------------------------------------------------------------------------------

NETWORK = Column("network", TEXT, meaning="network that is run")
CHOICE = Column("choice", TEXT, meaning="best: each tensor at its fastest; else one for all layers")
LAYER = Column("layer", TEXT, meaning="layer of the network")
LAYERS = Column("layers", TEXT, meaning="the networks' layers that run the tensor", shown="long")
LAYER_COUNT = Column("layers", INT, meaning="layers of the network")
POSITION = Column("position", INT, label="layer", meaning="where the network first runs it, from 1")
TOTAL = Column("total_us", FLOAT, "µs", label="sum", meaning="sum of medians", interval=CI_US)
TOTAL_MIN = Column(
    "total_min_us", FLOAT, "µs", label="by minimum", meaning="sum of minima of the same choices"
)
MEASURED = Column(
    "measured_us", FLOAT, "µs", label="measured", meaning="the whole network",
    interval=("measured_ci_low_us", "measured_ci_high_us"),
)  # fmt: skip
ERROR = Column(
    "error", FLOAT, SHARE, meaning="estimate over measured time, less 1",
    interval=("error_ci_low", "error_ci_high"),
)  # fmt: skip
QUEUED = Column(
    "queued_us", FLOAT, "µs", label="at least",
    meaning="the sum less an empty kernel's wait for each layer",
)  # fmt: skip
SHARE_OF_SUM = Column("share", FLOAT, SHARE, meaning="of the sum over the measured layers")
SYSTEM = Column("system", TEXT, meaning="what the source of the measured times calls it")
MODEL = Column("model", TEXT, label="estimated by", meaning="way of estimating")

# -- rooflines ---------------------------------------------------------------------------------

PLATFORM_FILE = Column(
    "platform_file", TEXT, meaning="name of the platform's file, or of the board's"
)
CEILING = Column("ceiling", TEXT, meaning="what the peak is: a data sheet's, measured, …")
RANK = Column("rank", INT, meaning="0: the ceiling of predictions")
PEAK = Column("peak_gops", FLOAT, "GOP/s", label="peak", meaning="operations a second at most")
BANDWIDTH = Column(
    "bandwidth_gb_s", FLOAT, "GB/s", label="memory", meaning="bandwidth of the memory"
)
RIDGE = Column(
    "ridge_ops_per_byte", FLOAT, label="ridge", meaning="operations a byte where peak meets memory"
)
TRAFFIC_MODEL = Column("traffic_model", TEXT, meaning="what is taken to come from memory")
INTENSITY = Column("intensity_ops_per_byte", FLOAT, label="operations a byte", meaning="intensity")
OPERATIONS = Column("operations", INT, meaning="of one image; a multiply-add is two")
WEIGHTS = Column("weights", INT, meaning="values of the layers' weights")
ATTAINABLE = Column(
    "attainable_gops", FLOAT, "GOP/s", label="attainable", meaning="min(peak, memory x intensity)"
)
ACHIEVED = Column(
    "achieved_gops", FLOAT, "GOP/s", label="achieved",
    meaning="operations really executed, per median",
)  # fmt: skip
BOUND = Column("bound", TEXT, label="bound by", meaning="what limits: computing or memory")
FRAMES = Column("frames_per_s", FLOAT, "frames/s", label="", meaning="images a second")
LATENCY = Column("latency_ms", FLOAT, "ms", label="latency", meaning="of a whole batch")

# -- what others published ---------------------------------------------------------------------

FILE = Column("file", TEXT, meaning="the published file")
LINE = Column("line", INT, meaning="of the file, its heading being line 1")
HARDWARE = Column("hardware", TEXT, meaning="as the table calls it")
MODE = Column("mode", TEXT, meaning="clock or power mode")
PRUNING = Column(
    "pruning_percent", FLOAT, "%", label="kept",
    meaning="share of the channels that a pruning keeps",
)  # fmt: skip
TOP1 = Column("top1_percent", FLOAT, "%", label="top-1", meaning="accuracy of the first guess")
LISTED = Column("listed", INT, meaning="configurations that the table has a row for")
WITH_LATENCY = Column("measured", INT, meaning="of these, with a latency")
WITH_ACCURACY = Column("with_accuracy", INT, meaning="of these, with an accuracy besides")
