"""One term that brings a library's sums over layers to the times of its measured networks.

A layer alone pays for starting, waiting and reordering its data, which a network pays once or not
at all.  What that adds is either much the same for each layer or grows with the layers' time.  So
the term is a cost for each layer, or a factor of the sum: the one that comes nearer to the networks
that it is fitted on, each predicted by a fit to the others (the prediction sum of squares, PRESS;
Allen, Technometrics 16, 1974).  It is never fitted on the network that it is for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nntest.analysis.stats import Figure, FloatArray

FEWEST_OTHERS = 3
"""Other networks that a term needs."""


@dataclass(frozen=True)
class Summed:
    """A network whose layers were measured alone, and it as a whole; times in µs."""

    layers: int
    total: float
    """Sum over layers."""
    measured: float


@dataclass(frozen=True)
class Term:
    """A calibration's one term, as it was fitted on some networks."""

    value: float
    """µs for each layer; or, of a factor, by how much it differs from 1."""
    by_layer: bool
    """Whether it is a cost for each layer, and not a factor of the sum."""
    networks: int
    """How many it was fitted on."""
    variance: float
    """Mean square of the relative errors of the networks, each predicted by a fit to the others.

    It is larger than that of the fit's own errors: the networks chose the kind of term as well.
    """
    weight: float
    """Sum of squares of what the term is multiplied by, over the measured times."""

    def calibrated(self, layers: int, total: float) -> Figure | None:
        """A network's time [µs], by its number of layers and the sum over them [µs].

        Its uncertainty is how far the networks scatter about the fit, and that of the term: so the
        interval is of what a whole network would be measured to take.  None if no time is left,
        where a network is much smaller than those that the term was fitted on.
        """
        unit = layers if self.by_layer else total
        time = total + unit * self.value
        if time <= 0:
            return None
        leverage = (unit / time) ** 2 / self.weight
        return Figure(time, self.variance * (1 + leverage), self.networks - 1)


def fitted(others: Sequence[Summed]) -> Term | None:
    """The term that suits some networks best; None for fewer than `FEWEST_OTHERS`.

    Least squares of the relative errors, so that large networks do not decide alone: the c that
    minimises the sum of ((total + unit x c) / measured - 1)^2, where a unit is a network's number
    of layers or its sum.
    """
    if len(others) < FEWEST_OTHERS:
        return None
    measured = np.array([one.measured for one in others])
    sums = np.array([one.total for one in others]) / measured
    layers = np.array([one.layers for one in others]) / measured
    candidates = [_fit(sums, layers, by_layer=True), _fit(sums, sums, by_layer=False)]
    return min(candidates, key=lambda term: term.variance)


def _fit(sums: FloatArray, units: FloatArray, *, by_layer: bool) -> Term:
    """The term by one kind of unit; both arrays are over the measured times."""
    weight = math.fsum(units**2)
    value = math.fsum(units * (1 - sums)) / weight
    without_it = (sums + units * value - 1) / (1 - units**2 / weight)
    variance = math.fsum(without_it**2) / len(sums)
    return Term(value, by_layer, len(sums), variance, weight)
