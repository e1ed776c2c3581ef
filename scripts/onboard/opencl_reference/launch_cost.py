"""What it costs to have a kernel run that does nothing, and to wait for it.

The time of an operator's run holds the cost of waking the device, and of waiting for it, once. In a
network the queue is never empty, so all layers together pay that once. The difference between both
costs that are measured here, for each layer but one, is therefore too much in a sum over layers.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pyopencl as cl

if TYPE_CHECKING:
    from device import Device

IN_A_ROW = 16  # empty kernels that are enqueued before one is waited for


class LaunchCost:
    """An empty kernel, with a work-group for each compute unit of the device."""

    def __init__(self, device: Device) -> None:
        """Build the kernel and run it once; raises BuildFailed."""
        self._queue = device.queue
        self._units = device.handle.max_compute_units
        program, _ = device.build(("nothing.cl",), ("-cl-std=CL1.2",))
        self._kernel = cl.Kernel(program, "nothing")
        self._kernel.set_args(np.int32(0))
        self._seconds(1)

    def measure(self) -> dict[str, float]:
        """Return the seconds of one empty kernel: waited for, and as one of many in the queue."""
        waited = self._seconds(1)
        return {"waited_s": waited, "queued_s": self._seconds(IN_A_ROW) / IN_A_ROW}

    def _seconds(self, kernels: int) -> float:
        start = time.perf_counter()
        for _ in range(kernels):
            cl.enqueue_nd_range_kernel(self._queue, self._kernel, (self._units,), (1,))
        self._queue.finish()
        return time.perf_counter() - start
