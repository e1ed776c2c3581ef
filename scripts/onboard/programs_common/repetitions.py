"""The timed repetitions of a point: run, time, check, take down; the same for every program."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Callable

import numpy as np
from disturbance import Watch
from failures import BadValue, NotSupported, WrongOutput
from records import TIMER_FILE, append_repetition, utc_now, write_json

if TYPE_CHECKING:
    from point import Settings, Shape
    from reference import Comparison

    Array = np.ndarray[Any, Any]
    Check = Callable[[Array], Comparison]

BITS = {"fp32": 32, "fp16": 16, "int8": 8}
"""Of one value, by data type."""


class Runnable(ABC):
    """What is timed: an operator or a network that is set up and has its input."""

    def clear(self) -> None:  # noqa: B027 (most have nothing to clear)
        """Fill the output with NaN, so that what a run does not write is not taken for right."""

    @abstractmethod
    def run(self) -> None:
        """Compute the output, and return once it is there: all that is timed."""

    @abstractmethod
    def output(self) -> Array:
        """Return what the last run has computed, NCHW."""

    def before_run(self) -> dict[str, Any]:
        """Return what is measured beside each run, for its run_time_state."""
        return {}

    def findings(self, seconds: float) -> dict[str, Any]:
        """Return what a run that took ``seconds`` has shown, for its run_time_state."""
        return {}

    def launches(self) -> dict[str, Any]:
        """Return what a profiled run has launched, as further keys of its record."""
        return {}


def point_state(
    operator: str, settings: Settings, in_shape: Shape, out_shape: Shape, set_up_seconds: float
) -> dict[str, Any]:
    """Return what every program's run_time_state has; the shapes as CK-NNTest's programs do."""
    return {
        **{
            f"{prefix}_shape_{axis}": size
            for prefix, shape in (("in", in_shape), ("out", out_shape))
            for axis, size in zip("NCHW", shape)
        },
        "operator": operator,
        "dataset_filename": settings.dataset_filename,
        "data_bits": BITS[settings.data_type],
        "rnd_seed": settings.seed,
        "time_setup": set_up_seconds,
        "warmups": settings.warmups,
        "repetitions": settings.repetitions,
    }


def repeat(runnable: Runnable, settings: Settings, check: Check, state: dict[str, Any]) -> None:
    """Time and check the repetitions, and leave them and the timer file; raises WrongOutput.

    ``check`` compares an output with the right one; ``state`` is the run_time_state that they
    share.  The time is the host's.
    """
    first: dict[str, Any] = {}
    output = None
    for index in range(settings.first_repetition, settings.first_repetition + settings.repetitions):
        rest = _rest(settings.rest_s)
        runnable.clear()
        found = runnable.before_run()
        if settings.loop_s:
            # What was checked and cleared since the last run has displaced its data from the
            # caches, and its threads sleep: in a row of runs neither is so.
            runnable.run()
        started_at = utc_now()
        watch = Watch()
        loop_s, runs, windows = _run_for(runnable, settings.loop_s, settings.window_s)
        seconds = loop_s / runs
        found["disturbance"] = watch.stop()
        _check_cores(found["disturbance"]["cores"], settings)
        if settings.loop_s:
            counted = {"windows": windows} if settings.window_s else {}
            found["loop"] = {"runs": runs, "seconds": loop_s, **counted, **rest}
        output = runnable.output()
        comparison = check(output)
        if not comparison.ok:
            _write_raw(settings, output)
            raise WrongOutput(f"repetition {index}: {comparison.explanation}")
        found = {**state, **found, **runnable.findings(seconds)}
        record = record_of(index, found, seconds, started_at, comparison)
        append_repetition({**record, **runnable.launches()})
        first = first or record
    _write_raw(settings, output)
    write_json(
        TIMER_FILE,
        {
            "execution_time_kernel_0": first["execution_time_kernel_0"],
            "execution_time_kernel_1": first["execution_time_kernel_1"],
            "run_time_state": {**state, "time_test": first["execution_time_kernel_1"]},
        },
    )


def _check_cores(ran_on: list[int] | None, settings: Settings) -> None:
    """Raise NotSupported where threads were on other cores: a library may place them itself."""
    elsewhere = set(ran_on or ()) - settings.cores if settings.cores else ()
    if elsewhere:
        raise NotSupported(
            f"its threads ran on core {', '.join(map(str, sorted(elsewhere)))} as well, and the "
            f"point is for cores {', '.join(map(str, sorted(settings.cores or ())))}: the library "
            "places its threads itself"
        )


def _rest(seconds: float) -> dict[str, Any]:
    """Do nothing for a while; when it began, and how long it was in fact."""
    rested_from, start = utc_now(), time.perf_counter()
    if seconds:
        time.sleep(seconds)
    return {"rested_from": rested_from, "rest_s": time.perf_counter() - start}


def _run_for(
    runnable: Runnable, least_s: float, window_s: float
) -> tuple[float, int, list[tuple[float, float, int]]]:
    """Run until ``least_s`` are over, at least once: seconds in all, how many runs, and windows.

    Each window has its start and its length in s, and the runs that ended in it.  It ends with the
    first run that ends after ``window_s``; the rest of the time after the last one is in none.
    """
    least_ns, window_ns = least_s * 1e9, window_s * 1e9
    runs, windows = 0, []
    start = time.perf_counter_ns()
    opened, counted = start, 0
    while True:
        runnable.run()
        now = time.perf_counter_ns()
        runs += 1
        if window_ns and now - opened >= window_ns:
            windows.append(((opened - start) / 1e9, (now - opened) / 1e9, runs - counted))
            opened, counted = now, runs
        if now - start >= least_ns:
            return (now - start) / 1e9, runs, windows


def record_of(
    index: int, state: dict[str, Any], seconds: float, started_at: str, comparison: Comparison
) -> dict[str, Any]:
    """Return the record of a repetition, as `append_repetition` takes it."""
    return {
        "repetition": index,
        "execution_time_kernel_0": state["time_setup"],
        "execution_time_kernel_1": seconds,
        "tuning_s": state["tuner"]["tuning_s"],
        "run_time_state": {**state, "time_test": seconds},
        "started_at": started_at,
        "output_check": comparison.as_record(),
    }


def _write_raw(settings: Settings, output: Any) -> None:
    """Write the output, wrong ones too, as little-endian float32 in NCHW order, if asked to."""
    if not settings.raw_output:
        return
    try:
        with open(settings.raw_output, "wb") as file:
            file.write(np.ascontiguousarray(output, "<f4").tobytes())
    except OSError as error:
        raise BadValue(
            f"CK_OUT_RAW_DATA={settings.raw_output!r} cannot be written: {error.strerror}"
        ) from None
