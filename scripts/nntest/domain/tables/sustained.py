"""The tables of sustained runs: what was counted in each window, and what it says."""

from __future__ import annotations

from nntest.domain.tables import shared
from nntest.domain.tables.column import FLOAT, INT, SHARE, TEXT, Column, Table
from nntest.domain.tables.measurements import EMULATED, WARMUP

_CLOCK = Column("clock_mhz", FLOAT, "MHz", label="clock", meaning="mean of the highest clock")
_TEMPERATURE = Column(
    "temperature_c", FLOAT, "°C", label="temperature", meaning="mean of the hottest thermal zone"
)
_POWER = Column("power_w", FLOAT, "W", label="power", meaning="mean by the board's first meter")

SUSTAINED_WINDOWS = Table(
    "sustained_windows",
    (
        *shared.REPETITION,
        Column("window", INT, meaning="from 0; null: the run failed"),
        Column("from_s", FLOAT, "s", label="from", meaning="since the first run began"),
        Column("seconds", FLOAT, "s", label="", meaning="length; a window ends with a run's end"),
        Column("runs", INT, meaning="that ended in it"),
        shared.FRAMES,
        _CLOCK,
        _TEMPERATURE,
        _POWER,
        shared.STATUS,
        shared.REASON,
        WARMUP,
        EMULATED,
        *shared.ORIGIN,
    ),
    title="Sustained runs over time",
    caption="One row for each window of a sustained run.",
    rule="tidy",
    optional=True,
)  # fmt: skip


def _first_and_last(column: Column) -> tuple[Column, Column]:
    return tuple(
        Column(f"{when}_{column.name}", FLOAT, column.unit, label=f"{when} {column.label}".strip(),
               meaning=f"{column.meaning}; in the {when} minute")
        for when in ("first", "last")
    )  # type: ignore[return-value]  # fmt: skip


SUSTAINED = Table(
    "sustained",
    (
        *shared.KEY,
        Column("seconds", FLOAT, "s", label="ran for", meaning="all windows together"),
        *_first_and_last(shared.FRAMES.but(label="")),
        Column("change", FLOAT, SHARE, meaning="frames a second in the last minute over those in "
               "the first, less 1"),
        Column("first_rank", INT, meaning="place in the first minute among all that ran the "
               "network with this batch in this data type on this platform"),
        Column("last_rank", INT, meaning="place in the last minute"),
        Column("steady_from_s", FLOAT, "s", label="steady from", meaning="when the steady state "
               "began; empty: there is none"),
        Column("changes", TEXT, meaning="when the rate changed, and by how much", shown="long"),
        *_first_and_last(_CLOCK),
        *_first_and_last(_TEMPERATURE),
        *_first_and_last(_POWER),
        shared.NOTE,
    ),
    title="Sustained runs",
    caption="Each network run on and on, by the first minute and by the last one (of a run of "
    "under four minutes by its first and last quarter). Changes are found by optimal partitioning; "
    "the steady state is the time after which no level differs by more than 2 % from the last one, "
    "if that is a quarter of the run or more; docs/results.md says how. One run each: there are no "
    "intervals.",
    made_by="sustained.sustained",
    reads=("sustained_windows",),
    optional=True,
    kept=("tuner", "first_rank", "last_rank"),
)  # fmt: skip
