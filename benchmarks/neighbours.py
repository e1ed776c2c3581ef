"""Programs that share the machine with a measurement: busy ones, and one that floods memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "scripts" / "onboard"))
from processes import die_with_parent

BUSY = "while True: pass"
FLOOD = """
import numpy
a, b = numpy.ones(1 << 25), numpy.empty(1 << 25)
while True: b[:] = a
"""
BURST = """
import time
while True:
    end = time.perf_counter() + 0.3
    while time.perf_counter() < end: pass
    time.sleep(0.7)
"""


@contextmanager
def neighbours(programs: Sequence[str]) -> Iterator[None]:
    """Processes that run while the context lasts."""
    started = [
        subprocess.Popen([sys.executable, "-c", program], preexec_fn=die_with_parent)
        for program in programs
    ]
    try:
        time.sleep(1 if started else 0)
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()
