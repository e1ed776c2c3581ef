"""A published table, read beside the study's own measurements."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from nntest.config.fields import Strict

RepairKind = Literal["precision-drag-filled", "accuracy-changes"]
"""Kinds of finding that say what the cell should hold, so that it can be put there."""


class CellRepair(Strict):
    """One cell put right by hand."""

    line: int = Field(ge=2, description="line of the file; the heading is line 1")
    column: str = Field(min_length=1, description="heading as the file writes it")
    was: str = Field(description="what the cell holds now; the repair is refused if it does not")
    to: str = Field(description="what it should hold")


class PublishedFile(Strict):
    """A published measurement table, and the repairs to make in it."""

    file: str = Field(min_length=1, description="path, relative to where snakemake runs")
    format: Literal["qutibench"]
    repairs: list[RepairKind | CellRepair] = Field(
        default_factory=list,
        description="findings of the lint to repair, by kind, or single cells; default: none",
    )
    tables: str | None = Field(
        default=None,
        description="folder with the page's other tables, whose figures are checked against ours",
    )
