"""What one violin shows: repetitions, as many as can be seen, their density and their median."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.mlab import GaussianKDE
from numpy.typing import NDArray
from onboard.clean_runs import DISTURBED, counted

FEWEST_VALUES = 5
"""Different values from which on a violin says more than its points do."""
_PLACES = 60
"""At which a density is computed."""
_BEYOND = 2.0
"""How far a density reaches beyond its values, in its bandwidths."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Values:
    """The values of one violin."""

    all: Floats
    """Sorted."""
    disturbed: NDArray[np.bool_]
    """Which of them are of disturbed runs."""
    median: float
    """Of the runs that count, as in the tables."""
    log: bool
    """Whether their density is that of their logarithms, for a logarithmic axis."""

    @classmethod
    def of(cls, values: pd.Series[Any], states: pd.Series[Any], log: bool) -> Values:
        """The values of a point's repetitions, with the states of these."""
        order = np.argsort(values.to_numpy(float), kind="stable")
        found, state = values.to_numpy(float)[order], states.to_numpy(object)[order]
        kept = found[counted(state.tolist())]
        return cls(found, state == DISTURBED, float(np.median(kept)), log)

    @cached_property
    def density(self) -> tuple[Floats, Floats] | None:
        """Values, and how wide the violin is there, at most 1; few values have no density."""
        if len(np.unique(self.all)) < FEWEST_VALUES:
            return None
        values = np.log(self.all) if self.log else self.all
        estimate = GaussianKDE(values, "scott")
        reach = _BEYOND * float(np.sqrt(np.asarray(estimate.covariance)[0, 0]))
        places = np.linspace(values[0] - reach, values[-1] + reach, _PLACES)
        widths = estimate(places)
        return (np.exp(places) if self.log else places), widths / widths.max()

    @property
    def span(self) -> tuple[float, float]:
        """From where to where something is drawn."""
        drawn = self.all if self.density is None else self.density[0]
        return float(drawn[0]), float(drawn[-1])

    def shown(self, most: int) -> NDArray[np.int64]:
        """Which values are drawn: all, or `most` at equal steps of rank, with both ends."""
        if len(self.all) <= most:
            return np.arange(len(self.all))
        return np.unique(np.linspace(0, len(self.all) - 1, most).round().astype(int))
