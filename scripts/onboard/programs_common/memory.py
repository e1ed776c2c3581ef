"""How much memory this process has resident, as Linux counts it (proc(5): VmRSS and VmHWM)."""

from __future__ import annotations

import ctypes
import gc
import re

_STATUS, _CLEAR = "/proc/self/status", "/proc/self/clear_refs"
_FIELD = re.compile(r"^(VmRSS|VmHWM):\s+(\d+) kB$", re.MULTILINE)
_NAMES = {"VmRSS": "resident_bytes", "VmHWM": "peak_bytes"}
_FORGET_PEAK = "5"


class Memory:
    """From when it is made, before a model is loaded, until `stop`."""

    def __init__(self) -> None:
        """Give back what is free, have the kernel forget the peak so far, and read both figures.

        Kernels before 4.0, and those that do not let the process, keep the earlier peak.
        """
        gc.collect()
        try:
            ctypes.CDLL(None).malloc_trim(0)
        except (AttributeError, OSError):
            pass  # not glibc
        try:
            with open(_CLEAR, "w") as file:
                file.write(_FORGET_PEAK)
        except OSError:
            pass
        self._before = _read()

    def stop(self) -> dict[str, dict[str, int]]:
        """Return `before` and `after`, each with `resident_bytes` and `peak_bytes`.

        Empty where the kernel does not say.
        """
        after = _read()
        return {"before": self._before, "after": after} if self._before and after else {}


def _read() -> dict[str, int]:
    try:
        with open(_STATUS, encoding="ascii", errors="replace") as file:
            found = _FIELD.findall(file.read())
    except OSError:
        return {}
    return {_NAMES[name]: int(kilobytes) * 1024 for name, kilobytes in found}
