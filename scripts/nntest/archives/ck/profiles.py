"""What profiling entries hold: times of single kernels, and counters of the device.

A profiled run is slowed down by what watches it, so its times never become measurements; they
have tables of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onboard import outcomes

from nntest.archives.ck.points import ArchivedPoint
from nntest.archives.ck.read import Row, repetition_rows
from nntest.archives.ck.values import dig, mapping, real, text, whole
from nntest.domain.tables.column import names
from nntest.domain.tables.measurements import TIMES
from nntest.domain.tables.shared import ORIGIN, REPETITION

PHASES = ("run", "warmup", "tuning", "setup")
UNKNOWN_PHASE = "all"
"""Phase of the sums in CK's own profiles: weight reshaping and tuner runs are in them."""
_DEEPEST_COUNTER = 8


def kernel_rows(point: ArchivedPoint, first_repetition: int) -> Iterator[Row]:
    """A recording's rows of `KERNELS`: one per kernel, phase and profiled repetition.

    ``time_us`` is the time of all launches of the kernel in that phase of the repetition;
    ``kernel`` is its name.  What only the first repetition of a process goes through (set-up,
    tuning, warm-up) has rows of that repetition alone; CK's own profiles tell no phases
    (`UNKNOWN_PHASE`).  A profiled run that failed is one row with an empty ``kernel`` and no time.
    """
    if point.profile != "device":
        return
    for index, (row, run, outcome) in enumerate(repetition_rows(point, first_repetition)):
        row["GFLOPS"] = None
        row["phase"] = ""
        if outcome.status != outcomes.OK:
            yield row
            continue
        row["wall_us"], row["setup_us"] = row["time_us"], None
        launches, phases = _launches(point, run, index)
        if not phases:
            for kernel, time_us in sorted(mapping(run, "execution_time_opencl_us").items()):
                name = text(kernel)
                yield {**row, "kernel": name, "time_us": real(time_us), "phase": UNKNOWN_PHASE}
            continue
        sums: dict[tuple[str, str], list[float]] = {}
        for launch, phase in zip(launches, phases, strict=True):
            key = _phase(phase), text(launch.get("kernel_name"))
            sums.setdefault(key, []).append(real(launch.get("kernel_time")) or 0.0)
        for (name, kernel), times in sorted(sums.items()):
            found = {"kernel": kernel, "phase": name, "launches": len(times)}
            yield {**row, **found, "time_us": real(sum(times) / 1e3)}


def launch_rows(point: ArchivedPoint, first_repetition: int) -> Iterator[Row]:
    """One row, of the table `LAUNCHES`, for each launch of a kernel, in the order of launching."""
    if point.profile != "device":
        return
    for index, (row, run, outcome) in enumerate(repetition_rows(point, first_repetition)):
        if outcome.status != outcomes.OK:
            continue
        launches, phases = _launches(point, run, index)
        for number, launch in enumerate(launches):
            nanoseconds = real(launch.get("kernel_time"))
            sequence = whole(launch.get("sequence"))
            recorded = phases[number] if phases else {}
            yield {
                **{name: row[name] for name in names(REPETITION)},
                "sequence": number if sequence is None else sequence,
                "phase": _phase(recorded),
                "kernel": text(launch.get("kernel_name")),
                "time_us": None if nanoseconds is None else nanoseconds / 1e3,
                "global_size": _size(launch.get("gws")),
                "local_size": _size(launch.get("lws")),
                **{name: whole(recorded.get(name)) for name in names(TIMES)},
                **{name: row[name] for name in names(ORIGIN)},
            }


def _launches(
    point: ArchivedPoint, run: dict[str, Any], index: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """CK's launches of a repetition, and what is recorded beside each; [] where nothing is."""
    launches = run.get("execution_time_list_opencl")
    recorded = dig(point.repetitions[index], "nntest_flow", "launches")
    if not isinstance(launches, list):
        return [], []
    found = [launch if isinstance(launch, dict) else {} for launch in launches]
    if not isinstance(recorded, list) or len(recorded) != len(found):
        return found, []
    return found, [one if isinstance(one, dict) else {} for one in recorded]


def _phase(recorded: dict[str, Any]) -> str:
    phase = text(recorded.get("phase"))
    return phase if phase in PHASES else UNKNOWN_PHASE


def counter_rows(point: ArchivedPoint, first_repetition: int) -> Iterator[Row]:
    """One row, of the table `COUNTERS`, for each Mali hardware counter of each repetition."""
    if point.profile != "device":
        return
    for row, run, _ in repetition_rows(point, first_repetition):
        for counter, value in _numbers(run.get("mali_hwc"), ""):
            yield {
                **{name: row[name] for name in names(REPETITION)},
                "counter": counter,
                "value": value,
                **{name: row[name] for name in names(ORIGIN)},
            }


def _numbers(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, float]]:
    number = real(value)
    if number is not None:
        yield path, number
    elif depth < _DEEPEST_COUNTER and isinstance(value, dict):
        for key, inner in sorted(value.items()):
            yield from _numbers(inner, f"{path}/{text(key)}" if path else text(key), depth + 1)
    elif depth < _DEEPEST_COUNTER and isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _numbers(inner, f"{path}/{index}" if path else str(index), depth + 1)


def _size(sizes: Any) -> str:
    if not isinstance(sizes, list):
        return ""
    numbers = [whole(size) for size in sizes]
    return "x".join(str(number) for number in numbers) if None not in numbers else ""
