"""The estimate: a network's time as the sum over its measured layers, with repeats.

It is a plain sum: no cost between layers, every layer at the time that it took alone.  The
uncertainty is that of the repetitions; a drift of the whole machine between points, or the
optimism of picking the best of several noisy medians, is not in the interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from nntest.networks import Network
from nntest.points import GROUP_COLUMNS, Point, choices_of, points, table
from nntest.schedule import Slot, slots
from nntest.stats import weighted_sum

BEST = "best"

Choice = list[tuple[Slot, Point]]
"""For each measured tensor of a network, the point that stands for it."""

_COLUMNS = {
    "network": "str", **GROUP_COLUMNS,
    "choice": "str", "operator": "str", "tuner": "str",
    "total_us": "float64", "ci_low_us": "float64", "ci_high_us": "float64",
    "total_min_us": "float64", "complete": "boolean",
    "covered_layers": "Int64", "layers": "Int64", "covered_macs_share": "float64",
    "extrapolated_total_us": "float64", "missing_layers": "str", "not_covered": "str",
}  # fmt: skip


def estimate(
    frame: pd.DataFrame, networks: Sequence[Network], padding: str, seed: int
) -> pd.DataFrame:
    """Each network's time per platform, library, batch size and data type, best and fixed choices.

    `choice` is 'best' (each tensor at its fastest operator and tuner by median, as in
    `schedule`) or one operator and tuner for all.  `total_us` sums repeats x median over the
    covered layers for one batch, with a bootstrap interval in which each tensor is resampled
    once per draw and the choice stays; `total_min_us` sums the minima of the same choices.

    A sum covers what was measured: `covered_layers` of `layers`, `covered_macs_share` of the
    multiply-accumulates; `not_covered` names the other layers.  `complete` is false where a
    fixed choice lacks layers that others have, which `missing_layers` names: such a sum is too
    small to be compared.  `extrapolated_total_us` is no measurement: the whole network if the
    layers not covered ran at the covered layers' operations per second (executed operations),
    which flatters layers that are bound by memory, such as depthwise ones.

    A network of which a platform and library measured no layer has no row there.
    """
    rows: list[dict[str, Any]] = []
    grouped = choices_of(points(frame, seed))
    for network in networks:
        for group, found in grouped.items():
            measured = [slot for slot in slots(found, network, padding) if slot.choices]
            if not measured:
                continue
            batch_size = found[0].batch_size
            where = {"network": network.name, **dict(zip(GROUP_COLUMNS, group, strict=True))}
            best = [(slot, slot.choices[0]) for slot in measured]
            rows.append({**where, **_named(BEST, "", ""), **_row(best, best, network, batch_size)})
            fixed = []
            pairs = {(point.operator, point.tuner) for slot in measured for point in slot.choices}
            for operator, tuner in sorted(pairs):
                chosen = _fixed(measured, operator, tuner)
                name = _named(f"{operator} {tuner}", operator, tuner)
                fixed.append({**where, **name, **_row(chosen, best, network, batch_size)})
            rows += sorted(fixed, key=lambda row: (not row["complete"], row["total_us"]))
    return table(rows, _COLUMNS)


def _named(choice: str, operator: str, tuner: str) -> dict[str, str]:
    return {"choice": choice, "operator": operator, "tuner": tuner}


def _fixed(measured: Sequence[Slot], operator: str, tuner: str) -> Choice:
    """The slots that one operator and tuner was measured on."""
    return [
        (slot, point)
        for slot in measured
        for point in slot.choices
        if (point.operator, point.tuner) == (operator, tuner)
    ]


def _row(chosen: Choice, best: Choice, network: Network, batch_size: int) -> dict[str, Any]:
    """The figures of one choice; `best` covers every slot that was measured at all."""
    total = math.fsum(slot.repeats * point.sample.median for slot, point in chosen)
    smallest = math.fsum(slot.repeats * point.sample.minimum for slot, point in chosen)
    interval = weighted_sum(
        [(slot.repeats, point.sample.median_draws) for slot, point in chosen], total
    )
    covered = {position for slot, _ in chosen for position in slot.positions}
    missing = {position for slot, _ in best for position in slot.positions} - covered
    others = [place for place in range(len(network.layers)) if place not in covered]
    flops = sum(slot.repeats * slot.tensor.executed_flops(batch_size) for slot, _ in chosen)
    more = sum(network.layers[place].tensor.executed_flops(batch_size) for place in others)
    macs = sum(network.layers[place].macs for place in covered)
    return {
        "total_us": total,
        "ci_low_us": interval.low,
        "ci_high_us": interval.high,
        "total_min_us": smallest,
        "complete": not missing,
        "covered_layers": len(covered),
        "layers": len(network.layers),
        "covered_macs_share": macs / network.macs if network.macs else None,
        "extrapolated_total_us": total * (flops + more) / flops if flops else None,
        "missing_layers": ", ".join(network.layers[place].name for place in sorted(missing)),
        "not_covered": ", ".join(network.layers[place].name for place in others),
    }
