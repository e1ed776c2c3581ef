"""QuTiBench's measurement table: how it is read, and the filters of its CIFAR-10 page.

One configuration a row (RCL-lab/QutibenchWeb, as of May 2020 and as published since, under other
headings).  `read_raw` keeps every cell as it is
written, with its line, for the lint and for repairs; `typed` makes the frame that all else uses.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from nntest.config.platform import Platform
from nntest.domain.csv_text import read_csv_text, refuse_decimal_comma
from nntest.domain.data_types import data_type_of
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.published import PUBLISHED, PUBLISHED_FILTERS
from nntest.errors import UserError

NETWORK, HARDWARE, PRECISION, MODE = "NN_Topology", "HWType", "Precision", "Op mode"
BATCH, PRUNING, LEVEL = "batch/thread/stream", "PruningFactor", "level"
LATENCY, FRAMES, SYSTEM_FRAMES = "lat-comp", "fps-comp", "fps-system"
TOP1, TOP5 = "top1 [%]", "top5 [%]"

NUMBERS: dict[str, str] = {
    LATENCY: "latency_ms",
    FRAMES: "frames_per_s",
    SYSTEM_FRAMES: "system_frames_per_s",
    "tp-comp": "gops",
    "tp-system": "system_gops",
    TOP1: "top1_percent",
    TOP5: "top5_percent",
    "Base_Pwr_W": "base_power_w",
    "Idle_Pwr_W": "idle_power_w",
    "Full_Pwr_W": "full_power_w",
    "GOPS": "gop_per_batch",
}
"""Columns of numbers, and what they are called here.  `lat-comp` is in ms for a batch."""

_LATER_NAMES = {"Datatype": PRECISION, "top1": TOP1, "top5": TOP5}

NAMES = (NETWORK, HARDWARE, PRECISION, MODE, BATCH, PRUNING, LEVEL)

PANELS: dict[str, tuple[str, ...]] = {
    "a": ("NCS", "ZCU104-Bismo", "U96-Quadcore A53"),
    "b": ("GPU", "ZCU104-FINN", "U96-Quadcore A53"),
}
"""Hardware in the two panels of the page's latency charts."""


@dataclass(frozen=True)
class Row:
    """A row as it is written, by column, and what was repaired in it."""

    line: int
    cells: Mapping[str, str]
    repaired: tuple[str, ...] = ()

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "").strip()

    def changed(self, column: str, to: str, why: str) -> Row:
        """The row with another value in a cell."""
        note = f"{column}: {self[column]} → {to} ({why})"
        return replace(self, cells={**self.cells, column: to}, repaired=(*self.repaired, note))


@dataclass(frozen=True)
class RawTable:
    """A file as it is written."""

    file: str
    columns: tuple[str, ...]
    """As they were called in May 2020, as all else here calls them."""
    rows: tuple[Row, ...]
    written: tuple[str, ...] = ()
    """The columns as this file calls them."""

    def column(self, name: str) -> str | None:
        """The column of a name of either time; None if the file has no such column."""
        return {**dict(zip(self.written, self.columns, strict=True)),
                **{column: column for column in self.columns}}.get(name)  # fmt: skip


def read_raw(path: Path) -> RawTable:
    """Read a file; `UserError` with the line of what makes it no table of QuTiBench's."""
    reader = csv.reader(io.StringIO(read_csv_text(path), newline=""))
    try:
        written = tuple(column.strip() for column in next(reader, ()))
        # A later name, where the table has none of the name as of May 2020.
        later = {name: old for name, old in _LATER_NAMES.items() if old not in written}
        heading = tuple(later.get(name, name) for name in written)
        missing = [column for column in (*NAMES, *NUMBERS) if column not in heading]
        if missing:
            raise UserError(
                f"{path}: no column {', '.join(missing)}",
                "published: format qutibench reads QuTiBench's measurement table "
                f"({NETWORK}, {HARDWARE}, …)",
            )
        rows = []
        for cells in reader:
            if not any(cells):
                continue
            where = f"{path}, line {reader.line_num}"
            if len(cells) != len(heading):
                raise UserError(f"{where}: {len(cells)} cells, but the heading has {len(heading)}")
            row = Row(reader.line_num, dict(zip(heading, cells, strict=True)))
            for column in (*NUMBERS, BATCH, PRUNING):
                refuse_decimal_comma(where, column, row[column])
            rows.append(row)
    except csv.Error as error:
        raise UserError(f"{path}: cannot be read: {error}") from None
    if not rows:
        raise UserError(f"{path}: has a heading and no rows")
    return RawTable(path.name, heading, tuple(_with_percent_signs(rows)), written)


def _with_percent_signs(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows with prunings written '12.5%', as they are in a table of May 2020.

    Later tables write 12.5 throughout.  Where only some cells have no sign, or all could be
    shares of 1, they stay as they are, and the lint names them.
    """
    plain = {row[PRUNING]: number(row[PRUNING]) for row in rows if row[PRUNING]}
    kept = [value for value in plain.values() if value is not None]
    if len(kept) < len(plain) or max(kept, default=0) <= 1:
        return rows
    signed = {cell: f"{value:g}%" for cell, value in plain.items()}
    return [
        replace(row, cells={**row.cells, PRUNING: signed.get(row[PRUNING], "")}) for row in rows
    ]


def number(text: str) -> float | None:
    """A cell's number; None for an empty one and for what is not a number."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) != float("inf") and value == value else None


def percent(text: str) -> float | None:
    """Percent of a cell such as '12.5%'; None if it is not written so."""
    matched = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text)
    return float(matched[1]) if matched else None


def mode_of(row: Row) -> str:
    """Power or clock mode: the first word of the column; '' for none."""
    words = row[MODE].split()
    return "" if not words or words[0].lower() == "na" else words[0]


def platform_of(hardware: str, mode: str, platforms: Sequence[Platform]) -> Platform | None:
    """The platform file that a published table's hardware and mode mean."""
    for platform in platforms:
        for name in platform.published_as:
            if name.hardware == hardware and name.mode in (None, mode):
                return platform
    return None


def typed(raw: RawTable, platforms: Sequence[Platform]) -> pd.DataFrame:
    """The table as a frame with the columns of `PUBLISHED`, one row for each row of the file.

    A cell that is not a number is null, as is `data_type` where `precision` is not one;
    `platform` is empty where no platform file knows the hardware.  `measured`: has a latency.
    """
    rows = []
    for row in raw.rows:
        mode = mode_of(row)
        platform = platform_of(row[HARDWARE], mode, platforms)
        numbers = {name: number(row[column]) for column, name in NUMBERS.items()}
        frames, power = numbers["frames_per_s"], numbers["full_power_w"]
        batch = number(row[BATCH])
        rows.append({
            "file": raw.file, "line": row.line, "network": row[NETWORK],
            "pruning_percent": percent(row[PRUNING]), "hardware": row[HARDWARE], "mode": mode,
            "platform": platform.title if platform else "",
            "platform_file": platform.name if platform else "",
            "precision": row[PRECISION], "data_type": data_type_of(row[PRECISION]),
            "batch_size": None if batch is None else int(batch), **numbers,
            "energy_per_frame_j": power / frames if power is not None and frames else None,
            "level": row[LEVEL],
            "group": "_".join((row[HARDWARE], row[PRECISION], row[PRUNING])),
            "facet": f"{row[PRECISION]}_{row[HARDWARE]}",
            "measured": numbers["latency_ms"] is not None,
            "repaired": "; ".join(row.repaired),
        })  # fmt: skip
    return frame_of(rows, PUBLISHED)


# -- the page's filters ------------------------------------------------------------------------


def at_maximum_power(frame: pd.DataFrame) -> pd.DataFrame:
    """The page's choice of a power mode: a TX2 row stays only in mode maxp.

    As on the page this knows the TX2 by the name GPU alone; rows that call it TX2 stay.
    """
    return frame[(frame["hardware"] != "GPU") | (frame["mode"] == "maxp")]


def with_accuracy(frame: pd.DataFrame, network: str = "CNV") -> pd.DataFrame:
    """Rows of a network that have a latency and an accuracy: what the page's charts show."""
    known = frame["latency_ms"].notna() & frame["top1_percent"].notna()
    return frame[(frame["network"] == network) & known]


def panel(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """Rows of one of the page's two latency panels, 'a' or 'b'."""
    return frame[frame["hardware"].isin(PANELS[name])]


def filter_counts(frame: pd.DataFrame) -> pd.DataFrame:
    """How many rows each of the page's filters leaves."""
    rows: list[dict[str, Any]] = []
    for file, own in frame.groupby("file", sort=False):
        powered = at_maximum_power(own)
        cnv = with_accuracy(powered)
        counts = {
            "rows of the file": len(own),
            "measured": int(own["measured"].sum()),
            "at maximum power": len(powered),
            "CNV with accuracy and latency": len(cnv),
            **{f"panel {name}": len(panel(cnv, name)) for name in PANELS},
            "groups": cnv["group"].nunique(),
            "facets": cnv["facet"].nunique(),
        }
        rows += [{"file": file, "step": step, "rows": count} for step, count in counts.items()]
    return frame_of(rows, PUBLISHED_FILTERS)
