"""What a soak counts: what was lost, doubled, foreign, mislabelled or left behind. All are zero."""

from __future__ import annotations

import fcntl
import json
import os
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from nntest.archives.ck.read import read_rows

COUNTS = (
    "lost", "doubled", "foreign", "mislabelled", "failed", "unfinished", "tracebacks",
    "processes left", "files left", "locks left", "memory grown",
)  # fmt: skip
GROWTH = 1.2
"""Memory may grow by so much from the first third of the rounds to the last."""
STUDY_FILES = {
    "board-changes.json", "journal.jsonl", "plan.json", "plans", "run", "runner.log", "status.json",
}  # fmt: skip
"""What there may be in a study's folder on the board, beside tables of tuned sizes."""
_HALF_WRITTEN = (".new", ".part", ".rebuilt", ".tmp")


def count_rows(
    plan: Mapping[str, Any], lines: Iterable[Mapping[str, Any]], rows: Iterable[Mapping[str, Any]]
) -> Counter[str]:
    """What is wrong with one study's repetitions.

    plan: what was asked; lines: the board's journal; rows: of the archive that was pulled.  A
    repetition is known by when it started.
    """
    points = {point["id"]: point for point in plan["points"]}
    found: Counter[str] = Counter()
    measured: Counter[tuple[str, int]] = Counter()
    labels: dict[str, tuple[str, str, str]] = {}
    for line in lines:
        point = points.get(line.get("point", ""))
        if point is None:
            continue
        if line["status"] != "ok":
            found["failed"] += 1
            continue
        measured[point["id"], line["repetition"]] += 1
        labels[line["started_at"]] = (point["operator"], point["tuner"], point["tensor"])
    found["doubled"] = sum(measured.values()) - len(measured)
    asked = {(point, number) for point in points for number in range(points[point]["repetitions"])}
    found["lost"] = len(asked - set(measured))
    shown: Counter[str] = Counter()
    for row in rows:
        shown[row["started_at"]] += 1
        label = labels.get(row["started_at"])
        if label is None:
            found["foreign"] += 1
        elif label != (row["operator"], row["tuner"], row["tensor"]):
            found["mislabelled"] += 1
    found["doubled"] += sum(count - 1 for count in shown.values())
    found["lost"] += len(set(labels) - set(shown))
    return found


def count_sweep(sweep: Path, lines: Iterable[Mapping[str, Any]]) -> Counter[str]:
    """The same of a sweep by its files, which are `sweep` and more; lines: the board's journal."""
    plan = json.loads(sweep.with_name(f"{sweep.name}.plan.json").read_text("utf-8"))
    archive = sweep.with_name(f"{sweep.name}.zip")
    return count_rows(plan, lines, read_rows(archive, warn=lambda _: None))


def processes_in(folder: Path, but: Iterable[int]) -> list[str]:
    """Command lines of the processes that work in a folder or name it, without those of `but`."""
    found = []
    left_out = {os.getpid(), *but}
    for process in psutil.process_iter(["cwd", "cmdline", "status"]):
        words = " ".join(process.info["cmdline"] or [])
        there = (process.info["cwd"] or "").startswith(str(folder)) or str(folder) in words
        if there and process.pid not in left_out and process.info["status"] != "zombie":
            found.append(f"{process.pid} {words[:200]}")
    return found


def files_left(home: Path, work: Path, study: Path, results: Path) -> list[str]:
    """What should not be on the board, or lies half written on either side.

    home, work and study are the board's folders, one in the other; results is this side's.
    """
    found = [str(path) for path in home.iterdir() if path != work]
    found += [
        str(path)
        for path in study.iterdir()
        if path.name not in STUDY_FILES and not path.name.startswith("tuner-table-")
    ]
    for folder in (work, results):
        found += [str(path) for path in folder.rglob("*") if path.name.endswith(_HALF_WRITTEN)]
    return found


def locks_left(paths: Iterable[Path]) -> list[str]:
    """Files of locks that somebody still holds."""
    held = []
    for path in paths:
        with path.open("a") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held.append(str(path))
    return held


def has_grown(peaks_mb: Sequence[float]) -> bool:
    """Whether the peaks of memory, one for each round in turn, went up from first to last."""
    third = len(peaks_mb) // 3
    if third < 2:
        return False
    first, last = statistics.median(peaks_mb[:third]), statistics.median(peaks_mb[-third:])
    return last > GROWTH * first
