"""How much of a sweep is still to be measured, as far as is known without the board."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from onboard import outcomes

from nntest.archives.missing import Missing, read_results
from nntest.config import LocalConnection, Study
from nntest.config.further_runs import with_further_runs
from nntest.config.study import Sweep
from nntest.domain.network_points import load_chosen
from nntest.errors import UserError
from nntest.measuring.beside import load_installed
from nntest.measuring.libraries import KINDS
from nntest.measuring.plan import build_plan, sweep_folder
from nntest.measuring.pools import board_of


def pending_repetitions(study: Study, sweep: Sweep, results: Path) -> int:
    """Repetitions that a sweep has still to measure; with `precision` the fewest.

    From the journal that was last pulled, and from the board's own where the board is this
    machine.  Over SSH the board may have more by now: it is asked when the sweep runs.
    """
    if any(sweep.name == network.name for network in study.network_sweeps()):
        try:
            chosen = load_chosen(results / "sweeps" / f"{sweep.name}.json")
        except (UserError, OSError, ValueError, KeyError):
            # Not chosen yet: as many as there may be, without further runs of them.
            return study.network_point_count(sweep.library) * study.config.repetitions
        sweep = replace(sweep, points=with_further_runs(study, sweep.library, chosen))
    total = sum(study.repetitions(point) for point in sweep.points)
    taken_by = board_of(sweep, results)
    if taken_by not in sweep.board_names:
        return total
    sweep = replace(sweep, board=study.board(taken_by))
    folder = results / "boards" / taken_by
    try:
        facts = read_results(folder / "facts.json")
        installed = load_installed(folder / f"{sweep.library.name}.json")
    except (Missing, OSError, ValueError, TypeError):
        return total
    if not KINDS[sweep.library.kind](sweep.library).is_current(installed):
        return total
    plan = build_plan(study, sweep, installed, facts, programs="", folder="", planned_at="")
    journals = [results / "sweeps" / f"{sweep.name}.journal.jsonl"]
    if isinstance(sweep.board.connect, LocalConnection):
        here = sweep_folder(study, sweep, sweep.board.work_dir)
        journals.append(Path(here) / "journal.jsonl")
    lines = [line for journal in journals for line in outcomes.read_lines(str(journal))]
    # As the runner will see it: a failure that would only come again is not tried again.
    progress = outcomes.Progress(lines)
    return sum(len(progress.missing(point)) for point in plan["points"])
