"""Measures one operator at one point: set-up, tuning, warm-up, then the timed repetitions."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import profiling
import pyopencl as cl
import quiet
import threads
from device import Device
from failures import OutOfMemory
from launch_cost import LaunchCost
from memory import Memory
from point import Settings
from programs import find_program
from reference import compare
from repetitions import Runnable, point_state, repeat
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
    device.take_threads(settings.threads)
    operator = operator_type(point, device)
    operator.check_memory(device)
    tensors = operator.draw(settings.seed)
    expected = operator.expected(tensors)

    memory = Memory()
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
    taken = memory.stop()
    checked = operator.check(tensors, settings.threshold)

    state = {
        **point_state(
            operator_name, settings, operator.in_shape, operator.out_shape, set_up_seconds
        ),
        "tuner": tuners.describe(operator.launches),
        "memory": taken,
        "device": device.describe(),
        "process_environment": quiet.describe(),
        "threads": _threads(device, operator, settings),
        **checked,
    }
    tolerance = operator.tolerance(settings.threshold, expected)
    profiling.enter("run")
    check = partial(compare, expected=expected, threshold=tolerance)
    repeat(OnDevice(device, operator), settings, check, state)


def _threads(device: Device, operator: Operator, settings: Settings) -> dict[str, int | None]:
    """Return how many threads were asked for, and used in further runs before the timed ones.

    They are counted where threads or cores are an axis of the study, and the point warms up.
    """

    def run() -> None:
        operator.enqueue(device.queue)
        device.queue.finish()

    asked_for = settings.threads is not None or settings.cores is not None
    used = threads.used(run) if asked_for and settings.warmups else None
    return {"asked": settings.threads, "used": used, "cores": threads.available()}


class OnDevice(Runnable):
    """An operator's run: from the first enqueue until the queue has finished."""

    def __init__(self, device: Device, operator: Operator) -> None:
        """Build what the cost of a launch is measured with."""
        self._queue = device.queue
        self._operator = operator
        self._launch_cost = LaunchCost(device)
        self._output = np.empty(operator.out_shape, np.float32)

    def clear(self) -> None:
        """See `Runnable.clear`."""
        size = self._output.nbytes
        cl.enqueue_fill_buffer(self._queue, self._operator.output, np.float32("nan"), 0, size)
        self._queue.finish()

    def run(self) -> None:
        """Enqueue all kernels and wait for them."""
        self._operator.enqueue(self._queue)
        self._queue.finish()

    def output(self) -> np.ndarray[Any, Any]:
        """Copy the output to the host."""
        cl.enqueue_copy(self._queue, self._output, self._operator.output)
        return self._output

    def before_run(self) -> dict[str, Any]:
        """Return what launching an empty kernel costs."""
        return {"launch_cost": self._launch_cost.measure()}

    def findings(self, seconds: float) -> dict[str, Any]:
        """See `Runnable.findings`."""
        return self._operator.findings(seconds)

    def launches(self) -> dict[str, Any]:
        """See `Runnable.launches`."""
        return profiling.taken()
