"""What else went on in the machine during a run, as the kernel counts it.

It is read right before a run and right after it, never in the time that is measured.  Here figures
are recorded as they are; whether a run counts as disturbed is decided by who reads them.
"""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from typing import Any

from schedstat import read_threads

_STOLEN = 8  # field of the first line of /proc/stat: ticks that the hypervisor gave to others


class Watch:
    """Counts from when it is made until :meth:`stop`."""

    def __init__(self) -> None:
        """Read the figures before a run; the threads last, since they are what runs."""
        self._process = _Process.read()
        self._threads = read_threads()

    def stop(self) -> dict[str, Any]:
        """Read them again, and return what has come to them since; None for what is not known.

        ``waited_s``: time that threads were ready to run and had no CPU, all threads together;
        ``dispatches``: how often one was put on a CPU; ``stolen_s``: time that a virtual machine's
        host took from all of its CPUs; ``load``: average of the last minute, this process included.
        """
        threads = read_threads()
        process = _Process.read()
        found: dict[str, Any] = {"waited_s": None, "dispatches": None, "threads": None}
        if self._threads is not None and threads is not None:
            new = [times.since(self._threads.get(thread)) for thread, times in threads.items()]
            found = {
                "waited_s": sum(times.waited_ns for times in new) / 1e9,
                "dispatches": sum(times.dispatches for times in new),
                "threads": len(new),
            }
        stolen = None
        if self._process.stolen_s is not None and process.stolen_s is not None:
            stolen = process.stolen_s - self._process.stolen_s
        return {
            **found,
            "stolen_s": stolen,
            "involuntary_switches": process.switches - self._process.switches,
            "major_faults": process.faults - self._process.faults,
            "load": _load(),
        }


@dataclass(frozen=True)
class _Process:
    """The figures that are not a thread's: the process's own and the machine's."""

    switches: int
    """Times that a thread was taken off its CPU although it could have gone on."""
    faults: int
    """Pages that had to come from a disk."""
    stolen_s: float | None

    @classmethod
    def read(cls) -> _Process:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return cls(used.ru_nivcsw, used.ru_majflt, _stolen())


def _stolen() -> float | None:
    """Return the seconds stolen from all CPUs since the start; None where it is not said."""
    try:
        with open("/proc/stat", "rb", buffering=0) as file:
            return int(file.read(256).split()[_STOLEN]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except OSError:
        return None
