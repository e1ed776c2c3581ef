"""Ways to run a whole network: the best choice for each layer, and one choice throughout.

A fixed choice such as "conv NONE" must say how *every* layer runs, or its sum could not be
compared with another.  So it names an operator for each species that has several to choose from
(conv or directconv for a convolution), and one tuner for all.  Species that have a single operator
(depthwise layers, pooling, softmax) run by that operator, with the choice's tuner where it was
measured with it; where it was not (a softmax has nothing to tune), with NONE, else with what is
fastest.  Where no species has several operators, the one with the most multiply-accumulates is
named.

"fastest NONE" leaves the operator open and fixes the tuner alone; it stands beside the others where
a whole network was measured so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from nntest.analysis.points import MeasuredPoint
from nntest.analysis.schedule import TensorUse
from nntest.domain.networks import Network

BEST = "best"
FASTEST = "fastest"
UNTUNED = "NONE"


@dataclass(frozen=True)
class NetworkSchedule:
    """For each measured tensor of a network the point that stands for it, under a name."""

    name: str
    operator: str
    """Operators that a uniform schedule names, joined by '+'; empty for the best schedule."""
    tuner: str
    parts: tuple[tuple[TensorUse, MeasuredPoint], ...]
    missing: tuple[int, ...] = ()
    """Positions of layers that were measured, but not as this schedule wants them."""
    others: str = ""
    """What runs the species that a uniform schedule does not name, e.g. 'softmax NONE'."""

    def among(self, use: TensorUse, point: MeasuredPoint) -> Sequence[MeasuredPoint]:
        """The points of a tensor of which it has `point` as the fastest; else that alone."""
        if self.name == BEST:
            return use.points
        if self.operator:
            return (point,)
        return tuple(other for other in use.points if other.tuner == point.tuner)

    @property
    def complete(self) -> bool:
        """Whether it covers every layer that was measured in any way."""
        return not self.missing

    @property
    def covered(self) -> set[int]:
        """Positions of the layers that it covers, from 0."""
        return {position for use, _ in self.parts for position in use.positions}


def schedules_for(
    measured: Sequence[TensorUse], network: Network, tuners: Collection[str] = ()
) -> list[NetworkSchedule]:
    """The best schedule, then every uniform one, of the measured tensors (at least one).

    Uniform schedules come by name; each was measured on at least one tensor of what it names.  Then
    come those with a tuner of `tuners` and the fastest operator, where that is another schedule.
    """
    best = NetworkSchedule(BEST, "", "", tuple((use, use.points[0]) for use in measured))
    uniform = list(_uniform_schedules(measured, network))
    open_operator = [
        fastest_with(measured, tuner)
        for tuner in sorted(tuners)
        if len({schedule.operator for schedule in uniform if schedule.tuner == tuner}) > 1
    ]
    return [best, *uniform, *open_operator]


def fastest_with(measured: Sequence[TensorUse], tuner: str) -> NetworkSchedule:
    """For each tensor the fastest operator with a tuner, else with NONE; by median."""
    parts: list[tuple[TensorUse, MeasuredPoint]] = []
    missing: list[int] = []
    for use in measured:
        found = [point for point in use.points if point.tuner == tuner]
        found = found or [point for point in use.points if point.tuner == UNTUNED]
        if found:
            parts.append((use, found[0]))
        else:
            missing += use.positions
    return NetworkSchedule(f"{FASTEST} {tuner}", "", tuner, tuple(parts), tuple(sorted(missing)))


def _uniform_schedules(
    measured: Sequence[TensorUse], network: Network
) -> Iterator[NetworkSchedule]:
    offered = _named_operators(measured, network)
    tuners = sorted({
        point.tuner for use in measured if use.tensor.species in offered for point in use.points
    })  # fmt: skip
    for operators in product(*(sorted(offered[species]) for species in sorted(offered))):
        named = dict(zip(sorted(offered), operators, strict=True))
        for tuner in tuners:
            schedule = _uniform_schedule(measured, named, tuner)
            if any(use.tensor.species in named for use, _ in schedule.parts):
                yield schedule


def _named_operators(measured: Sequence[TensorUse], network: Network) -> dict[str, set[str]]:
    """Operators by species that a uniform schedule has to name."""
    operators: dict[str, set[str]] = {}
    for use in measured:
        found = operators.setdefault(use.tensor.species, set())
        found |= {point.operator for point in use.points}
    contested = {species: found for species, found in operators.items() if len(found) > 1}
    if contested:
        return contested
    macs = dict.fromkeys(operators, 0)
    for layer in network.layers:
        if layer.species in macs:
            macs[layer.species] += layer.macs
    heaviest = max(macs, key=lambda species: macs[species])
    return {heaviest: operators[heaviest]}


def _uniform_schedule(
    measured: Sequence[TensorUse], named: Mapping[str, str], tuner: str
) -> NetworkSchedule:
    parts: list[tuple[TensorUse, MeasuredPoint]] = []
    missing: list[int] = []
    others: list[str] = []
    for use in measured:
        operator = named.get(use.tensor.species)
        if operator is not None:
            point = next(
                (p for p in use.points if (p.operator, p.tuner) == (operator, tuner)), None
            )
        else:
            by_tuner = {p.tuner: p for p in reversed(use.points)}  # the fastest comes last
            point = by_tuner.get(tuner) or by_tuner.get(UNTUNED) or use.points[0]
            others.append(point.choice)
        if point is None:
            missing += use.positions
        else:
            parts.append((use, point))
    operators = "+".join(named[species] for species in sorted(named))
    return NetworkSchedule(
        f"{operators} {tuner}", operators, tuner, tuple(parts), tuple(sorted(missing)),
        ", ".join(dict.fromkeys(others)),
    )  # fmt: skip
