"""All that this program measures: the operators, and whole networks of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from network import Network
from operators import OPERATORS, find_operator

if TYPE_CHECKING:
    from operator_base import Operator

PROGRAMS: dict[str, type[Operator]] = {**OPERATORS, "network": Network}


def find_program(name: str) -> type[Operator]:
    """Return the class that measures ``name``; raises NotSupported."""
    return find_operator(name, PROGRAMS)
