"""Sweeps of a board that are measured in one mixed order, as far as they can be by now.

What a sweep needs of the others are files that other jobs have made.  It does not wait for them:
a library that cannot be installed would keep all others from being measured.  One that is not
there yet is measured when its own turn comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from nntest.archives.missing import read_results
from nntest.config.further_runs import with_further_runs
from nntest.config.study import Study, Sweep
from nntest.domain.network_points import load_chosen
from nntest.errors import UserError
from nntest.measuring.installed import Installed
from nntest.measuring.libraries import KINDS


@dataclass(frozen=True)
class Planned:
    """What a plan is made of."""

    sweep: Sweep
    installed: Installed


def load_installed(path: Path) -> Installed:
    """What an install has left; `Missing` if it was left out."""
    return Installed.from_json(read_results(path))


def with_points(study: Study, sweep: Sweep, chosen: Path | None) -> Sweep:
    """The sweep; one of whole networks has its points in the file `chosen`.

    Raises `Missing` where they were left out.
    """
    if chosen is None:
        return sweep
    read_results(chosen)
    return replace(sweep, points=with_further_runs(study, sweep.library, load_chosen(chosen)))


def found_beside(study: Study, sweep: Sweep, results: Path) -> Iterator[Planned]:
    """The sweeps that can be measured with one; `results` is the study's folder."""
    networks = {one.name for one in study.network_sweeps()}
    for other in study.beside(sweep):
        folder = results / "boards" / other.board.name
        chosen = results / "sweeps" / f"{other.name}.json" if other.name in networks else None
        try:
            installed = load_installed(folder / f"{other.library.name}.json")
            planned = with_points(study, other, chosen)
        except (OSError, ValueError, TypeError, KeyError, UserError):
            continue
        if KINDS[other.library.kind](other.library).is_current(installed):
            yield Planned(planned, installed)
