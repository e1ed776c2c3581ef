"""Every table of a study, in the order of the report: those that these modules declare."""

from __future__ import annotations

from nntest.domain.tables import (
    accuracy,
    energy,
    libraries,
    measurements,
    memory,
    networks,
    predictions,
    published,
    rooflines,
    streams,
    study,
    sustained,
)
from nntest.domain.tables.column import Table

_MODULES = (
    *(libraries, networks, predictions, accuracy, streams, sustained, memory, energy),
    *(study, measurements, rooflines, published),
)

ALL: dict[str, Table] = {
    table.name: table
    for module in _MODULES
    for table in vars(module).values()
    if isinstance(table, Table)
}


def made_by_rule(rule: str) -> dict[str, Table]:
    """The tables that one rule of the workflow makes, by name."""
    return {name: table for name, table in ALL.items() if table.rule == rule}
