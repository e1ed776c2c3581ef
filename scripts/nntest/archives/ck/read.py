"""CK archives into rows of the measurement table, one recording in memory at a time."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from onboard.cores import HIGHEST, write_cores

from nntest.archives.ck.disturbance import disturbance
from nntest.archives.ck.entries import find_entries
from nntest.archives.ck.outcome import NO_BATCH_SIZE, Outcome, outcome_of
from nntest.archives.ck.platforms import KnownPlatform, Platforms
from nntest.archives.ck.points import ArchivedPoint, Interpreter
from nntest.archives.ck.recordings import RecordingParser
from nntest.archives.ck.safety import RefusedError, Warn, skipped
from nntest.archives.ck.trees import open_tree
from nntest.archives.ck.values import (
    dig,
    mapping,
    micro,
    objects,
    positive,
    real,
    text,
    texts,
    truth,
    whole,
)
from nntest.archives.ck.variants import Variants
from nntest.domain.tables.column import Table
from nntest.domain.tensors import NETWORK

Row = dict[str, Any]
log_warning: Warn = logging.getLogger(__name__).warning

RowsOf = Callable[[ArchivedPoint, int], Iterator[Row]]
"""Rows of a recording whose repetitions count from a number."""

_MOST_REPETITIONS = 10**9
_COLD_START = "2018-08-03"
"""Since that day conv and directconv of CK-NNTest warm up with the tuner only."""


def read_rows(
    path: Path,
    known_platforms: Iterable[KnownPlatform] = (),
    warn: Warn = log_warning,
    *,
    synthetic: bool = False,
    variants: Variants | None = None,
) -> Iterator[Row]:
    """Rows for `measurements.to_frame`: one per repetition of every point that was not profiled.

    path: a zip (read in place), a CK repository's folder, a folder of entries or one entry.
    known_platforms: what the board files say; platforms that none knows keep their own name.
    warn: takes one sentence for each thing that was skipped or is not known.
    synthetic: read the synthetic data sets, too.
    variants: of all archives (`variants_of`) whose rows go into one table; None: of this one.

    Raises `UserError` if `path` is neither, or is refused as a whole.
    """
    points = read_points(path, known_platforms, warn, synthetic=synthetic, variants=variants)
    return _rows(points, measurement_rows)


def read_points(
    path: Path,
    known_platforms: Iterable[KnownPlatform] = (),
    warn: Warn = log_warning,
    *,
    synthetic: bool = False,
    variants: Variants | None = None,
) -> Iterator[ArchivedPoint]:
    """Every recording of every point of an archive, understood; arguments as for `read_rows`.

    The archive is read twice: whether two points differ is known when both have been seen.
    """
    known = list(known_platforms)
    if variants is None:
        variants = variants_of([path], known, synthetic=synthetic)
        variants.report(warn, path)
    for point in _points(path, known, warn, synthetic):
        yield variants.named(point)


def points_once(
    path: Path, known_platforms: Iterable[KnownPlatform], warn: Warn, *, synthetic: bool = False
) -> Iterator[ArchivedPoint]:
    """The same by reading the archive once: nothing tells points of one key apart yet."""
    return _points(path, list(known_platforms), warn, synthetic)


def variants_of(
    paths: Iterable[Path], known_platforms: Iterable[KnownPlatform], *, synthetic: bool = False
) -> Variants:
    """What tells points apart that would be one otherwise, over all points of some archives."""
    known = list(known_platforms)
    variants = Variants()
    for path in paths:
        for _ in variants.noting(_points(path, known, _quiet, synthetic)):
            pass
    return variants


def has_rows(path: Path, *, synthetic: bool = False) -> bool:
    """Whether an archive holds a repetition, of a profiled point or another, good or failed."""
    return any(point.repetitions for point in _points(path, [], _quiet, synthetic))


def _points(
    path: Path, known_platforms: list[KnownPlatform], warn: Warn, synthetic: bool
) -> Iterator[ArchivedPoint]:
    interpreter = Interpreter(Platforms(known_platforms, warn), warn)
    parser = RecordingParser()
    with open_tree(path, warn) as tree:
        any_entry = False
        for entry in find_entries(tree, warn):
            any_entry = True
            for subpoint in entry.subpoints():
                try:
                    content = parser.parse(tree.read(subpoint.file))
                except RefusedError as error:
                    warn(skipped(path, subpoint.file, error))
                    continue
                point = interpreter.point(entry, subpoint, content)
                if synthetic or not point.synthetic:
                    yield point
        if not any_entry:
            warn(f"{path}: holds no CK experiment entry")


def _quiet(message: str) -> None:
    """What it has to say is said when the archive is read again."""


def rows_of_points(
    path: Path,
    known_platforms: Iterable[KnownPlatform],
    warn: Warn,
    synthetic: bool,
    rows_of: RowsOf,
) -> Iterator[Row]:
    """Rows of every point of an archive."""
    return _rows(read_points(path, known_platforms, warn, synthetic=synthetic), rows_of)


def _rows(points: Iterable[ArchivedPoint], rows_of: RowsOf) -> Iterator[Row]:
    numbered = NumberedRows(rows_of)
    for point in points:
        yield from numbered.of(point)


class NumberedRows:
    """Rows of one recording after the other; sub-points 0002 and up go on counting repetitions."""

    def __init__(self, rows_of: RowsOf) -> None:
        self._rows_of = rows_of
        self._last, self._next_id = ("", ""), 0

    def of(self, point: ArchivedPoint) -> Iterator[Row]:
        """Rows of a recording."""
        this = (point.entry.folder, point.subpoint.point)
        if this != self._last:
            self._last, self._next_id = this, 0
        highest = self._next_id - 1
        for row in self._rows_of(point, self._next_id):
            highest = max(highest, row["repetition_id"])
            yield row
        self._next_id = highest + 1


def measurement_rows(point: ArchivedPoint, first_repetition: int = 0) -> Iterator[Row]:
    """Rows of one recording, for the measurement table; none if it was profiled."""
    if not point.profiled:
        for row, _, _ in repetition_rows(point, first_repetition):
            yield row


def columns_of(row: Row, table: Table) -> Row:
    """The columns of a table, as a row of the measurement table has them; null where it has not."""
    return {name: row.get(name) for name in table.names}


def repetition_rows(
    point: ArchivedPoint, first_repetition: int
) -> Iterator[tuple[Row, dict[str, Any], Outcome]]:
    """(row, CK's run object, outcome) of every repetition of a recording."""
    batch = point.columns["batch_size"]
    flops = point.tensor.study_flops(batch) if point.tensor and batch is not None else None
    started = text(dig(point.entry.meta, "meta", "timestamp"))
    items = point.repetitions
    reason = ""
    if any(not item.get("run") and "nntest_flow" not in item for item in items):
        reason = point.entry.fail_reason(point.subpoint.point)
    warmup = _warmup(point, started)
    numbers = _repetition_numbers(items)
    for index, item in enumerate(items):
        run, flow = run_of(item), mapping(item, "nntest_flow")
        outcome = outcome_of(run, flow, reason) if batch is not None else NO_BATCH_SIZE
        row: Row = {
            **point.columns,
            "time_us": micro(outcome.time_s),
            "setup_us": micro(outcome.setup_s),
            "GFLOPS": flops / outcome.time_s / 1e9
            if flops and outcome.time_s
            else _measured_peak(point, run, outcome),
            "success?": outcome.success,
            "status": outcome.status,
            "reason": outcome.reason,
            "kernel": "",
            "hottest_zone": "",
            "notes": "",
            **disturbance(run, outcome.time_s),
        }
        if flow:
            row.update(_own_columns(flow, started))
            row["waiting_us"] = _waiting(run)
            row.update(_implementation(run))
            row.update(_used(run))
        else:  # CK starts the program anew for every repetition
            row["process_id"] = index
            row["protocol"], row["warmup"], row["started_at"] = "process", warmup, started
            row["program_checksum"] = ""
        row["repetition_id"] = numbers[index] + first_repetition
        yield row, run, outcome


def _measured_peak(point: ArchivedPoint, run: dict[str, Any], outcome: Outcome) -> float | None:
    """GFLOP/s as the program `peak` says them: how much a run of it does is its own choice."""
    if point.columns["species"] != "peak" or outcome.time_s is None:
        return None
    return positive(dig(run, "run_time_state", "ceiling", "value"))


def run_of(item: dict[str, Any]) -> dict[str, Any]:
    """CK's ``run`` object, without the blanks that programs print after the names of times."""
    run = mapping(item, "run")
    if "execution_time_kernel_1" in run:
        return run
    return {key.strip(): value for key, value in run.items()}


def _repetition_numbers(items: list[dict[str, Any]]) -> list[int]:
    """A number for each repetition: its own, or a free one if it has none or another's."""
    said = [whole(dig(item, "nntest_flow", "repetition")) for item in items]
    taken: set[int] = set()
    numbers: list[int | None] = []
    for number in said:
        usable = number is not None and 0 <= number < _MOST_REPETITIONS and number not in taken
        numbers.append(number if usable else None)
        taken.update([number] if usable and number is not None else [])
    free = (number for number in count() if number not in taken)
    return [next(free) if number is None else number for number in numbers]


def _own_columns(flow: dict[str, Any], started: str) -> Row:
    """What an archive of this project says of a repetition beyond CK's own facts."""
    before, after = mapping(flow, "state_before"), mapping(flow, "state_after")
    return {
        "process_id": whole(flow.get("process")),
        "tuning_us": micro(real(flow.get("tuning_s"))),
        "protocol": text(flow.get("protocol")),
        "warmup": text(flow.get("warmup")),
        "clock_before_mhz": real(before.get("clock_mhz")),
        "clock_after_mhz": real(after.get("clock_mhz")),
        "temperature_before_c": real(before.get("temperature_c")),
        "temperature_after_c": real(after.get("temperature_c")),
        "hottest_zone": text(after.get("hottest_zone")) or text(before.get("hottest_zone")),
        "throttled": truth(flow.get("throttled")),
        "notes": "; ".join(texts(flow, "notes")),
        "started_at": text(flow.get("started_at")) or started,
        "program_checksum": text(flow.get("checksum")),
    }


def _waiting(run: dict[str, Any]) -> float | None:
    """What an operator that is waited for pays and one in a queue does not, µs."""
    cost = mapping(mapping(run, "run_time_state"), "launch_cost")
    waited, queued = real(cost.get("waited_s")), real(cost.get("queued_s"))
    return None if waited is None or queued is None else micro(waited - queued)


def _implementation(run: dict[str, Any]) -> Row:
    """Which kernels a library ran, in their order, equal ones counted; and how that is known."""
    found = mapping(run, "run_time_state", "implementation")
    kernels = Counter(text(node.get("kernel")) for node in objects(found, "nodes"))
    told = [f"{count} x {name}" if count > 1 else name for name, count in kernels.items() if name]
    return {
        "kernel_ran": ", ".join(told) or None,
        "kernel_evidence": text(found.get("evidence")) or None,
    }


def _used(run: dict[str, Any]) -> Row:
    """How many threads a library was seen to use, and on which cores its threads were."""
    state = mapping(run, "run_time_state")
    said = mapping(state, "disturbance").get("cores")
    numbers = [whole(core) for core in said] if isinstance(said, list) else []
    cores = [core for core in numbers if core is not None and 0 <= core <= HIGHEST]
    return {
        "threads_used": whole(mapping(state, "threads").get("used")),
        "ran_on": write_cores(cores) or None,
    }


def _warmup(point: ArchivedPoint, started: str) -> str:
    """What is known of the warm-up of a program that is not ours."""
    program = point.columns["program"]
    cold = program in ("conv-armcl-opencl", "directconv-armcl-opencl") and started >= _COLD_START
    return "tuner-only" if cold and point.columns["species"] != NETWORK else "unknown"
