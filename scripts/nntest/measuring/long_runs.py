"""Runs that go on for a while, as a plan has them: energy, parallel streams, sustained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nntest.codehash import ONBOARD, source_hash
from nntest.config.board import Board
from nntest.config.meters import request
from nntest.config.study import Study

_METERS_PART = ("energy.py", "power_sampler.py", "counters.py")
_LONGEST_WINDOW_S, _SHORTEST_WINDOW_S = 10.0, 1.0
_WINDOWS = 180
"""Of a sustained run, as far as their length allows."""


@dataclass(frozen=True)
class LongRun:
    """What is particular to such a point."""

    seconds: float
    """How long it goes on, beyond what any point may take."""
    environment: dict[str, str]
    """Variables of its program."""
    identity: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    """Further keys of the plan's point."""


def long_run(study: Study, board: Board, profile: str | None) -> LongRun | None:
    """How a point with a profile runs; None where it is no long run."""
    config = study.config
    meters = [request(meter) for meter in board.meters]
    if profile == "energy":
        runs = config.energy
        return LongRun(
            seconds=runs.idle_s + runs.rest_s + runs.loop_s,
            environment={
                "NNTEST_LOOP_S": f"{runs.loop_s:g}",
                "NNTEST_REST_S": f"{runs.rest_s:g}",
            },
            identity={"energy": [runs.model_dump(), meters, _hash(*_METERS_PART)]},
            extra={"meters": meters, "idle_s": runs.idle_s},
        )
    if profile == "streams":
        return LongRun(
            seconds=config.stream_runs.seconds,
            environment={
                "NNTEST_REQUESTS_S": f"{config.stream_runs.seconds:g}",
                "NNTEST_REQUESTS": f"{config.stream_runs.requests}",
            },
            identity={"stream_runs": config.stream_runs.model_dump()},
        )
    if profile == "sustained":
        assert config.sustained is not None  # else there is no such point
        window_s = min(_LONGEST_WINDOW_S, max(_SHORTEST_WINDOW_S, config.sustained / _WINDOWS))
        return LongRun(
            seconds=config.sustained,
            environment={
                "NNTEST_LOOP_S": f"{config.sustained:g}",
                "NNTEST_WINDOW_S": f"{window_s:g}",
            },
            identity={
                "sustained": [config.sustained, meters, _hash("sustained.py", *_METERS_PART)]
            },
            extra={"meters": meters, "sustained": True},
        )
    return None


def _hash(*names: str) -> str:
    return source_hash([ONBOARD / name for name in names])
