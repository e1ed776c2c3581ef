"""The tables of energy: what meters said beside each repetition, and what a run costs."""

from __future__ import annotations

from nntest.domain.tables import shared
from nntest.domain.tables.column import FLOAT, INT, TEXT, Column, Table
from nntest.domain.tables.measurements import EMULATED, PROCESS, WARMUP

METER = Column("meter", TEXT, meaning="as the board's file calls it")
METER_NUMBER = Column("meter_number", INT, meaning="its place among the board's meters, from 0")
POWERS = (
    Column("idle_w", FLOAT, "W", label="idle", meaning="before the program was started"),
    Column("base_w", FLOAT, "W", label="base", meaning="the program is set up and rests"),
    Column("full_w", FLOAT, "W", label="full", meaning="it computes, one run after the other"),
)
"""Power at three stages, as QuTiBench has them."""

ENERGY_RUNS = Table(
    "energy_runs",
    (
        *shared.REPETITION,
        PROCESS,
        METER,
        METER_NUMBER,
        *POWERS,
        Column("energy_mj", FLOAT, "mJ", label="energy", meaning="of one run: full power times "
               "time; null where the meter's readings do not cover the loop"),
        shared.TIME.but(meaning="of one run in the loop"),
        Column("runs", INT, meaning="in the loop"),
        Column("loop_s", FLOAT, "s", label="loop", meaning="how long it was"),
        shared.STATUS,
        shared.REASON,
        WARMUP,
        EMULATED,
        *shared.ORIGIN,
    ),
    title="Energy runs",
    caption="One row for each repetition of an energy run and each meter.",
    rule="tidy",
    optional=True,
    hidden=("process_id", "meter_number"),
)  # fmt: skip

ENERGY = Table(
    "energy",
    (
        *shared.KEY,
        METER,
        METER_NUMBER,
        Column("n", INT, meaning="repetitions, each in a process of its own"),
        *(column.but(meaning=f"median, {column.meaning}") for column in POWERS),
        Column("time_us", FLOAT, "µs", label="time", meaning="median of a run in the loop"),
        *Column("energy_mj", FLOAT, "mJ", label="energy a run", meaning="median",
                interval=("energy_ci_low_mj", "energy_ci_high_mj")).with_ends,
        Column("above_idle_mj", FLOAT, "mJ", label="above idle", meaning="median of what a run "
               "costs more than an idle board in the same time"),
        shared.NOTE,
    ),
    title="Energy",
    caption="What a run costs, whole networks first. Energy is the mean power of the meter while "
    "the operator ran in a loop, times the time of a run; it contains what the board takes when it "
    "is idle, as far as the meter sees it.",
    made_by="energy.energy",
    needs=("seed",),
    reads=("energy_runs",),
    optional=True,
    kept=("operator", "tuner", "meter"),
    hidden=("meter_number",),
)  # fmt: skip
