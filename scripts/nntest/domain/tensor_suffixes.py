"""What a tensor's name says behind its shape, each part with a plus: additions of ours.

CK-NNTest's fields have no place for the kernel of a depthwise convolution that is not 3 x 3, for
the padding of a pool, or for an activation::

    96-14-14-1-2+kernel5+hard-swish
    64-112-112-3-2+pads1
    96-54-54-3-2+pads0_1_0_1        (top, bottom, left, right)
    512-14-14-1-512-1-0+relu6
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nntest.errors import UserError

Pads = tuple[int, int, int, int]
"""Top, bottom, left, right."""

NO_ACTIVATION = "none"
ACTIVATIONS = ("relu", "relu6", "hard-swish", "hard-sigmoid", "sigmoid")
"""Those that operator programs apply, of inference libraries alone."""
ACTIVATED = ("conv", "depthwiseconv", "fullyconnected")
"""Species whose programs apply one."""
POOLS = ("avgpool", "maxpool")
DEPTHWISE_KERNEL = 3
"""Of a depthwise convolution: the only one that CK-NNTest's data sets have."""

ACTIVATION_VARIABLE = "NNTEST_ACTIVATION"
"""Set only where there is one."""
KERNEL_VARIABLE = "NNTEST_KERNEL"
"""``rows,columns``; set only for a depthwise convolution that is not 3 x 3."""
PADS_VARIABLE = "NNTEST_CONV_PADS"
"""Padding by side, ``top,bottom,left,right``; set only where the sides differ."""
POOL_PAD_VARIABLE = "CK_POOL_PAD"
"""Padding of a pool, the same on all sides; set only where there is any."""

_SUFFIX = re.compile(r"\+(?![0-9])")
"""In front of each part; a number may have a plus, too: 1e+22."""
_KERNEL = re.compile(r"kernel([1-9][0-9]{0,3})", re.ASCII)
_PADS = re.compile(r"pads([0-9]{1,4}(?:_[0-9]{1,4}){3}|[0-9]{1,4})", re.ASCII)


@dataclass(frozen=True)
class Suffixes:
    """What is said behind the shape; None where it is as CK-NNTest has it."""

    kernel: int | None = None
    """Side of a depthwise convolution's kernel, if it is not 3."""
    pads: Pads | None = None
    """Of a pool with padding."""
    activation: str = NO_ACTIVATION

    def written(self) -> str:
        """As it stands behind the shape."""
        parts = []
        if self.kernel is not None:
            parts.append(f"kernel{self.kernel}")
        if self.pads is not None:
            same = len(set(self.pads)) == 1
            parts.append("pads" + "_".join(map(str, self.pads[:1] if same else self.pads)))
        if self.activation != NO_ACTIVATION:
            parts.append(self.activation)
        return "".join(f"+{part}" for part in parts)

    def env(self) -> dict[str, str]:
        """The environment variables that say it to an operator program."""
        variables = {}
        if self.kernel is not None:
            variables[KERNEL_VARIABLE] = f"{self.kernel},{self.kernel}"
        if self.pads is not None:
            same = len(set(self.pads)) == 1
            variables |= (
                {POOL_PAD_VARIABLE: str(self.pads[0])}
                if same
                else {PADS_VARIABLE: ",".join(map(str, self.pads))}
            )
        if self.activation != NO_ACTIVATION:
            variables[ACTIVATION_VARIABLE] = self.activation
        return variables


def suffix_variables(species: str) -> tuple[str, ...]:
    """The variables that a species may have beside those of its shape."""
    further: tuple[str, ...] = ()
    if species == "depthwiseconv":
        further = (KERNEL_VARIABLE,)
    elif species in POOLS:
        further = (POOL_PAD_VARIABLE,)
    return PADS_VARIABLE, ACTIVATION_VARIABLE, *further


def split_suffixes(species: str, name: str) -> tuple[str, Suffixes]:
    """(the shape, what is said behind it) of a tensor's name; raises `UserError`."""
    plain, *parts = _SUFFIX.split(name)
    kernel, pads, activation = None, None, NO_ACTIVATION
    for part in parts:
        if species == "depthwiseconv" and (match := _KERNEL.fullmatch(part)):
            kernel = int(match[1])
        elif species in POOLS and (match := _PADS.fullmatch(part)):
            sides = [int(side) for side in match[1].split("_")]
            top, bottom, left, right = sides * (4 // len(sides))
            pads = (top, bottom, left, right)
        elif species in ACTIVATED and part in ACTIVATIONS:
            activation = part
        else:
            raise UserError(
                f"tensor '{name}' of species {species}: no such activation, kernel or padding: "
                f"'{part}'",
                f"{', '.join(ACTIVATED)} have {', '.join(ACTIVATIONS)}; depthwiseconv has "
                f"kernel5, {' and '.join(POOLS)} have pads1 or pads0_1_0_1",
            )
    return plain, Suffixes(
        None if kernel == DEPTHWISE_KERNEL else kernel,
        pads if pads and any(pads) else None,
        activation,
    )


def suffixes_of(species: str, env: Mapping[str, Any]) -> str:
    """What the variables of a CK point say behind the shape; `UserError` if no name can."""
    written = ""
    if species == "depthwiseconv" and env.get(KERNEL_VARIABLE):
        match = re.fullmatch(r" *(\d+) *, *(\d+) *", str(env[KERNEL_VARIABLE]))
        if match is None or match[1] != match[2]:
            raise UserError(f"{KERNEL_VARIABLE} is not a square: {env[KERNEL_VARIABLE]!r:.40}")
        written += f"+kernel{match[1]}"
    if species in POOLS:
        sides = env.get(PADS_VARIABLE) or env.get(POOL_PAD_VARIABLE) or 0
        written += f"+pads{str(sides).replace(' ', '').replace(',', '_')}"
    activation = str(env.get(ACTIVATION_VARIABLE) or NO_ACTIVATION)
    return written if activation == NO_ACTIVATION else f"{written}+{activation}"
