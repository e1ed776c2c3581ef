"""All that this program measures: the operators, whole networks of them, the device's ceilings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ceilings import Bandwidth, Peak
from network import Network
from operators import OPERATORS, find_operator

if TYPE_CHECKING:
    from operator_base import Operator

PROGRAMS: dict[str, type[Operator]] = {
    **OPERATORS,
    "network": Network,
    "bandwidth": Bandwidth,
    "peak": Peak,
}


def find_program(name: str) -> type[Operator]:
    """Return the class that measures ``name``; raises NotSupported."""
    return find_operator(name, PROGRAMS)
