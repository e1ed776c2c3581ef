"""Gives each kernel its local work size: found by trying and kept in a table, or given.

The search does what the CLTuner of Arm Compute Library does (src/runtime/CL/CLTuner.cpp, 18.05): it
runs the kernel with its real arguments, first with the size that the driver chooses, then with
each candidate, and keeps the fastest. It times on the host, from the enqueue to the end of the
queue, as the operator itself is timed.
"""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

import pyopencl as cl
from failures import BadValue
from tuner_table import GivenSizes, TunerTable, key_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device import Device
    from launch import Launch, Size
    from point import Settings

_BAD_SIZE_CODES = (
    cl.status_code.INVALID_WORK_GROUP_SIZE,
    cl.status_code.INVALID_WORK_ITEM_SIZE,
    cl.status_code.INVALID_GLOBAL_WORK_SIZE,
    cl.status_code.OUT_OF_RESOURCES,
)

MOST_RUNS = 10  # timed runs of a candidate, of which the fastest counts
MOST_SECONDS = 0.05  # ... but no further one once they have taken this long
HOPELESS = 1.5  # a candidate this much slower than the best in its first run gets no second one

# Some of each kind: a single work-item, rows and columns of tiles, blocks, and channels together.
RAPID = (
    *((1, 1, 1), (4, 1, 1), (16, 1, 1), (64, 1, 1), (1, 4, 1), (1, 16, 1)),
    *((4, 4, 1), (16, 8, 1), (1, 1, 4), (1, 1, 16), (4, 1, 4), (16, 1, 8)),
)


def candidates(mode: str, items: Size, device_limits: Size, group_limit: int) -> list[Size]:
    """Return the local sizes to try, without the driver's own choice.

    exhaustive: x and y from 1 to 16, z from 1 to 8, as CLTuner. normal: the powers of two among
    these. rapid: at most twelve. No size is larger in any direction than the work (``items``) or
    the device's limit, and no work-group larger than ``group_limit`` work-items.
    """
    sizes: Iterable[tuple[int, ...]]
    if mode == "exhaustive":
        sizes = itertools.product(range(1, 17), range(1, 17), range(1, 9))
    elif mode == "normal":
        sizes = itertools.product((1, 2, 4, 8, 16), (1, 2, 4, 8, 16), (1, 2, 4, 8))
    else:
        sizes = RAPID
    clipped = (tuple(min(size[i], items[i], device_limits[i]) for i in range(3)) for size in sizes)
    fitting = ((x, y, z) for x, y, z in clipped if x * y * z <= group_limit)
    return list(dict.fromkeys(fitting))


def _seconds(device: Device, launch: Launch) -> float:
    start = time.perf_counter()
    launch.enqueue(device.queue)
    device.queue.finish()
    return time.perf_counter() - start


def _fastest(device: Device, launch: Launch, best: float) -> float:
    """Return the fastest of a few runs, in seconds; the first run is not counted (it compiles)."""
    _seconds(device, launch)
    fastest = spent = _seconds(device, launch)
    for _ in range(MOST_RUNS - 1):
        if spent > MOST_SECONDS or fastest > HOPELESS * best:
            break
        seconds = _seconds(device, launch)
        spent += seconds
        fastest = min(fastest, seconds)
    return fastest


def tune_launch(device: Device, launch: Launch, mode: str) -> dict[str, Any]:
    """Try the candidates of ``mode``, leave the fastest in ``launch`` and return its entry.

    A candidate that the driver refuses is left out; raises pyopencl.Error only where the driver
    cannot run the kernel with its own choice.
    """
    launch.use_local_size(None)
    best_size = None
    best = driver_choice = _fastest(device, launch, float("inf"))
    group_limit = launch.kernel.get_work_group_info(
        cl.kernel_work_group_info.WORK_GROUP_SIZE, device.handle
    )
    limits = device.handle.max_work_item_sizes
    sizes = candidates(mode, launch.items, (limits[0], limits[1], limits[2]), group_limit)
    tried = 1
    for size in sizes:
        launch.use_local_size(size)
        try:
            seconds = _fastest(device, launch, best)
        except cl.Error:
            continue
        tried += 1
        if seconds < best:
            best, best_size = seconds, size
    launch.use_local_size(best_size)
    return {
        "kernel": launch.name,
        "local_size": list(best_size) if best_size else None,
        "time_s": best,
        "driver_choice_time_s": driver_choice,
        "candidates": tried,
        "mode": mode,
    }


class Tuners:
    """Gives kernels their local sizes as CK_LWS_TUNER_TYPE says, and keeps account of it.

    NONE leaves them to the driver.  DEFAULT takes them from the table, and searches for those that
    it has not.  CUSTOM takes them from a table that somebody else made and never searches: what it
    has not is left to the driver.
    """

    def __init__(self, settings: Settings) -> None:
        """Nothing is read before a tuner needs it."""
        self.default_type = settings.tuner_type
        self.mode = settings.tuner_mode
        self.seconds = 0.0  # spent on searching
        self.missing: list[str] = []  # kernels that the table did not have
        self._settings = settings
        self._types: set[str] = set()
        self._table: TunerTable | None = None
        self._given: GivenSizes | None = None

    def apply(self, device: Device, launches: list[Launch], tuner_type: str) -> None:
        """Set the sizes of ``launches`` and, unless they are the driver's, run them once in order.

        So each is tuned on what the one before it has written.  Raises BadValue for a table that
        cannot be read or written, or that gives a size which the device refuses.
        """
        self._types.add(tuner_type)
        if tuner_type == "DEFAULT":
            self._search(device, launches)
        elif tuner_type == "CUSTOM":
            self._take(device, launches)

    def describe(self, launches: list[Launch]) -> dict[str, Any]:
        """Return what is recorded of the tuning with every repetition."""
        searches = "DEFAULT" in self._types
        return {
            "type": self.default_type,
            "mode": self.mode if searches else None,
            "tuning_s": self.seconds,
            "local_sizes": {
                launch.label: list(launch.local_size) if launch.local_size else None
                for launch in launches
            },
            "from_table": bool(self._types - {"NONE"}) and not self.missing,
            "not_in_table": self.missing,
        }

    def _search(self, device: Device, launches: list[Launch]) -> None:
        if self._table is None:
            self._table = TunerTable(self._settings.tuner_table)
        start = time.perf_counter()
        tuned = {}
        for launch in launches:
            key = key_of(device, launch)
            entry = self._table.find(key, self.mode)
            if entry is None:
                tuned[key] = tune_launch(device, launch, self.mode)
                self.missing.append(launch.label)
            else:
                launch.use_local_size(_size(entry["local_size"]))
            launch.enqueue(device.queue)
        device.queue.finish()
        if tuned:
            self._table.add(tuned)
            self.seconds += time.perf_counter() - start

    def _take(self, device: Device, launches: list[Launch]) -> None:
        if self._given is None:
            self._given = GivenSizes(self._settings.tuner_table_in)
        for launch in launches:
            entry = self._given.find(key_of(device, launch), launch.name)
            if entry is None:
                self.missing.append(launch.label)
            size = _size(entry["local_size"]) if entry else None
            launch.use_local_size(size)
            try:
                launch.enqueue(device.queue)
                device.queue.finish()
            except cl.Error as error:
                if size is None or error.code not in _BAD_SIZE_CODES:
                    raise
                raise BadValue(
                    f"NNTEST_TUNER_TABLE_IN={self._settings.tuner_table_in!r} gives the kernel "
                    f"{launch.name} the local size {size}, which the device refuses: {error}"
                ) from None


def _size(numbers: list[int] | None) -> Size | None:
    return (numbers[0], numbers[1], numbers[2]) if numbers else None
