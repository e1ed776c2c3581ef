"""The tables of memory: what the kernel counted of each process, and what a model takes."""

from __future__ import annotations

from nntest.domain.tables import shared
from nntest.domain.tables.column import FLOAT, INT, SHARE, Column, Table
from nntest.domain.tables.measurements import EMULATED, PROCESS, WARMUP

PEAK_MB = Column(
    "peak_mb", FLOAT, "MB", label="peak",
    meaning="most that was resident while the model was loaded and first ran, less what was before",
)  # fmt: skip
RESIDENT_MB = Column(
    "resident_mb", FLOAT, "MB", label="stays", meaning="resident after its first run, less that"
)

MEMORY_RUNS = Table(
    "memory_runs",
    (
        *shared.REPETITION,
        PROCESS,
        Column("resident_before_mb", FLOAT, "MB", label="resident before",
               meaning="VmRSS before the model was loaded: interpreter, library, the reference's "
               "arrays"),
        Column("peak_before_mb", FLOAT, "MB", label="peak before",
               meaning="VmHWM then, which the program has the kernel forget just before"),
        Column("resident_after_mb", FLOAT, "MB", label="resident after",
               meaning="VmRSS after the first run"),
        Column("peak_after_mb", FLOAT, "MB", label="peak after", meaning="VmHWM then"),
        WARMUP,
        EMULATED,
        *shared.ORIGIN,
    ),
    title="Memory of each process",
    caption="One row for each process that says it. A megabyte is a million bytes.",
    rule="tidy",
    optional=True,
    hidden=("process_id",),
)  # fmt: skip

MEMORY = Table(
    "memory",
    (
        *shared.KEY,
        Column("n", INT, meaning="processes"),
        PEAK_MB.but(meaning=f"median; {PEAK_MB.meaning}; empty: what was before hides it"),
        RESIDENT_MB.but(meaning=f"median; {RESIDENT_MB.meaning}"),
        Column("weights_mb", FLOAT, "MB", label="weights", meaning="the parameters alone, in the "
               "data type that is computed in"),
        Column("weights_share", FLOAT, SHARE, label="of the peak", meaning="weights over peak"),
        Column("resident_before_mb", FLOAT, "MB", label="before", meaning="median of what was "
               "resident before: interpreter, library, the reference's arrays"),
    ),
    title="Memory",
    caption="What a model takes, whole networks first: the process's resident memory (VmHWM) when "
    "it has been loaded and has run once, less what was resident (VmRSS) before. The model as it "
    "is written for the library counts, and its tuning; memory that a GPU's driver keeps elsewhere "
    "does not. A megabyte is a million bytes.",
    made_by="memory.memory",
    needs=("networks",),
    reads=("memory_runs",),
    optional=True,
    kept=("operator", "tuner"),
)  # fmt: skip
