"""Sets of cores: as they are written, and processes that stay on one.

Standard library only, Python 3.5 and later: this file is copied to boards, where it is the module
`cores`; the workflow imports it as `onboard.cores`.
"""

import os
import re
from typing import Iterable, List

VARIABLE = "NNTEST_CORES"
"""Environment variable of a program that stays on some cores: their numbers, "4,5"."""
HIGHEST = 4095
_PART = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?\Z")


def read_cores(text: str) -> List[int]:
    """The cores of a list as the kernel writes it, "0-3,6", in order; ValueError for another."""
    found = []  # type: List[int]
    for part in text.split(","):
        match = _PART.match(part.strip())
        if not match:
            raise ValueError("'{}' is not a list of cores such as 0-3,6".format(text))
        first = int(match.group(1))
        last = int(match.group(2) or first)
        if not first <= last <= HIGHEST:
            raise ValueError("'{}' has no cores from 0 to {}".format(part.strip(), HIGHEST))
        found.extend(range(first, last + 1))
    return sorted(set(found))


def write_cores(cores: Iterable[int]) -> str:
    """Cores as the shortest list: "0-3,6"."""
    parts = []  # type: List[List[int]]
    for core in sorted(set(cores)):
        if parts and core == parts[-1][1] + 1:
            parts[-1][1] = core
        else:
            parts.append([core, core])
    return ",".join(
        str(first) if first == last else "{}-{}".format(first, last) for first, last in parts
    )


def usable() -> List[int]:
    """The cores that this process may run on; none where the system does not say."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    return sorted(os.sched_getaffinity(0))


def why_not(wanted: str) -> str:
    """Why this process cannot keep another one on some cores; "" if it can, or none are wanted."""
    if not wanted:
        return ""
    if not hasattr(os, "sched_setaffinity"):
        return "this system cannot keep a process on some of its cores"
    lacking = set(read_cores(wanted)) - set(usable())
    if not lacking:
        return ""
    return "of cores {}, {} cannot be used now: there are {}".format(
        write_cores(read_cores(wanted)), write_cores(lacking), write_cores(usable())
    )


def stay_on(wanted: str) -> None:
    """Keep this process, and what it starts, on some cores; "" leaves it where it is."""
    if wanted:
        os.sched_setaffinity(0, read_cores(wanted))
