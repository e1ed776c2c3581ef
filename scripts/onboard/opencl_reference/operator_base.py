"""What every operator is made of: buffers, kernels to launch and a known right output."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
import pyopencl as cl
from failures import NotSupported, OutOfMemory

FLOAT_BYTES = 4
MAX_ELEMENTS = 2**31 - 1  # the kernels index with 32-bit integers

if TYPE_CHECKING:
    from device import Device
    from launch import Launch
    from layers import Layer
    from point import Environment, Shape
    from tuner import Tuners


class Operator(ABC):
    """An operator at one point on one device."""

    device: Device
    launches: list[Launch]
    output: Any  # the output's buffer, float32
    tuner_types: tuple[str, ...] = ("NONE", "DEFAULT", "CUSTOM")  # of CK_LWS_TUNER_TYPE
    data_types: tuple[str, ...] = ("fp32",)  # of NNTEST_DATA_TYPE

    point_type: type[Layer]  # reads the point, draws its operands, knows the right output

    def __init__(self, point: Any, device: Device) -> None:
        """Take what :meth:`read_point` has read; nothing is allocated yet."""
        self.point = point
        self.device = device
        self.launches = []

    @classmethod
    def read_point(cls, environment: Environment) -> Any:
        """Read the operator's point; raises BadValue, and NotSupported beyond CK-NNTest's."""
        point = cls.point_type.from_environment(environment)
        if unusual := point.unusual():
            raise NotSupported(
                f"{' and '.join(unusual)}: opencl-reference has square kernels with one stride, "
                "3x3 where they are depthwise, and neither dilations, groups nor activations"
            )
        return point

    @property
    def in_shape(self) -> Shape:
        """Shape of the input, NCHW."""
        shape: Shape = self.point.in_shape
        return shape

    @property
    def out_shape(self) -> Shape:
        """Shape of the output, NCHW."""
        shape: Shape = self.point.out_shape
        return shape

    @abstractmethod
    def buffer_elements(self) -> dict[str, int]:
        """Return how many float32 elements each device buffer will hold."""

    def draw(self, seed: int) -> Any:
        """Draw the operands."""
        return self.point.draw(seed)

    def expected(self, tensors: Any) -> np.ndarray[Any, Any]:
        """Return the right output, float64, of shape :attr:`out_shape`."""
        right: np.ndarray[Any, Any] = self.point.expected(tensors)
        return right

    @abstractmethod
    def set_up(self, tensors: Any, source: Any = None, target: Any = None) -> None:
        """Allocate and fill the buffers and build the kernels: sets ``output`` and ``launches``.

        ``source`` is a buffer that already has the input, or will have it when the kernels run;
        without one, the input of ``tensors`` is uploaded.  ``target`` is a buffer for the output,
        large enough; without one, it is allocated.  Raises BuildFailed.
        """

    def tune(self, tuners: Tuners) -> None:
        """Choose the kernels' local sizes, as the settings say."""
        tuners.apply(self.device, self.launches, tuners.default_type)

    def tolerance(self, threshold: float, expected: np.ndarray[Any, Any]) -> float:
        """Return the largest right difference from ``expected``."""
        largest: float = self.point.tolerance(threshold, expected)
        return largest

    def check(self, tensors: Any, threshold: float) -> dict[str, Any]:
        """Check what the comparison of the output cannot; return what is to be recorded of it."""
        return {}

    def findings(self, seconds: float) -> dict[str, Any]:
        """Return what else a run that took ``seconds`` has shown, for its run_time_state."""
        return {}

    def check_memory(self, device: Device) -> None:
        """Raise OutOfMemory or NotSupported where the buffers cannot fit ``device``."""
        sizes = self.buffer_elements()
        name, largest = max(sizes.items(), key=lambda item: item[1])
        total = sum(sizes.values())
        mega = FLOAT_BYTES / 1e6
        if largest * FLOAT_BYTES > device.handle.max_mem_alloc_size:
            raise OutOfMemory(
                f"the buffer '{name}' needs {largest * mega:.0f} MB and the device allocates at "
                f"most {device.handle.max_mem_alloc_size / 1e6:.0f} MB at once"
            )
        if total * FLOAT_BYTES > device.handle.global_mem_size:
            raise OutOfMemory(
                f"the buffers need {total * mega:.0f} MB in all and the device has "
                f"{device.handle.global_mem_size / 1e6:.0f} MB"
            )
        if largest > MAX_ELEMENTS:
            raise NotSupported(
                f"the buffer '{name}' has {largest} elements and the kernels index "
                f"at most {MAX_ELEMENTS}"
            )

    def allocate(self, elements: int) -> Any:
        """Return a new buffer of ``elements`` float32 elements."""
        return cl.Buffer(self.device.context, cl.mem_flags.READ_WRITE, size=elements * FLOAT_BYTES)

    def upload(self, values: np.ndarray[Any, Any]) -> Any:
        """Return a new buffer with ``values`` in it."""
        flags = cl.mem_flags.READ_ONLY | cl.mem_flags.COPY_HOST_PTR
        return cl.Buffer(self.device.context, flags, hostbuf=np.ascontiguousarray(values))

    def enqueue(self, queue: Any) -> None:
        """Enqueue all kernels of one run, in order."""
        for launch in self.launches:
            launch.enqueue(queue)
