"""Libraries against each other: which runs a whole network fastest, which each layer.

What can be deployed is one library with one schedule; the fastest library for each layer is a
bound, since no program runs a network across libraries at no cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pandas as pd

from nntest.analysis.estimate import Estimate, estimates
from nntest.analysis.points import (
    KEY_COLUMNS,
    MeasuredPoint,
    Runs,
    grouped,
    key_of,
    operator_points,
    points,
)
from nntest.analysis.schedule import tensor_uses
from nntest.analysis.stats import (
    UNKNOWN,
    Figure,
    Interval,
    fastest_of,
    ratio,
    ratio_of_medians,
    weighted_sum,
)
from nntest.domain.networks import Network
from nntest.domain.tables.column import names
from nntest.domain.tables.frames import frame_of
from nntest.domain.tables.libraries import LAYER_RANKING, NETWORK_RANKING, RANKED_WITHIN
from nntest.domain.tensors import NETWORK

BOUND = "fastest library for each layer"
"""In the place of a library: a bound that nobody can deploy."""
MEASURED, ESTIMATED, LOWER_BOUND = "measured", "estimated", "bound"

Where = tuple[str, int, str, int | None, str | None]
"""Platform, batch size, data type, threads and cores: what libraries are compared within."""
_WHERE_COLUMNS = names(RANKED_WITHIN[1:])  # the network apart

FASTEST, SLOWER, ALIKE, UNSURE = "fastest", "slower", "no difference", "too few repetitions"
OTHER_LAYERS = "covers other layers"
"""Of a sum over other layers than the fastest library's: the two do not compare."""


@dataclass(frozen=True)
class _Contender:
    """A library with a network, by what stands for its time."""

    library: str
    choice: str
    basis: str
    figure: Figure
    runs: Runs
    covered: frozenset[int]
    """Positions of the layers that the time covers, from 0."""
    estimate: Estimate | None

    @property
    def order(self) -> tuple[int, float, str]:
        """Those that ran all layers come before sums that lack some."""
        return -len(self.covered), self.figure.value, self.library


def network_ranking(
    frame: pd.DataFrame, networks: Sequence[Network], padding: str, seed: int
) -> pd.DataFrame:
    """Every library's time for every network, the fastest first; times in µs for one batch.

    One row for each network, platform, batch size, data type and library: the fastest run of the
    whole network (`basis` measured, at the settings in `choice`), else its sum over layers
    (estimated).  `over_fastest` is the time over the fastest library's, with its 95 %
    interval; `verdict` is slower where that interval is above 1.  A sum over other layers than the
    fastest library's has no ratio.  `estimate_us` is the sum over layers beside a measured time,
    `error` how far it is off.  The last row of a group is a lower bound, the fastest library for
    each layer, and not deployable.  A single library has no rank, and no row.
    """
    found: dict[tuple[str, Where], dict[str, _Contender]] = {}
    by_name = {network.name: network for network in networks}
    for name, where, contender in chain(
        _estimated(frame, networks, padding, seed), _whole(frame, by_name, seed)
    ):
        group = found.setdefault((name, where), {})
        other = group.get(contender.library)
        if other is None or _better(contender, other):
            group[contender.library] = contender
    across = _across_libraries(frame, seed)
    bounds = {
        (network.name, where): bound
        for network in networks
        for where, bound in _bounds(across, network, padding).items()
    }
    rows: list[dict[str, Any]] = []
    for (name, where), group in found.items():
        if len(group) < 2:
            continue
        ranked = sorted(group.values(), key=lambda one: one.order)
        rows += [
            _network_row(by_name[name], where, rank, contender, ranked[0])
            for rank, contender in enumerate(ranked, 1)
        ]
        bound = bounds.get((name, where))
        if bound is not None:
            rows.append(_network_row(by_name[name], where, None, bound, ranked[0]))
    return frame_of(rows, NETWORK_RANKING)


def _estimated(
    frame: pd.DataFrame, networks: Sequence[Network], padding: str, seed: int
) -> Iterator[tuple[str, Where, _Contender]]:
    """Every library's sums over layers, each with the whole network's run where there is one."""
    for one in estimates(frame, networks, padding, seed):
        platform, library, batch_size, data_type, threads, cores = one.group
        where = (platform, batch_size, data_type, threads, cores)
        yield one.network.name, where, _contender(one, library)


def _whole(
    frame: pd.DataFrame, by_name: Mapping[str, Network], seed: int
) -> Iterator[tuple[str, Where, _Contender]]:
    """Every run of a whole network, also of libraries that measured none of its layers."""
    found = [point for point in points(frame, seed) if point.species == NETWORK]
    for where, measured in _of_where(found).items():
        for point in measured:
            if point.tensor in by_name:
                layers = frozenset(range(len(by_name[point.tensor].layers)))
                yield point.tensor, where, _Contender(
                    point.library, point.tuner, MEASURED, point.sample.figure, point.runs,
                    layers, None,
                )  # fmt: skip


def _contender(one: Estimate, library: str) -> _Contender:
    if one.measured is not None:
        return _Contender(
            library, one.measured.tuner, MEASURED, one.measured.sample.figure, one.measured.runs,
            frozenset(range(len(one.network.layers))), one,
        )  # fmt: skip
    return _Contender(
        library, one.schedule.name, ESTIMATED, one.figure, one.runs,
        frozenset(one.schedule.covered), one,
    )  # fmt: skip


def _better(one: _Contender, other: _Contender) -> bool:
    """A measured time stands before any sum; of two of a kind the shorter."""
    return (one.basis != MEASURED, *one.order) < (other.basis != MEASURED, *other.order)


def _network_row(
    network: Network, where: Where, rank: int | None, one: _Contender, fastest: _Contender
) -> dict[str, Any]:
    comparable = one.covered == fastest.covered
    over, interval = UNKNOWN, one.figure.interval
    # A sum of layers bounds other sums; a whole network may take less than its layers alone.
    if comparable and (rank or fastest.basis != MEASURED):
        over = ratio(one.figure, fastest.figure)
    estimate = one.estimate if one.basis == MEASURED else None
    if estimate is not None and not estimate.whole:
        estimate = None
    verdict = _verdict(one is fastest, over) if comparable else OTHER_LAYERS
    return {
        "network": network.name,
        **dict(zip(_WHERE_COLUMNS, where, strict=True)),
        "rank": rank,
        "library": one.library,
        "choice": one.choice,
        "basis": one.basis,
        "time_us": interval.value,
        "ci_low_us": interval.low,
        "ci_high_us": interval.high,
        **one.runs.columns(),
        "over_fastest": over.value,
        "over_fastest_ci_low": None if one is fastest else over.low,
        "over_fastest_ci_high": None if one is fastest else over.high,
        "verdict": verdict if rank else "",
        "estimate_us": estimate.total if estimate else None,
        "error": estimate.ratio.value - 1 if estimate else None,
        "covered_layers": len(one.covered),
        "layers": len(network.layers),
        "deployable": rank is not None,
    }


def _verdict(is_fastest: bool, over: Interval) -> str:
    if is_fastest:
        return FASTEST
    if not over.known:
        return UNSURE
    return SLOWER if over.low > 1 else ALIKE


def _bounds(
    across: Mapping[Where, Sequence[MeasuredPoint]], network: Network, padding: str
) -> dict[Where, _Contender]:
    """The sum over a network's layers, each with its fastest library."""
    found = {}
    for where, measured in across.items():
        parts = [use for use in tensor_uses(measured, network, padding) if use.points]
        if sum(use.repeats for use in parts) < len(network.layers) or network.uncovered:
            continue  # a sum that lacks layers bounds nothing
        figure = weighted_sum(
            [(use.repeats, fastest_of([point.sample for point in use.points])) for use in parts]
        )
        found[where] = _Contender(
            BOUND, "", LOWER_BOUND, figure,
            Runs.summed([(use.repeats, use.points[0].runs) for use in parts]),
            frozenset(range(len(network.layers))), None,
        )  # fmt: skip
    return found


def _across_libraries(frame: pd.DataFrame, seed: int) -> dict[Where, list[MeasuredPoint]]:
    return _of_where(operator_points(frame, seed))


def _of_where(found: Sequence[MeasuredPoint]) -> dict[Where, list[MeasuredPoint]]:
    return grouped(found, _WHERE_COLUMNS)


def layer_ranking(
    frame: pd.DataFrame,
    roofline: pd.DataFrame,
    networks: Sequence[Network],
    padding: str,
    seed: int,
) -> pd.DataFrame:
    """The fastest library, operator and settings for each tensor of each network, in layer order.

    `second_library` is the fastest other library, `over_fastest` its median over the fastest one's
    with its 95 % interval; `verdict` says whether they differ.  `share_of_roof` is what
    the fastest reached of what the first roof of its board allows (table `roofline`), `bound` what
    bounds it there.  Times in µs for one run of the tensor.  A single library has no row.
    """
    shares, across = _shares_of_roof(roofline), _across_libraries(frame, seed)
    rows: list[dict[str, Any]] = []
    for network in networks:
        for where, measured in across.items():
            if len({point.library for point in measured}) < 2:
                continue
            for use in tensor_uses(measured, network, padding):
                if not use.points:
                    continue
                best = use.points[0]
                others = (point for point in use.points if point.library != best.library)
                second = next(others, None)
                over = UNKNOWN
                if second is not None:
                    over = ratio_of_medians(second.sample, best.sample)
                interval = best.sample.median_interval
                share, bound = shares.get(best.key, (None, ""))
                rows.append({
                    "network": network.name,
                    **dict(zip(_WHERE_COLUMNS, where, strict=True)),
                    **use.where(),
                    "library": best.library,
                    "operator": best.operator,
                    "tuner": best.tuner,
                    "time_us": interval.value,
                    "ci_low_us": interval.low,
                    "ci_high_us": interval.high,
                    **best.runs.columns(),
                    "second_library": second.library if second else None,
                    "second_choice": second.choice if second else None,
                    "second_us": second.sample.median if second else None,
                    "over_fastest": over.value,
                    "over_fastest_ci_low": over.low,
                    "over_fastest_ci_high": over.high,
                    "verdict": _verdict(False, over) if second else "",
                    "libraries": len({point.library for point in use.points}),
                    "share_of_roof": share,
                    "bound": bound,
                    "kernel_ran": best.kernel_ran,
                    "kernel_evidence": best.kernel_evidence,
                })  # fmt: skip
    return frame_of(rows, LAYER_RANKING)


def _shares_of_roof(roofline: pd.DataFrame) -> Mapping[tuple[Any, ...], tuple[float, str]]:
    """(share, bound) under each point's first roof, by the point's key."""
    found: dict[tuple[Any, ...], tuple[float, str]] = {}
    for row in roofline.to_dict("records"):
        key = tuple(key_of(row[name] for name in KEY_COLUMNS).values())
        if not pd.isna(row["share_of_roof"]):
            found.setdefault(key, (float(row["share_of_roof"]), str(row["bound"])))
    return found
