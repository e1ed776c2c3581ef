"""What the boards of a pool are, by their probes and by what they measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nntest.config.pool import Pool
from nntest.errors import UserError

Facts = Mapping[str, Any]

_KIND: dict[str, Callable[[Facts], str]] = {
    "model": lambda facts: facts["model"],
    "machine": lambda facts: facts["machine"],
    "CPU": lambda facts: " + ".join(f"{of['cores']} x {of['name']}" for of in facts["cpus"]),
}
"""What makes two boards two kinds."""

_MAY_DIFFER: dict[str, Callable[[Facts], str]] = {
    "kernel": lambda facts: facts["kernel"],
    "distribution": lambda facts: facts["distribution"],
    "OpenCL": lambda facts: ", ".join(of["version"] for of in facts["opencl_platforms"]) or "none",
    "Python": lambda facts: facts["python"]["version"],
    "highest clocks [MHz]": lambda facts: ", ".join(
        str(clock["max_mhz"])
        for kind in ("cpufreq_policies", "devfreq_devices")
        for clock in facts[kind]
    ),
}
"""What boards of one kind may have other than each other, and what may make one faster."""


def refuse_other_kinds(pool: Pool, facts: Sequence[Facts]) -> None:
    """`UserError` if boards of a pool are not of one kind, by their probes."""
    different = _differences(facts, _KIND)
    if different:
        raise UserError(
            f"pool {pool.name}: its boards are not of one kind: {'; '.join(different)}",
            "name each in `boards` of the config, on its own",
        )


def remarks(pool: Pool, facts: Sequence[Facts], states: Sequence[Mapping[str, Any]]) -> list[str]:
    """Which board of a pool measured what, and in what they differ; a sentence each.

    facts: of the boards that were probed; states: of the pool's sweeps (`sweep`, `board`).
    """
    probed = {one["board"] for one in facts}
    found = []
    for board in pool.pool:
        sweeps = sorted(state["sweep"] for state in states if state["board"] == board)
        if sweeps:
            found.append(f"{board} measured {', '.join(sweeps)}")
        elif board not in probed:
            found.append(f"{board} could not be probed, and measured nothing")
    found += [f"its boards differ: {different}" for different in _differences(facts, _MAY_DIFFER)]
    return [f"Pool {pool.name}: {sentence}." for sentence in found]


def _differences(facts: Sequence[Facts], asked: Mapping[str, Callable[[Facts], str]]) -> list[str]:
    """For each that is not the same on all: what it is on which board."""
    found = []
    for name, of in asked.items():
        boards: dict[str, list[str]] = {}
        for one in facts:
            boards.setdefault(of(one) or "unknown", []).append(one["board"])
        if len(boards) > 1:
            said = [f"{value} on {', '.join(names)}" for value, names in boards.items()]
            found.append(f"{name} {', '.join(said)}")
    return found
