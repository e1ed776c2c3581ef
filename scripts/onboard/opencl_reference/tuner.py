"""Finds each kernel's fastest local work size by trying, and remembers it in a table.

It does what the CLTuner of Arm Compute Library does (src/runtime/CL/CLTuner.cpp, 18.05): it runs
the kernel with its real arguments, first with the size that the driver chooses, then with each
candidate, and keeps the fastest. It times on the host, from the enqueue to the end of the queue,
as the operator itself is timed.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from typing import TYPE_CHECKING, Any

import pyopencl as cl
from failures import BadValue
from records import write_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device import Device
    from operator_base import Launch, Operator, Size

TABLE_SCHEMA = "nntest-flow/opencl-local-sizes"
TABLE_VERSION = 1
THOROUGHNESS = {"rapid": 0, "normal": 1, "exhaustive": 2}

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


def key_of(device: Device, launch: Launch) -> str:
    """Return what a tuned size depends on, as one line: it holds as long as none of it changes."""
    handle = device.handle
    return " | ".join(
        (
            handle.name.strip(),
            handle.platform.name.strip(),
            handle.driver_version.strip(),
            f"{launch.name}@{launch.source_hash}",
            " ".join(launch.options),
            "global " + "x".join(str(number) for number in launch.items),
            "arguments " + ",".join(str(number) for number in launch.numbers),
        )
    )


class TunerTable:
    """The tuned local sizes, in a JSON file or, without a path, for this process only."""

    def __init__(self, path: str | None) -> None:
        """Read the table; a file that is not there is an empty table.

        Raises BadValue for a file that is no table, or a folder that it could not be written to.
        """
        self.path = path
        self.entries = self._read() if path else {}
        folder = os.path.dirname(os.path.abspath(path)) if path else "."
        if not os.access(folder, os.W_OK):
            raise BadValue(f"NNTEST_TUNER_TABLE={path!r} lies in a folder that cannot be written")

    def find(self, key: str, mode: str) -> dict[str, Any] | None:
        """Return the entry of ``key`` if it was tuned as thoroughly as ``mode`` or more so."""
        entry = self.entries.get(key)
        if entry is None or THOROUGHNESS[entry["mode"]] < THOROUGHNESS[mode]:
            return None
        return entry

    def add(self, entries: dict[str, dict[str, Any]]) -> None:
        """Add entries and write the table, with what others have added to it meanwhile."""
        if not self.path:
            self.entries.update(entries)
            return
        self.entries = {**self._read(), **entries}
        content = {"schema": TABLE_SCHEMA, "version": TABLE_VERSION, "entries": self.entries}
        try:
            write_json(self.path, content)
        except OSError as error:
            raise BadValue(
                f"NNTEST_TUNER_TABLE={self.path!r} cannot be written: {error.strerror}"
            ) from None

    def _read(self) -> dict[str, dict[str, Any]]:
        assert self.path is not None
        remedy = "mend or remove the file"
        try:
            with open(self.path, encoding="utf-8") as file:
                content = json.load(file)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise BadValue(
                f"NNTEST_TUNER_TABLE={self.path!r} cannot be read: {error.strerror}"
            ) from None
        except ValueError as error:
            raise BadValue(
                f"NNTEST_TUNER_TABLE={self.path!r} is not JSON ({error}); {remedy}"
            ) from None
        if not isinstance(content, dict) or content.get("schema") != TABLE_SCHEMA:
            raise BadValue(f"NNTEST_TUNER_TABLE={self.path!r} is no table of local sizes; {remedy}")
        if content.get("version") != TABLE_VERSION:
            raise BadValue(
                f"NNTEST_TUNER_TABLE={self.path!r} has version {content.get('version')!r} and "
                f"this program reads version {TABLE_VERSION}; remove the file to tune anew"
            )
        entries = content.get("entries")
        if not isinstance(entries, dict) or not all(map(_is_entry, entries.values())):
            raise BadValue(
                f"NNTEST_TUNER_TABLE={self.path!r} has an entry that is no local size; {remedy}"
            )
        return entries


def _is_entry(entry: object) -> bool:
    """Return whether ``entry`` is what :func:`tune_launch` makes."""
    if not isinstance(entry, dict) or entry.get("mode") not in THOROUGHNESS:
        return False
    size = entry.get("local_size", ())
    return size is None or (
        isinstance(size, list)
        and len(size) == 3
        and all(isinstance(number, int) and number > 0 for number in size)
    )


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


def tune(device: Device, operator: Operator, mode: str, table: TunerTable) -> tuple[float, bool]:
    """Give each kernel of ``operator`` its fastest local size, from the table where it has it.

    Returns the seconds spent on trying and whether the table had every kernel. The kernels run in
    their order, so that each is tuned on what the one before it has written.
    """
    start = time.perf_counter()
    tuned = {}
    for launch in operator.launches:
        key = key_of(device, launch)
        entry = table.find(key, mode)
        if entry is None:
            tuned[key] = tune_launch(device, launch, mode)
        else:
            size = entry["local_size"]
            launch.use_local_size((size[0], size[1], size[2]) if size else None)
        launch.enqueue(device.queue)
    device.queue.finish()
    if not tuned:
        return 0.0, True
    table.add(tuned)
    return time.perf_counter() - start, False
