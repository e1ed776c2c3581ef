"""What is wrong in a published measurement table, finding by finding, each with its line.

Kinds of finding:

- `precision-drag-filled`: a precision that counts on from the row above (FP16, FP17, FP18, …), as
  a spreadsheet does when a cell is dragged;
- `accuracy-changes`: an accuracy that differs within rows of the same network, hardware, precision
  and pruning, although none of batch, threads and power mode can change it;
- `frames-times-latency`: frames a second x latency is not the batch;
- `operations-differ`: throughput over frames a second, or operations of a batch over the batch,
  is not the network's operations;
- `power-order`: idle power above full power;
- `mixed-units`: a value in another unit than its column (seconds for ms, a share for percent);
- `unknown-name`: a network, hardware, mode, precision or pruning that nothing is known of;
- `not-a-number`: text where a number belongs; - `duplicate`: two rows of one configuration.
"""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import pandas as pd

from nntest.analysis.published.qutibench import (
    BATCH,
    FRAMES,
    HARDWARE,
    LATENCY,
    MODE,
    NETWORK,
    NUMBERS,
    PRECISION,
    PRUNING,
    SYSTEM_FRAMES,
    TOP1,
    TOP5,
    RawTable,
    Row,
    mode_of,
    number,
    percent,
)
from nntest.config.platform import Platform
from nntest.domain.data_types import BITS, data_type_of
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.published import PUBLISHED_FINDINGS

FRAMES_TOLERANCE = 0.15
"""Frames a second and latency are means of their own: up to this share apart they agree."""
_OPERATIONS_TOLERANCE = 0.05

KNOWN_NETWORKS = ("CNV", "MLP", "MNv1", "GNv1", "RN50")
_KNOWN_PRUNINGS = (100.0, 50.0, 25.0, 12.5)

Operations = Mapping[tuple[str, float], float]
"""Operations for one image by (network as the table names it, percent that pruning keeps)."""


@dataclass(frozen=True)
class Finding:
    """One cell (or pair of cells) that cannot be right."""

    line: int
    kind: str
    column: str
    value: str
    message: str
    expected: str = ""


def lint(
    raw: RawTable, platforms: Sequence[Platform], operations: Operations | None = None
) -> list[Finding]:
    """Every finding of a table, by line.

    `platforms` say which hardware and modes there are.  `operations` are what networks are known
    to need; for others the most usual value of the table is taken.
    """
    found = [
        *_unknown_names(raw, platforms),
        *_numbers(raw),
        *_precisions(raw),
        *_accuracies(raw),
        *_frames(raw),
        *_operations(raw, operations or {}),
        *_powers(raw),
        *_duplicates(raw),
    ]
    return sorted(found, key=lambda finding: (finding.line, finding.kind, finding.column))


def findings_table(
    file: str, findings: Iterable[Finding], repaired: Iterable[Finding] = ()
) -> pd.DataFrame:
    """Findings as a frame with the columns of `PUBLISHED_FINDINGS`."""
    done = set(repaired)
    rows = [
        {
            "file": file, "line": finding.line, "kind": finding.kind, "column": finding.column,
            "value": finding.value, "expected": finding.expected, "message": finding.message,
            "repaired": finding in done,
        }
        for finding in findings
    ]  # fmt: skip
    return frame_of(rows, PUBLISHED_FINDINGS)


# -- names -------------------------------------------------------------------------------------


def _unknown_names(raw: RawTable, platforms: Sequence[Platform]) -> Iterator[Finding]:
    names = [name for platform in platforms for name in platform.published_as]
    hardware = sorted({name.hardware for name in names})
    for row in raw.rows:
        if row[NETWORK] not in KNOWN_NETWORKS:
            yield _unknown(row, NETWORK, KNOWN_NETWORKS)
        if row[HARDWARE] not in hardware:
            yield _unknown(row, HARDWARE, hardware)
        else:
            modes = [name.mode for name in names if name.hardware == row[HARDWARE]]
            if None not in modes and mode_of(row) not in modes:
                yield _unknown(row, MODE, [mode for mode in modes if mode])
        kept = percent(row[PRUNING])
        if kept not in _KNOWN_PRUNINGS:
            known = [f"{share:g}%" for share in _KNOWN_PRUNINGS]
            plain = number(row[PRUNING])
            meant = [text for share, text in zip(_KNOWN_PRUNINGS, known, strict=True)
                     if plain in (share, share / 100)]  # fmt: skip
            if meant:
                yield Finding(row.line, "mixed-units", PRUNING, row[PRUNING],
                              f"pruning is in percent, written {meant[0]}", meant[0])  # fmt: skip
            else:
                yield _unknown(row, PRUNING, known)


def _unknown(row: Row, column: str, known: Sequence[str]) -> Finding:
    close = difflib.get_close_matches(row[column], known, n=1, cutoff=0.6)
    message = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
    return Finding(row.line, "unknown-name", column, row[column], message,
                   close[0] if close else "")  # fmt: skip


def _precisions(raw: RawTable) -> Iterator[Finding]:
    for row, dragged in zip(raw.rows, _dragged(raw.rows), strict=True):
        if dragged:
            yield Finding(
                row.line, "precision-drag-filled", PRECISION, row[PRECISION],
                f"counts on from {dragged} in the rows above", dragged,
            )  # fmt: skip
        elif data_type_of(row[PRECISION]) is None:
            yield _unknown(row, PRECISION, [name.upper() for name in BITS])


def _dragged(rows: Sequence[Row]) -> list[str]:
    """For each row the precision that it was dragged from; '' for the others."""
    found: list[str] = []
    keys = (NETWORK, HARDWARE, MODE, PRUNING)
    for place, row in enumerate(rows):
        start = ""
        above = rows[place - 1] if place else None
        if above and all(row[key] == above[key] for key in keys):
            counted = _counted_on(above[PRECISION], row[PRECISION])
            # INT2, INT3, INT4: the last one has a good name and is dragged all the same.
            if counted and (found[-1] or data_type_of(row[PRECISION]) is None):
                start = found[-1] or above[PRECISION]
        found.append(start)
    return found


def _counted_on(above: str, here: str) -> bool:
    one, other = (re.fullmatch(r"([A-Za-z]+)(\d+)", text) for text in (above, here))
    return bool(one and other and one[1] == other[1] and int(other[2]) == int(one[2]) + 1)


# -- numbers -----------------------------------------------------------------------------------


def _numbers(raw: RawTable) -> Iterator[Finding]:
    for row in raw.rows:
        for column in (*NUMBERS, BATCH):
            text = row[column]
            value = number(text)
            if text and value is None:
                lead = re.match(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?\s*[A-Za-zµ%/]", text)
                kind = "mixed-units" if lead else "not-a-number"
                yield Finding(row.line, kind, column, text, "a plain number belongs here")
            elif value is not None and (value < 0 or (column == BATCH and value % 1)):
                yield Finding(row.line, "not-a-number", column, text, "no value that can be meant")


def _accuracies(raw: RawTable) -> Iterator[Finding]:
    dragged = _dragged(raw.rows)
    for column in (TOP1, TOP5):
        groups: dict[tuple[str, ...], list[tuple[Row, float]]] = {}
        for row, precision in zip(raw.rows, dragged, strict=True):
            value = number(row[column])
            if value is not None:
                key = (row[NETWORK], row[HARDWARE], precision or row[PRECISION], row[PRUNING])
                groups.setdefault(key, []).append((row, value))
        for group in groups.values():
            yield from _accuracy(column, group)


def _accuracy(column: str, group: Sequence[tuple[Row, float]]) -> Iterator[Finding]:
    counts = Counter(value for _, value in group)
    usual, often = counts.most_common(1)[0]
    sure = list(counts.values()).count(often) == 1
    previous: float | None = None
    for row, value in group:
        if not 1 < value <= 100 or (usual > 1 and math.isclose(value * 100, usual)):
            yield Finding(row.line, "mixed-units", column, row[column],
                          "accuracy is in percent", f"{usual:g}" if usual > 1 else "")  # fmt: skip
        elif value != usual:
            counting = previous is not None and math.isclose(value, previous + 1)
            yield Finding(
                row.line, "accuracy-changes", column, row[column],
                ("one more than in the row above, as if dragged: " if counting else "")
                + f"{usual:g} in {often} other rows of the group",
                f"{usual:g}" if sure else "",
            )  # fmt: skip
        previous = value


def _thousands(ratio: float, tolerance: float) -> int:
    """The power of 1000 (not 0) that a ratio is within tolerance, else 0."""
    power = round(math.log10(ratio) / 3) if ratio > 0 else 0
    return power if power and abs(ratio / 1000.0**power - 1) <= tolerance else 0


def _frames(raw: RawTable) -> Iterator[Finding]:
    for row in raw.rows:
        frames, latency, batch = (number(row[column]) for column in (FRAMES, LATENCY, BATCH))
        if not frames or not latency or not batch:
            continue
        ratio = frames * latency / 1e3 / batch
        if abs(ratio - 1) <= FRAMES_TOLERANCE:
            continue
        said = f"{row[FRAMES]}/s x {row[LATENCY]} ms"
        if power := _thousands(ratio, FRAMES_TOLERANCE):
            yield Finding(
                row.line, "mixed-units", LATENCY, row[LATENCY],
                f"{said} is {1000.0**power:g} times the batch of {batch:g}: latency is not in ms",
                f"{latency / 1000.0**power:g}",
            )  # fmt: skip
        else:
            yield Finding(
                row.line, "frames-times-latency", FRAMES, row[FRAMES],
                f"{said} is {ratio:.3f} times the batch of {batch:g}",
            )  # fmt: skip


_PER_FRAME = (("tp-comp", FRAMES), ("tp-system", SYSTEM_FRAMES))


def _operations(raw: RawTable, known: Operations) -> Iterator[Finding]:
    implied: dict[tuple[str, float], list[tuple[Row, str, float]]] = {}
    for row in raw.rows:
        key = (row[NETWORK], percent(row[PRUNING]) or 0.0)
        for column, frames in _PER_FRAME:
            rate, per_second = number(row[column]), number(row[frames])
            if rate and per_second:
                implied.setdefault(key, []).append((row, column, rate / per_second))
        total, batch = number(row["GOPS"]), number(row[BATCH])
        if total and batch:
            implied.setdefault(key, []).append((row, "GOPS", total / batch))
    for key, cases in implied.items():
        of_layers = key in known
        wanted = known[key] / 1e9 if of_layers else median(gop for *_, gop in cases)
        for row, column, gop in cases:
            ratio = gop / wanted
            if abs(ratio - 1) <= _OPERATIONS_TOLERANCE:
                continue
            right = number(row[column]) or 0.0
            expected = f"{right / ratio:.6g}" if of_layers else ""
            source = "its layers have" if of_layers else "most rows of the network say"
            message = f"means {gop:.4g} GOP an image, {source} {wanted:.4g}"
            kind = "operations-differ"
            if power := _thousands(ratio, _OPERATIONS_TOLERANCE):
                kind = "mixed-units"
                message += f": {1000.0**power:g} times too much"
            yield Finding(row.line, kind, column, row[column], message, expected)


def _powers(raw: RawTable) -> Iterator[Finding]:
    columns = ("Base_Pwr_W", "Idle_Pwr_W", "Full_Pwr_W")
    values: dict[tuple[str, str], list[tuple[Row, float]]] = {}
    for row in raw.rows:
        idle, full = number(row["Idle_Pwr_W"]), number(row["Full_Pwr_W"])
        if idle is not None and full is not None and full < idle < 100 * full:
            yield Finding(row.line, "power-order", "Full_Pwr_W", row["Full_Pwr_W"],
                          f"less than the idle power, {row['Idle_Pwr_W']} W")  # fmt: skip
        for column in columns:
            value = number(row[column])
            if value:
                values.setdefault((row[HARDWARE], column), []).append((row, value))
    for (hardware, column), cases in values.items():
        usual = median(value for _, value in cases)
        for row, value in cases:
            if not 0.01 < value / usual < 100:
                yield Finding(row.line, "mixed-units", column, row[column],
                              f"power is in W; {hardware} has {usual:g} W elsewhere")  # fmt: skip


def _duplicates(raw: RawTable) -> Iterator[Finding]:
    first: dict[tuple[str, ...], int] = {}
    for row in raw.rows:
        key = tuple(row[c] for c in (NETWORK, HARDWARE, PRECISION, MODE, BATCH, PRUNING))
        if key in first:
            yield Finding(row.line, "duplicate", NETWORK, row[NETWORK],
                          f"the configuration of line {first[key]} again")  # fmt: skip
        else:
            first[key] = row.line
