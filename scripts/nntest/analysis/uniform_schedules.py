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
from nntest.analysis.schedule import Slot
from nntest.domain.networks import Network

BEST = "best"
FASTEST = "fastest"
UNTUNED = "NONE"


@dataclass(frozen=True)
class Choice:
    """For each measured tensor of a network the point that stands for it, under a name."""

    name: str
    operator: str
    """Operators that a fixed choice names, joined by '+'; empty for the best choice."""
    tuner: str
    parts: tuple[tuple[Slot, MeasuredPoint], ...]
    missing: tuple[int, ...] = ()
    """Positions of layers that were measured, but not as this choice wants them."""
    others: str = ""
    """What runs the species that a fixed choice does not name, e.g. 'softmax NONE'."""

    @property
    def complete(self) -> bool:
        """Whether it covers every layer that was measured in any way."""
        return not self.missing

    @property
    def covered(self) -> set[int]:
        """Positions of the layers that it covers, from 0."""
        return {position for slot, _ in self.parts for position in slot.positions}


def choices_for(
    measured: Sequence[Slot], network: Network, tuners: Collection[str] = ()
) -> list[Choice]:
    """The best choice, then every fixed one, of the slots that were measured (at least one).

    Fixed choices come by name; each was measured on at least one tensor of what it names.  Then
    come those with a tuner of `tuners` and the fastest operator, where that is another choice.
    """
    best = Choice(BEST, "", "", tuple((slot, slot.choices[0]) for slot in measured))
    fixed = list(_fixed_choices(measured, network))
    open_choices = [
        _fastest_with(measured, tuner)
        for tuner in sorted(tuners)
        if len({choice.operator for choice in fixed if choice.tuner == tuner}) > 1
    ]
    return [best, *fixed, *open_choices]


def _fastest_with(measured: Sequence[Slot], tuner: str) -> Choice:
    """For each tensor the fastest operator with a tuner, else with NONE; by median."""
    parts: list[tuple[Slot, MeasuredPoint]] = []
    missing: list[int] = []
    for slot in measured:
        found = [point for point in slot.choices if point.tuner == tuner]
        found = found or [point for point in slot.choices if point.tuner == UNTUNED]
        if found:
            parts.append((slot, found[0]))
        else:
            missing += slot.positions
    return Choice(f"{FASTEST} {tuner}", "", tuner, tuple(parts), tuple(sorted(missing)))


def _fixed_choices(measured: Sequence[Slot], network: Network) -> Iterator[Choice]:
    offered = _named_operators(measured, network)
    tuners = sorted({
        point.tuner for slot in measured if slot.tensor.species in offered for point in slot.choices
    })  # fmt: skip
    for operators in product(*(sorted(offered[species]) for species in sorted(offered))):
        named = dict(zip(sorted(offered), operators, strict=True))
        for tuner in tuners:
            choice = _fixed(measured, named, tuner)
            if any(slot.tensor.species in named for slot, _ in choice.parts):
                yield choice


def _named_operators(measured: Sequence[Slot], network: Network) -> dict[str, set[str]]:
    """Operators by species that a fixed choice has to name."""
    operators: dict[str, set[str]] = {}
    for slot in measured:
        found = operators.setdefault(slot.tensor.species, set())
        found |= {point.operator for point in slot.choices}
    contested = {species: found for species, found in operators.items() if len(found) > 1}
    if contested:
        return contested
    macs = dict.fromkeys(operators, 0)
    for layer in network.layers:
        if layer.species in macs:
            macs[layer.species] += layer.macs
    heaviest = max(macs, key=lambda species: macs[species])
    return {heaviest: operators[heaviest]}


def _fixed(measured: Sequence[Slot], named: Mapping[str, str], tuner: str) -> Choice:
    parts: list[tuple[Slot, MeasuredPoint]] = []
    missing: list[int] = []
    others: list[str] = []
    for slot in measured:
        operator = named.get(slot.tensor.species)
        if operator is not None:
            point = next(
                (p for p in slot.choices if (p.operator, p.tuner) == (operator, tuner)), None
            )
        else:
            by_tuner = {p.tuner: p for p in reversed(slot.choices)}  # the fastest comes last
            point = by_tuner.get(tuner) or by_tuner.get(UNTUNED) or slot.choices[0]
            others.append(point.choice)
        if point is None:
            missing += slot.positions
        else:
            parts.append((slot, point))
    operators = "+".join(named[species] for species in sorted(named))
    return Choice(
        f"{operators} {tuner}", operators, tuner, tuple(parts), tuple(sorted(missing)),
        ", ".join(dict.fromkeys(others)),
    )  # fmt: skip
