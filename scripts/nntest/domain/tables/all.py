"""Every table of a study, in the order of the report."""

from __future__ import annotations

from nntest.domain.tables.column import Table
from nntest.domain.tables.measurements import COUNTERS, KERNELS, LAUNCHES, MEASUREMENTS
from nntest.domain.tables.networks import (
    CONFIGURATIONS,
    END_TO_END,
    ESTIMATE,
    LAYER_SUM_CHECK,
    LAYER_SUM_SUMMARY,
    LAYER_TIMES,
    SCHEDULE,
    STUDY_FIGURE,
)
from nntest.domain.tables.published import (
    MEASURED_OVER_PREDICTED,
    PAGE_ERRORS,
    PREDICTION_ERRORS,
    PUBLISHED,
    PUBLISHED_FILTERS,
    PUBLISHED_FINDINGS,
    PUBLISHED_OVERVIEW,
)
from nntest.domain.tables.rooflines import INTENSITIES, PREDICTION, ROOFLINE, ROOFS
from nntest.domain.tables.study import (
    COMPARISON,
    DEVICE_STATE,
    FAILED,
    KERNEL_SHARE,
    PROTOCOL_CHECK,
    SPEEDUP,
    SUMMARY,
    TUNER_CHECK,
)

ALL: dict[str, Table] = {
    table.name: table
    for table in (
        ESTIMATE, SCHEDULE, END_TO_END, STUDY_FIGURE, COMPARISON, SPEEDUP, TUNER_CHECK,
        LAYER_SUM_SUMMARY, LAYER_SUM_CHECK, LAYER_TIMES, PROTOCOL_CHECK, KERNEL_SHARE, KERNELS,
        LAUNCHES, COUNTERS, SUMMARY, FAILED, DEVICE_STATE, MEASUREMENTS, ROOFLINE, ROOFS,
        PREDICTION, INTENSITIES, PUBLISHED, PUBLISHED_OVERVIEW, PUBLISHED_FILTERS,
        PUBLISHED_FINDINGS, MEASURED_OVER_PREDICTED, PREDICTION_ERRORS, PAGE_ERRORS, CONFIGURATIONS,
    )
}  # fmt: skip


def made_by_rule(rule: str) -> tuple[Table, ...]:
    """The tables that one rule of the workflow makes."""
    return tuple(table for table in ALL.values() if table.rule == rule)


def names_of(rule: str) -> tuple[str, ...]:
    """Their names."""
    return tuple(table.name for table in made_by_rule(rule))
