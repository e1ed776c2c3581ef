"""What else went on in the machine during a run, as the kernel counts it.

It is read right before a run and right after it, never in the time that is measured.  Here figures
are recorded as they are; whether a run counts as disturbed is decided by who reads them.
"""

from __future__ import annotations

import os
import resource
import threading
from dataclasses import dataclass
from typing import Any

from schedstat import last_core, read_threads

_STOLEN = 8  # field of the first line of /proc/stat: ticks that the hypervisor gave to others


class Watch:
    """Counts from when it is made until :meth:`stop`."""

    def __init__(self) -> None:
        """Read the figures before a run; the threads last, since they are what runs."""
        self._totals = _Totals.read()
        self._threads = read_threads()

    def stop(self) -> dict[str, Any]:
        """Read them again, and return what has come to them since; None for what is not known.

        ``waited_s``: time that threads were ready to run and had no CPU, all threads together;
        ``dispatches``: how often one was put on a CPU; ``stolen_s``: time that a virtual machine's
        host took from all of its CPUs; ``load``: average of the last minute, this process included;
        ``cores``: those on which the threads that ran were last.
        """
        threads = read_threads()
        totals = _Totals.read()
        found: dict[str, Any] = dict.fromkeys(("waited_s", "dispatches", "threads", "cores"))
        if self._threads is not None and threads is not None:
            new = {
                thread: times.since(self._threads.get(thread)) for thread, times in threads.items()
            }
            own = str(threading.get_native_id())
            cores = {last_core(thread) for thread in new if new[thread].ran_ns or thread == own}
            found = {
                "waited_s": sum(times.waited_ns for times in new.values()) / 1e9,
                "dispatches": sum(times.dispatches for times in new.values()),
                "threads": len(new),
                "cores": sorted(core for core in cores if core is not None),
            }
        stolen = None
        if self._totals.stolen is not None and totals.stolen is not None:
            stolen = (totals.stolen - self._totals.stolen) / os.sysconf("SC_CLK_TCK")
        return {
            **found,
            "stolen_s": stolen,
            "involuntary_switches": totals.switches - self._totals.switches,
            "major_faults": totals.faults - self._totals.faults,
            "load": _load(),
        }


@dataclass(frozen=True)
class _Totals:
    """The figures that are not kept for each thread: the process's and the machine's."""

    switches: int
    """Times that a thread was taken off its CPU although it could have gone on."""
    faults: int
    """Pages that had to come from a disk."""
    stolen: int | None
    """Ticks that the host took from all CPUs; None where it is not said."""

    @classmethod
    def read(cls) -> _Totals:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return cls(used.ru_nivcsw, used.ru_majflt, _stolen())


def _stolen() -> int | None:
    try:
        with open("/proc/stat", "rb", buffering=0) as file:
            return int(file.read(256).split()[_STOLEN])
    except (OSError, ValueError, IndexError):
        return None


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except OSError:
        return None
