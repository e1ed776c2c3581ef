"""A kernel ready to be launched, with the sizes that a tuner may choose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import profiling
import pyopencl as cl

if TYPE_CHECKING:
    Size = tuple[int, int, int]


def divide_up(number: int, divisor: int) -> int:
    """Return ``number / divisor``, rounded up."""
    return -(-number // divisor)


class Launch:
    """One kernel with its arguments bound, enqueued as often as needed.

    ``items`` is the number of work-items that there is work for. The global size is ``items``
    rounded up to whole work-groups, since OpenCL 1.2 knows no partial ones; the kernels return at
    once in work-items beyond ``items``.
    """

    def __init__(
        self, program: tuple[Any, str], name: str, options: tuple[str, ...], items: Size,
        buffers: tuple[Any, ...], numbers: tuple[int, ...],
    ) -> None:  # fmt: skip
        """Bind ``buffers`` and then ``numbers`` (32-bit) to the kernel ``name`` of ``program``."""
        self.name = name
        self.label = name  # what it is called in the records; a network tells its layers' apart
        self.options = options
        self.items = items
        self.numbers = numbers
        self.buffers = buffers  # OpenCL does not keep a kernel's arguments alive
        self.source_hash = program[1]
        self.kernel = cl.Kernel(program[0], name)
        self.kernel.set_args(*buffers, *(np.int32(number) for number in numbers))
        self.use_local_size(None)

    def use_local_size(self, local_size: Size | None) -> None:
        """Choose the local work size; None leaves it to the driver."""
        self.local_size = local_size
        if local_size is None:
            self.global_size = self.items
        else:
            x, y, z = (divide_up(self.items[i], local_size[i]) * local_size[i] for i in range(3))
            self.global_size = (x, y, z)

    def enqueue(self, queue: Any) -> None:
        """Enqueue the kernel; raises pyopencl.Error."""
        event = cl.enqueue_nd_range_kernel(queue, self.kernel, self.global_size, self.local_size)
        if profiling.recorder is not None:
            profiling.recorder.note(self, event)
