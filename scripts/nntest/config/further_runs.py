"""What else is measured of whole networks: energy, accuracy, parallel streams, sustained runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from nntest.config.instruments import instruments_of
from nntest.config.library import Library
from nntest.config.long_runs import STREAMING_KINDS, SUSTAINED_KINDS
from nntest.config.study import Study
from nntest.domain.network_points import NetworkPoint


def with_further_runs(
    study: Study, library: Library, points: tuple[NetworkPoint, ...]
) -> tuple[NetworkPoint, ...]:
    """Whole networks with what else is measured of them, which comes last."""
    found: list[NetworkPoint] = []
    for further in _further_runs(study, library):
        for point in points:
            one = further(point)
            if one is not None and one not in found:  # of several warm-up policies
                found.append(one)
    return (*points, *found)


def _further_runs(
    study: Study, library: Library
) -> Iterator[Callable[[NetworkPoint], NetworkPoint | None]]:
    """What makes of a whole network's point a further one, each kind in its turn."""

    def classifying(one: NetworkPoint) -> NetworkPoint | None:
        if not (one.is_model and study.has_images(one.subject)):
            return None
        # Neither batches nor threads nor cores change what a model answers.
        return replace(
            one, warmup="always", profile="accuracy", batch_size=1, threads=None, cores=None
        )

    if "energy" in instruments_of(study.config.profile, library.kind):
        yield partial(replace, warmup="always", profile="energy")
    yield classifying
    if library.kind in STREAMING_KINDS:
        for streams in study.config.streams:
            yield partial(replace, warmup="always", profile="streams", streams=streams)
    if study.config.sustained is not None and library.kind in SUSTAINED_KINDS:
        yield partial(replace, warmup="always", profile="sustained")
