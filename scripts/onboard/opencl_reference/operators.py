"""The table of operators: what a layer of a network can be.

A new operator is one class, in a module of its own or beside its kin, with its reference in
:mod:`reference` and its kernels in ``kernels/``, entered here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from convolutions import Convolution, DirectConvolution
from depthwise import DepthwiseConvolution
from failures import NotSupported
from fully_connected import FullyConnected
from pooling import AveragePooling, LargestPooling
from softmax import Softmax
from winograd import WinogradConvolution

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operator_base import Operator

OPERATORS: dict[str, type[Operator]] = {
    "conv": Convolution,
    "directconv": DirectConvolution,
    "winogradconv": WinogradConvolution,
    "depthwiseconv": DepthwiseConvolution,
    "fullyconnected": FullyConnected,
    "avgpool": AveragePooling,
    "maxpool": LargestPooling,
    "softmax": Softmax,
}


def find_operator(name: str, table: Mapping[str, type[Operator]] = OPERATORS) -> type[Operator]:
    """Return the operator's class; raises NotSupported."""
    if name not in table:
        raise NotSupported(
            f"the operator {name!r} is not one of this program's: {', '.join(sorted(table))}"
        )
    return table[name]
