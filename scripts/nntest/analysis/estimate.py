"""The estimate: a network's time as the sum over its measured layers, with repeats.

It is a sum with no cost between layers, every layer at the time that it took alone.  Where the
fastest of several noisy medians was picked, the sum has what that flatters it by put back.  The
uncertainty is that of the repetitions; a drift of the whole machine between points is not in the
interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from nntest.analysis.memo import memoised_by_frame
from nntest.analysis.points import (
    GROUP_COLUMNS,
    Group,
    MeasuredPoint,
    Runs,
    choices_of,
    points,
)
from nntest.analysis.schedule import TensorUse, tensor_uses
from nntest.analysis.stats import UNKNOWN, Figure, Interval, fastest_of, ratio, weighted_sum
from nntest.analysis.uniform_schedules import (
    BEST,
    FASTEST,
    NetworkSchedule,
    fastest_with,
    schedules_for,
)
from nntest.domain.networks import Network
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.networks import ESTIMATE, LAYER_TIMES
from nntest.domain.tensors import NETWORK, SCHEDULE

__all__ = ["BEST", "Estimate", "estimate", "estimates", "layer_times"]


@dataclass(frozen=True)
class Estimate:
    """One network at one schedule on one platform and library; times in µs for one batch."""

    network: Network
    group: Group
    tensor_uses: tuple[TensorUse, ...]
    """The tensors that were measured at all."""
    schedule: NetworkSchedule
    measured: MeasuredPoint | None
    """The whole network's own measurement at this schedule."""

    @property
    def batch_size(self) -> int:
        """Images in a batch."""
        return self.group[2]

    @cached_property
    def figure(self) -> Figure:
        """Sum of repeats x median, corrected for choosing the fastest of several."""
        return weighted_sum(
            [
                (use.repeats, fastest_of([p.sample for p in self.schedule.among(use, point)]))
                for use, point in self.schedule.parts
            ]
        )

    @property
    def total(self) -> float:
        """The corrected sum."""
        return self.figure.value

    @cached_property
    def plain(self) -> Figure:
        """Sum of repeats x median as they were measured."""
        parts = self.schedule.parts
        return weighted_sum([(use.repeats, point.sample.figure) for use, point in parts])

    @property
    def runs(self) -> Runs:
        """The runs behind the sum, and the sums of their medians."""
        return Runs.summed([(use.repeats, point.runs) for use, point in self.schedule.parts])

    @property
    def queued(self) -> float:
        """The sum if layers were waited for once and not each, as in a network; NaN if not known.

        Each layer alone pays for waking the device and for being waited for; what that costs was
        measured beside it, and is taken off for all layers but one.
        """
        if not self.schedule.parts:
            return float("nan")
        waits = [point.waiting for _, point in self.schedule.parts]
        less = math.fsum(use.repeats * point.waiting for use, point in self.schedule.parts)
        return self.plain.value - less + math.fsum(waits) / len(waits)

    @property
    def total_min(self) -> float:
        """Sum of repeats x minimum, at the same schedule."""
        return math.fsum(use.repeats * point.sample.minimum for use, point in self.schedule.parts)

    @property
    def whole(self) -> bool:
        """Whether the sum covers every layer of the network."""
        covered = len(self.schedule.covered) == len(self.network.layers)
        return covered and not self.network.uncovered

    @property
    def ratio(self) -> Interval:
        """Estimate over measured time, by median; unknown unless both are of the whole network."""
        return self._over_measured(self.figure)

    @property
    def plain_ratio(self) -> Interval:
        """The same of the plain sum."""
        return self._over_measured(self.plain)

    def _over_measured(self, figure: Figure) -> Interval:
        if self.measured is None or not self.whole:
            return UNKNOWN
        return ratio(figure, self.measured.sample.figure)

    def where(self) -> dict[str, Any]:
        """The first columns of a table's row."""
        return {
            "network": self.network.name,
            **dict(zip(GROUP_COLUMNS, self.group, strict=True)),
            "choice": self.schedule.name,
            "operator": self.schedule.operator,
            "tuner": self.schedule.tuner,
        }


def estimate(
    frame: pd.DataFrame, networks: Sequence[Network], padding: str, seed: int
) -> pd.DataFrame:
    """Each network's time per platform, library, batch size and data type, best and fixed choices.

    `choice` is 'best' (each tensor at its fastest operator and tuner by median, as in
    `schedule`) or one operator and tuner for all that have a choice
    (`nntest.analysis.uniform_schedules`); `others` says what runs the layers that have none.
    `total_us` sums repeats x median over the covered layers for one batch; of it `optimism_us` was
    added, by which the fastest of several noisy medians is too short on average (0 where nothing
    was chosen).  The interval is of the true time of what was chosen.  `total_min_us` sums the
    minima of the same choices; minima have no interval.  `queued_us` is the plain sum
    less what each layer but one paid at most for being waited for; null where a
    library's programs do not measure that.  Medians are of clean runs where a point has enough of
    them: `n` and `clean` count the runs of all its points, `median_all_us` and `median_clean_us`
    are the same sum by the medians of all runs and of clean ones alone.

    `measured_us` is the median of the whole network's own runs at that choice, and `error` the
    estimate over it, less 1; only where the estimate covers every layer.

    A sum covers what was measured: `covered_layers` of `layers`, `covered_macs_share` of the
    multiply-accumulates; `not_covered` names the other layers.  `complete` is false where a
    fixed choice lacks layers that others have, which `missing_layers` names: such a sum is too
    small to be compared.  `extrapolated_total_us` is not a measurement: the whole network if the
    layers not covered ran at the covered layers' operations per second (executed operations),
    which flatters layers that are bound by memory, such as depthwise ones.

    A network of which a platform and library measured no layer has no row there.
    """
    return frame_of((_row(found) for found in estimates(frame, networks, padding, seed)), ESTIMATE)


def estimates(
    frame: pd.DataFrame, networks: Sequence[Network], padding: str, seed: int
) -> tuple[Estimate, ...]:
    """Estimates of every network: per group the best, complete uniform ones by time, the others."""
    return _estimates(frame, tuple(networks), padding, seed)


@memoised_by_frame
def _estimates(
    frame: pd.DataFrame, networks: tuple[Network, ...], padding: str, seed: int
) -> tuple[Estimate, ...]:
    made: list[Estimate] = []
    grouped = choices_of(points(frame, seed))
    for network in networks:
        for group, found in grouped.items():
            measured = tuple(use for use in tensor_uses(found, network, padding) if use.points)
            if not measured:
                continue
            whole = {
                point.tuner: point
                for point in found
                if point.species == NETWORK and point.tensor == network.name
            }
            schedules = schedules_for(measured, network, set(whole) - {SCHEDULE})
            best, *others = [
                Estimate(network, group, measured, one, _measured(one, schedules, whole, measured))
                for one in schedules
            ]
            made += [best, *sorted(others, key=lambda one: (not one.schedule.complete, one.total))]
    return tuple(made)


def _measured(
    schedule: NetworkSchedule,
    schedules: Sequence[NetworkSchedule],
    whole: dict[str, MeasuredPoint],
    measured: Sequence[TensorUse],
) -> MeasuredPoint | None:
    """The run of the whole network at this schedule.

    Its tuner's column says SCHEDULE, or the tuner of all layers, with the fastest operator for
    each; that is a uniform schedule's only where a single operator has that tuner.  The best
    schedule may be of one tuner, too, as an inference library's is that was measured with one.
    """
    if schedule.name == BEST:
        same = (t for t in sorted(whole) if fastest_with(measured, t).parts == schedule.parts)
        return whole.get(SCHEDULE) or whole.get(next(same, ""))
    alike = [other for other in schedules if other.tuner == schedule.tuner]
    alone = len(alike) == 1 or schedule.name == f"{FASTEST} {schedule.tuner}"
    return whole.get(schedule.tuner) if alone else None


def _row(one: Estimate) -> dict[str, Any]:
    """The figures of one schedule."""
    network, schedule = one.network, one.schedule
    total, parts = one.total, schedule.parts
    interval = one.figure.interval
    covered = schedule.covered
    others = [place for place in range(len(network.layers)) if place not in covered]
    flops = sum(use.repeats * use.tensor.executed_flops(one.batch_size) for use, _ in parts)
    more = sum(network.layers[place].tensor.executed_flops(one.batch_size) for place in others)
    macs = sum(network.layers[place].macs for place in covered)
    ratio = one.ratio
    measured = one.measured.sample.median_interval if one.measured else None
    return {
        **one.where(),
        "total_us": total,
        "ci_low_us": interval.low,
        "ci_high_us": interval.high,
        "optimism_us": total - one.plain.value,
        **one.runs.columns(),
        "queued_us": one.queued,
        "measured_us": measured.value if measured else None,
        "measured_ci_low_us": measured.low if measured else None,
        "measured_ci_high_us": measured.high if measured else None,
        "error": ratio.value - 1,
        "error_ci_low": ratio.low - 1,
        "error_ci_high": ratio.high - 1,
        "total_min_us": one.total_min,
        "complete": schedule.complete,
        "covered_layers": len(covered),
        "layers": len(network.layers),
        "covered_macs_share": macs / network.macs if network.macs else None,
        "extrapolated_total_us": total * (flops + more) / flops if flops else None,
        "others": schedule.others,
        "missing_layers": ", ".join(network.layers[place].name for place in schedule.missing),
        "not_covered": ", ".join(
            [*(network.layers[place].name for place in others), *network.uncovered]
        ),
    }


def layer_times(
    frame: pd.DataFrame, networks: Sequence[Network], padding: str, seed: int
) -> pd.DataFrame:
    """What each layer adds to each estimate, in layer order; layers not measured have no time.

    One row per layer of a network for each row of `estimate`: `layer_operator` and `layer_tuner`
    say what runs the layer under that choice, `time_us` is the median with its interval, `share`
    its part of the sum over the covered layers, `macs_share` of the multiply-accumulates.
    """
    rows: list[dict[str, Any]] = []
    for one in estimates(frame, networks, padding, seed):
        by_position = {
            position: (use, point)
            for use, point in one.schedule.parts
            for position in use.positions
        }
        total, macs = one.plain.value, one.network.macs
        for position, layer in enumerate(one.network.layers):
            use, point = by_position.get(position, (None, None))
            tensor = use.tensor if use else one.network.measured_tensor(layer, padding)
            interval = point.sample.median_interval if point else None
            rows.append({
                **one.where(),
                "position": position + 1,
                "layer": layer.name,
                "species": layer.species,
                "tensor": tensor.name,
                "layer_operator": point.operator if point else None,
                "layer_tuner": point.tuner if point else None,
                "time_us": interval.value if interval else None,
                "ci_low_us": interval.low if interval else None,
                "ci_high_us": interval.high if interval else None,
                "min_us": point.sample.minimum if point else None,
                "share": interval.value / total if interval else None,
                "macs_share": layer.macs / macs if macs else None,
            })  # fmt: skip
    return frame_of(rows, LAYER_TIMES)
