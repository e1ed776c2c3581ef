"""Repairs of a published table: what the config names, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from nntest.analysis.published.lint import Finding, Operations, findings_table, lint
from nntest.analysis.published.qutibench import RawTable, Row, read_raw, typed
from nntest.config.platform import Platform
from nntest.config.published import CellRepair, PublishedFile, RepairKind
from nntest.errors import UserError


def repaired(
    raw: RawTable, findings: Sequence[Finding], repairs: Sequence[RepairKind | CellRepair]
) -> tuple[RawTable, list[Finding]]:
    """The table with the repairs that the config names, and the findings that they repaired.

    A kind repairs each finding of that kind that says what the cell should hold.  A single cell is
    changed after that, and refused (`UserError`) if the file does not say what the config says
    that it does.
    """
    rows: dict[int, Row] = {row.line: row for row in raw.rows}
    kinds = {repair for repair in repairs if isinstance(repair, str)}
    done = []
    for finding in findings:
        if finding.kind in kinds and finding.expected:
            row = rows[finding.line]
            rows[finding.line] = row.changed(finding.column, finding.expected, finding.kind)
            done.append(finding)
    for cell in repairs:
        if isinstance(cell, str):
            continue
        where = f"config: published: repairs: {raw.file}, line {cell.line}"
        column = raw.column(cell.column)
        if column is None:
            raise UserError(f"{where}: there is no column '{cell.column}'",
                            f"the columns are {', '.join(raw.written)}")  # fmt: skip
        if cell.line not in rows:
            raise UserError(f"{where}: there is no such line with data")
        row = rows[cell.line]
        if row[column] != cell.was:
            raise UserError(f"{where}: {cell.column} says '{row[column]}', not '{cell.was}'",
                            "look at the file again, or take the repair out")  # fmt: skip
        rows[cell.line] = row.changed(column, cell.to, "by hand")
        done += [f for f in findings if (f.line, f.column) == (cell.line, column)]
    return replace(raw, rows=tuple(rows[row.line] for row in raw.rows)), done


@dataclass(frozen=True)
class Imported:
    """What the study's published tables hold, and what is wrong in them."""

    rows: pd.DataFrame
    """Columns of `PUBLISHED`; repaired where the config says so."""
    findings: pd.DataFrame
    """Columns of `PUBLISHED_FINDINGS`; `repaired` marks what was repaired."""


def import_published(
    files: Sequence[PublishedFile],
    platforms: Sequence[Platform],
    operations: Operations | None = None,
) -> Imported:
    """Read, check and repair every published table of a study."""
    frames, findings = [], []
    for published in files:
        raw = read_raw(Path(published.file))
        found = lint(raw, platforms, operations)
        table, done = repaired(raw, found, published.repairs)
        frames.append(typed(table, platforms))
        findings.append(findings_table(raw.file, found, done))
    if not frames:
        empty = RawTable("", (), ())
        return Imported(typed(empty, platforms), findings_table("", []))
    return Imported(pd.concat(frames, ignore_index=True), pd.concat(findings, ignore_index=True))
