"""A network's time over runs: what a run adds to the history, and where a time changed.

A run is the unit: within a run everything shares its machine's mood, so its own interval says
nothing about the next run.  Whether a series of runs changed is tested by ranks, at every place
between two runs (Pettitt, Applied Statistics 28, 1979, with each place's rank sum over its standard
deviation), and the largest is judged by permutation: if nothing changed, any order of the runs was
as likely.  A series that changed is split there and its parts are tested again.  What goes back to
where it was, a slow-down that was mended, is found while it lasts and may be missed later.

Over all series p-values are adjusted by Benjamini and Hochberg's procedure, and the parts of a
series share `ALPHA` between them.  So if nothing changed, the chance of any change being called is
at most `ALPHA`.  A machine that drifts for days is no such case: that is a change, of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from nntest.analysis.points import cores_of, threads_of, threads_text
from nntest.analysis.stats import FloatArray, Interval, Sample, generator, ratio_of_medians
from nntest.analysis.uniform_schedules import BEST
from nntest.archives.history import NetworkTime, Run, Time

ALPHA = 0.05
"""Chance of any false change, over all series."""
FEWEST_RUNS = 8
"""Runs from which on a change can be found: of fewer even the clearest order is too likely."""
_SIDE = 2
"""Fewest runs on either side of a change: one odd run is none."""
_PERMUTATIONS = 9999


def run_of(
    study: str,
    comparable: Mapping[str, str],
    estimate: pd.DataFrame,
    device_state: pd.DataFrame,
) -> Run:
    """What a study's tables add to the history: each network's best estimate and measured time.

    `comparable`: for each network what identifies how it was measured.  A library of which no
    start of a measurement is recorded has no place in time, and is left out.
    """
    devices = {(row["platform"], row["library"]): row for row in device_state.to_dict("records")}
    found = []
    for row in estimate[estimate["choice"] == BEST].to_dict("records"):
        device = devices.get((row["platform"], row["library"]))
        if device is None or pd.isna(device["first_started_at"]):
            continue
        library, version = library_and_version(row["library"])
        found.append(
            NetworkTime(
                network=row["network"],
                platform=row["platform"],
                device="" if pd.isna(device["device"]) else device["device"],
                library=library,
                version=version,
                batch_size=row["batch_size"],
                data_type=row["data_type"],
                threads=threads_of(row),
                cores=cores_of(row),
                comparable=comparable[row["network"]],
                first_started_at=_time(device["first_started_at"]),
                last_started_at=_time(device["last_started_at"]),
                runs=row["n"],
                clean=row["clean"],
                estimated=_with_ends(row, "total_us", "ci_low_us", "ci_high_us"),
                measured=None
                if pd.isna(row["measured_us"])
                else _with_ends(row, "measured_us", "measured_ci_low_us", "measured_ci_high_us"),
            )
        )
    return Run(study=study, networks=tuple(found))


def library_and_version(tag: str) -> tuple[str, str]:
    """A library's name and its version: ("onnxruntime", "1.32.0") for onnxruntime-1.32.0."""
    parts = re.fullmatch(r"(.+?)-(\d.*)", tag)
    return (parts[1], parts[2]) if parts else (tag, "")


def _time(text: str) -> datetime:
    """A time of an archive; one without a zone is of UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _with_ends(row: Mapping[Any, Any], *names: str) -> Time:
    us, low, high = (None if pd.isna(row[name]) else row[name] for name in names)
    return Time(us=us, low_us=low, high_us=high)


@dataclass(frozen=True)
class Change:
    """Where the times of a series changed."""

    first: NetworkTime
    """The first run after it."""
    ratio: Interval
    """Median time after it over the one before, each up to the next change."""


@dataclass(frozen=True)
class Series:
    """The times of one network on one machine with one library, the oldest first."""

    times: tuple[NetworkTime, ...]
    changes: tuple[Change, ...] = ()

    @property
    def name(self) -> str:
        """What they are of, in words."""
        one = self.times[0]
        how = threads_text({"threads": one.threads, "cores": one.cores})
        kind = "measured" if one.measured else "estimated"
        return (
            f"{one.network} on {one.platform} with {one.library}, batch {one.batch_size}, "
            f"{one.data_type}{how}, {kind}"
        )


def series_of(times: Sequence[NetworkTime]) -> list[Series]:
    """Times by what makes them comparable, with the changes of each series."""
    grouped: dict[tuple[object, ...], list[NetworkTime]] = {}
    for one in times:
        grouped.setdefault(one.series, []).append(one)
    found = [tuple(grouped[key]) for key in sorted(grouped, key=repr)]
    tested = [own for own in found if len(own) >= FEWEST_RUNS]
    p_values = [_most_likely_change(_logarithms(own))[1] for own in tested]
    # Here and below, since every run is recorded, without a test, and it takes a second.
    from scipy.stats import false_discovery_control

    adjusted = false_discovery_control(p_values) if tested else []
    changed = {own for own, p in zip(tested, adjusted, strict=True) if p < ALPHA}
    return [Series(own, _changes(own) if own in changed else ()) for own in found]


def _logarithms(times: Sequence[NetworkTime]) -> FloatArray:
    return np.log([one.time.us for one in times])


def _changes(times: Sequence[NetworkTime]) -> tuple[Change, ...]:
    """The changes of a series that has one."""
    logarithms = _logarithms(times)
    first = _most_likely_change(logarithms)[0]
    places = sorted([first, *_places(logarithms[:first], 0), *_places(logarithms[first:], first)])
    bounds = [0, *places, len(times)]
    return tuple(
        Change(
            times[place],
            ratio_of_medians(_sample(times[place:after]), _sample(times[before:place])),
        )
        for before, place, after in zip(bounds, bounds[1:-1], bounds[2:], strict=False)
    )


def _places(values: FloatArray, offset: int, level: float = ALPHA / 2) -> Iterator[int]:
    """Where a part of a series, which begins at `offset`, changed; halves share the level."""
    if len(values) < 2 * _SIDE:
        return
    place, p = _most_likely_change(values)
    if p < level:
        yield offset + place
        yield from _places(values[:place], offset, level / 2)
        yield from _places(values[place:], offset + place, level / 2)


def _sample(times: Sequence[NetworkTime]) -> Sample:
    """Runs as a sample, of which each is independent of the others."""
    return Sample.of([one.time.us for one in times], None, 0, ())


def _most_likely_change(values: FloatArray) -> tuple[int, float]:
    """(index of the first value after it, p-value of "nothing changed") of four values or more.

    It is where the values lie nearest to the medians of the two parts: the largest rank sum alone
    would rather lie in the middle.
    """
    places = range(_SIDE, len(values) - _SIDE + 1)
    place = min(places, key=lambda at: _distance(values[:at]) + _distance(values[at:]))
    from scipy.stats import rankdata

    ranks = rankdata(values)
    random = generator(0, map(float, ranks))
    orders = random.permuted(np.tile(ranks, (_PERMUTATIONS, 1)), axis=1)
    as_large = _largest_rank_sum(orders) >= _largest_rank_sum(ranks[None]) - 1e-9
    return place, (1 + int(as_large.sum())) / (1 + _PERMUTATIONS)


def _distance(values: FloatArray) -> float:
    return float(np.abs(values - np.median(values)).sum())


def _largest_rank_sum(ranks: FloatArray) -> FloatArray:
    """For each row the largest distance of the ranks before a place from their expected sum.

    In standard deviations, over all places.
    """
    count = ranks.shape[1]
    before = np.arange(_SIDE, count - _SIDE + 1)
    sums = np.cumsum(ranks, axis=1)[:, before - 1]
    deviation = np.sqrt(before * (count - before) * (count + 1) / 12)
    largest: FloatArray = (np.abs(sums - before * (count + 1) / 2) / deviation).max(axis=1)
    return largest
