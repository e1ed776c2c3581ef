"""``bandwidth`` and ``peak``: what the device reaches with nothing but memory or arithmetic to do.

They are measured as operators are. Which of a few variants of the kernel is fastest is found out
before the first timed run, and taken down with the figure.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from failures import NotSupported
from launch import Launch, divide_up
from operator_base import FLOAT_BYTES, Operator
from point import read_integer
from reference import Tensors, draw_input

if TYPE_CHECKING:
    from device import Device
    from point import Environment, Shape
    from tuner import Tuners

MEBIBYTE = 2**20
TRIALS = 3  # runs of each variant, of which the fastest counts


@dataclass(frozen=True)
class CeilingPoint:
    """How much work a run is, in the unit of the program, and in which data type."""

    size: int
    data_type: str


class Ceiling(Operator):
    """What both programs share: the choice of a variant, and the record."""

    tuner_types = ("NONE",)
    quantity: str
    unit: str
    default_size: int
    variants: tuple[dict[str, int], ...]

    def __init__(self, point: CeilingPoint, device: Device) -> None:
        """Keep the point and the device; nothing is allocated yet."""
        self.point = point
        self.device = device
        self.launches = []
        self._candidates: list[tuple[dict[str, int], Launch]] = []
        self._variant: dict[str, int] = {}
        self._tried: list[dict[str, float]] = []

    @classmethod
    def read_point(cls, environment: Environment) -> CeilingPoint:
        """Read the size and the data type from the environment; raises BadValue."""
        size = read_integer(environment, "NNTEST_CEILING_SIZE", cls.default_size, least=1)
        return CeilingPoint(size, environment.get("NNTEST_DATA_TYPE", "").strip() or "fp32")

    @property
    def in_shape(self) -> Shape:
        """As many elements as the output has, in one row."""
        return self.out_shape

    @abstractmethod
    def work(self, variant: dict[str, int]) -> float:
        """Return bytes moved, or operations executed, by one run of ``variant``."""

    def tune(self, tuners: Tuners) -> None:
        """Keep the variant that does most in a second."""
        best = 0.0
        for variant, launch in self._candidates:
            fastest = min(self._seconds(launch) for _ in range(1 + TRIALS))
            rate = self.work(variant) / fastest / 1e9
            self._tried.append({**variant, "value": rate})
            if rate > best:
                best, self._variant, self.launches = rate, variant, [launch]

    def findings(self, seconds: float) -> dict[str, Any]:
        """Return what the run reached, as ``ceiling``."""
        return {
            "data_bits": 16 if self.point.data_type == "fp16" else 32,
            "ceiling": {
                "quantity": self.quantity,
                "value": self.work(self._variant) / seconds / 1e9,
                "unit": self.unit,
                "data_type": self.point.data_type,
                "details": {**self._variant, "size": self.point.size, "tried": self._tried},
            },
        }

    def _seconds(self, launch: Launch) -> float:
        start = time.perf_counter()
        launch.enqueue(self.device.queue)
        self.device.queue.finish()
        return time.perf_counter() - start


class Bandwidth(Ceiling):
    """``bandwidth``: doubles each element of a large buffer into another; bytes read and written.

    The size is that of each buffer in MiB. It has to be well beyond the last cache, or the cache is
    measured.
    """

    quantity, unit, default_size = "bandwidth", "GB/s", 256
    variants = tuple(
        {"vector": vector, "vectors_per_item": vectors}
        for vector in (4, 8, 16)
        for vectors in (1, 16, 256)
    )

    @property
    def out_shape(self) -> Shape:
        """Shape of the output: one row."""
        return 1, 1, 1, self.point.size * MEBIBYTE // FLOAT_BYTES

    def buffer_elements(self) -> dict[str, int]:
        """Return how many float32 elements each device buffer will hold."""
        return {"input": self.out_shape[3], "output": self.out_shape[3]}

    def work(self, variant: dict[str, int]) -> float:
        """Return bytes read and written; what a cache reads in order to write is not counted."""
        return 2.0 * self.out_shape[3] * FLOAT_BYTES

    def draw(self, seed: int) -> Tensors:
        """Draw the input."""
        return draw_input(seed, self.in_shape)

    def expected(self, tensors: Tensors) -> np.ndarray[Any, Any]:
        """Return the doubled input; float32, since doubling is exact."""
        return tensors.input * np.float32(2)

    def tolerance(self, threshold: float, expected: np.ndarray[Any, Any]) -> float:
        """Return 0: doubling is exact."""
        return 0.0

    def set_up(self, tensors: Tensors, source: Any = None, target: Any = None) -> None:
        """Upload the input and build all variants; raises BuildFailed."""
        elements = self.out_shape[3]
        buffers = (source or self.upload(tensors.input), target or self.allocate(elements))
        self.output = buffers[1]
        for variant in self.variants:
            vector, vectors = variant["vector"], variant["vectors_per_item"]
            options = ("-cl-std=CL1.2", f"-DVECTOR={vector}", f"-DVECTORS={vectors}")
            items = divide_up(elements, vector * vectors)
            program = self.device.build(("vectors.cl", "stream.cl"), options)
            launch = Launch(program, "stream", options, (items, 1, 1), buffers, (elements,))
            self._candidates.append((variant, launch))
        self.device.queue.finish()


class Peak(Ceiling):
    """``peak``: chains of multiply-adds in registers, each counted as two operations.

    The size is the work of a run with eight chains, in GFLOP. Each element of the output is the
    mean of what its chains have come to, x -> MULTIPLIER x + ADDEND, applied STEPS times; where the
    chains start cancels out in the mean, so it is known for any number of them, and a step less
    would be seen.
    """

    data_types = ("fp32", "fp16")
    quantity, unit, default_size = "peak", "GFLOP/s", 2
    variants = tuple(
        {"vector": vector, "chains": chains} for vector in (1, 4, 8, 16) for chains in (8, 16)
    )
    STEPS = 128
    STARTS = 1024  # different starting values
    MULTIPLIER, ADDEND = 0.990234375, 0.0078125  # exact in fp16, too

    def __init__(self, point: CeilingPoint, device: Device) -> None:
        """Keep the point and the device; raises NotSupported where it has no such data type."""
        super().__init__(point, device)
        extensions = device.handle.extensions.split()
        if point.data_type == "fp16" and "cl_khr_fp16" not in extensions:
            raise NotSupported(
                f"NNTEST_DATA_TYPE='fp16' is not supported: {device.handle.name.strip()} has no "
                "cl_khr_fp16"
            )

    @property
    def out_shape(self) -> Shape:
        """Shape of the output: one row, a multiple of STARTS long."""
        rows = divide_up(self.point.size * 10**9, 2 * 8 * self.STEPS * self.STARTS)
        return 1, 1, 1, rows * self.STARTS

    def buffer_elements(self) -> dict[str, int]:
        """Return how many float32 elements each device buffer will hold."""
        return {"numbers": 2, "output": self.out_shape[3]}

    def work(self, variant: dict[str, int]) -> float:
        """Return the operations of one run."""
        return 2.0 * self.out_shape[3] * variant["chains"] * self.STEPS

    def draw(self, seed: int) -> Tensors:
        """Return multiplier and addend: unknown to the compiler, and the same for every seed."""
        return Tensors(np.array([self.MULTIPLIER, self.ADDEND], np.float32))

    def expected(self, tensors: Tensors) -> np.ndarray[Any, Any]:
        """Return a chain's end in float64: m^n x + a (1 - m^n) / (1 - m) after n steps from x."""
        m, a = self.MULTIPLIER, self.ADDEND
        power = m**self.STEPS
        starts = np.arange(self.STARTS) / self.STARTS
        ends = power * starts + a * (1 - power) / (1 - m)
        return np.tile(ends, self.out_shape[3] // self.STARTS).reshape(self.out_shape)

    def tolerance(self, threshold: float, expected: np.ndarray[Any, Any]) -> float:
        """Return ``threshold``; for fp16 what 128 roundings of 2^-11 can come to."""
        if self.point.data_type == "fp16":
            return max(threshold, 2.0**-11 / (1 - self.MULTIPLIER) * 2)
        return threshold

    def set_up(self, tensors: Tensors, source: Any = None, target: Any = None) -> None:
        """Upload the numbers and build all variants; raises BuildFailed."""
        elements = self.out_shape[3]
        buffers = (source or self.upload(tensors.input), target or self.allocate(elements))
        self.output = buffers[1]
        for variant in self.variants:
            options = (
                *("-cl-std=CL1.2", f"-DVECTOR={variant['vector']}"),
                *(f"-DCHAINS={variant['chains']}", f"-DSTEPS={self.STEPS}"),
                *(f"-DSTARTS={self.STARTS}",),
                *(("-DHALF",) if self.point.data_type == "fp16" else ()),
            )
            items = elements // variant["vector"]
            program = self.device.build(("peak.cl",), options)
            launch = Launch(program, "peak", options, (items, 1, 1), buffers, (items,))
            self._candidates.append((variant, launch))
        self.device.queue.finish()
