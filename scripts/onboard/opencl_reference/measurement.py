"""Measures one operator at one point: set-up, tuning, warm-up, then the timed repetitions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import profiling
import pyopencl as cl
import quiet
from device import Device
from failures import BadValue, OutOfMemory, WrongOutput
from launch_cost import LaunchCost
from point import Settings
from programs import find_program
from records import TIMER_FILE, append_repetition, utc_now, write_json
from reference import Comparison, compare
from tuner import Tuners

if TYPE_CHECKING:
    from operator_base import Operator
    from point import Environment

_OUT_OF_MEMORY_CODES = (
    cl.status_code.MEM_OBJECT_ALLOCATION_FAILURE,
    cl.status_code.OUT_OF_RESOURCES,
    cl.status_code.OUT_OF_HOST_MEMORY,
    cl.status_code.INVALID_BUFFER_SIZE,
)


def measure(operator_name: str, environment: Environment) -> None:
    """Measure and leave the times in the working directory; raises a Failure."""
    try:
        _measure(operator_name, environment)
    except MemoryError as error:
        raise OutOfMemory(f"the host has not enough memory: {error}") from None
    except cl.Error as error:
        if error.code not in _OUT_OF_MEMORY_CODES:
            raise
        raise OutOfMemory(f"the device has not enough memory or resources: {error}") from None


def _measure(operator_name: str, environment: Environment) -> None:
    operator_type = find_program(operator_name)
    settings = Settings.from_environment(environment)
    point = operator_type.read_point(environment)
    settings.check(operator_name, operator_type.tuner_types, operator_type.data_types)
    profiling.start(environment)

    device = Device(settings.platform, settings.device)
    operator = operator_type(point, device)
    operator.check_memory(device)
    tensors = operator.draw(settings.seed)
    expected = operator.expected(tensors)

    start = time.perf_counter()
    operator.set_up(tensors)
    set_up_seconds = time.perf_counter() - start

    tuners = Tuners(settings)
    profiling.enter("tuning")
    operator.tune(tuners)
    profiling.enter("warmup")
    for _ in range(settings.warmups):
        operator.enqueue(device.queue)
    device.queue.finish()
    checked = operator.check(tensors, settings.threshold)

    state = {
        **_shape("in", operator.in_shape),
        **_shape("out", operator.out_shape),
        "operator": operator_name,
        "dataset_filename": settings.dataset_filename,
        "data_bits": 32,
        "rnd_seed": settings.seed,
        "time_setup": set_up_seconds,
        "warmups": settings.warmups,
        "repetitions": settings.repetitions,
        "tuner": tuners.describe(operator.launches),
        "device": device.describe(),
        "process_environment": quiet.describe(),
        **checked,
    }
    seconds = _repeat(device, operator, settings, expected, state)
    write_json(
        TIMER_FILE,
        {
            "execution_time_kernel_0": set_up_seconds,
            "execution_time_kernel_1": seconds[0],
            "run_time_state": {**state, "time_test": seconds[0]},
        },
    )


def _repeat(
    device: Device,
    operator: Operator,
    settings: Settings,
    expected: np.ndarray[Any, Any],
    state: dict[str, Any],
) -> list[float]:
    """Time and check the repetitions; return the operator's seconds of each.

    The output is filled with NaN before each repetition, so that elements which it does not write
    are not taken for the warm-up's right ones. The time is the host's, from the first enqueue until
    the queue has finished. Raises WrongOutput.
    """
    queue = device.queue
    launch_cost = LaunchCost(device)
    output = np.empty(operator.out_shape, np.float32)
    nan = np.float32("nan")
    tolerance = operator.tolerance(settings.threshold, expected)
    seconds = []
    profiling.enter("run")
    for index in range(settings.first_repetition, settings.first_repetition + settings.repetitions):
        cl.enqueue_fill_buffer(queue, operator.output, nan, 0, output.nbytes)
        queue.finish()
        found = {"launch_cost": launch_cost.measure()}
        started_at = utc_now()
        start = time.perf_counter()
        operator.enqueue(queue)
        queue.finish()
        taken = time.perf_counter() - start
        cl.enqueue_copy(queue, output, operator.output)
        comparison = compare(output, expected, tolerance)
        if not comparison.ok:
            _write_raw(settings, output)
            raise WrongOutput(f"repetition {index}: {comparison.explanation}")
        found = {**state, **found, **operator.findings(taken)}
        record = _record(index, found, taken, started_at, comparison)
        append_repetition({**record, **profiling.taken()})
        seconds.append(taken)
    _write_raw(settings, output)
    return seconds


def _record(
    index: int, state: dict[str, Any], seconds: float, started_at: str, comparison: Comparison
) -> dict[str, Any]:
    return {
        "repetition": index,
        "execution_time_kernel_0": state["time_setup"],
        "execution_time_kernel_1": seconds,
        "tuning_s": state["tuner"]["tuning_s"],
        "run_time_state": {**state, "time_test": seconds},
        "started_at": started_at,
        "output_check": comparison.as_record(),
    }


def _shape(prefix: str, shape: tuple[int, int, int, int]) -> dict[str, int]:
    return {f"{prefix}_shape_{axis}": shape[i] for i, axis in enumerate("NCHW")}


def _write_raw(settings: Settings, output: np.ndarray[Any, Any]) -> None:
    """Write the output, wrong ones too, as little-endian float32 in NCHW order, if asked to."""
    if not settings.raw_output:
        return
    try:
        with open(settings.raw_output, "wb") as file:
            file.write(output.astype("<f4", copy=False).tobytes())
    except OSError as error:
        raise BadValue(
            f"CK_OUT_RAW_DATA={settings.raw_output!r} cannot be written: {error.strerror}"
        ) from None
