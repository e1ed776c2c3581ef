"""What gave no results in a run that goes on without it (`on_missing_board: leave-out`).

A job on a board that fails then writes outputs that hold no results but say why; Snakemake would
make nothing of what other boards measured if the job failed.  Such files are JSON objects with the
key `MISSING`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nntest.archives.ck.zipwriter import new_ck_zip
from nntest.config.study import Study, Sweep
from nntest.errors import UserError

MISSING = "missing"
"""The key of the reason, in a file without results."""


class Missing(UserError):
    """What a job is to work with has no results; the message is the reason."""


def read_results(path: Path) -> dict[str, Any]:
    """The JSON object that an earlier job on a board wrote; `Missing` if it has no results."""
    content = dict(json.loads(path.read_text(encoding="utf-8")))
    if MISSING in content:
        raise Missing(content[MISSING])
    return content


def write_missing(path: Path, reason: str) -> None:
    """Write an output without results: an archive without an entry, a journal without a line."""
    if path.suffix == ".zip":
        with new_ck_zip(path):
            pass
    else:
        text = "" if path.suffix == ".jsonl" else f"{json.dumps({MISSING: reason})}\n"
        path.write_text(text, encoding="utf-8")


def missing_sweeps(study: Study, results: Path) -> dict[str, str]:
    """Why a sweep has no results, for each of the study's that has none, by its name.

    results: the study's folder.  What probes and installs wrote counts as well: a run may not have
    come to its sweeps, of which there may be results of an earlier one.
    """
    found: dict[str, str] = {}
    for sweep in (*study.sweeps(), *study.network_sweeps()):
        paths = [results / "sweeps" / f"{sweep.name}.state.json"]
        if sweep.pool is None:  # one board of a pool stands in for the other
            board = results / "boards" / sweep.board.name
            paths += [board / f"{sweep.library.name}.json", board / "facts.json"]
        for path in paths:
            try:
                read_results(path)
            except Missing as missing:
                found.setdefault(sweep.name, missing.message)
            except FileNotFoundError:
                pass  # the run did not come so far
    return found


def missing_lines(study: Study, missing: Mapping[str, str]) -> list[str]:
    """A line for each board that gave nothing, for one reason, and for each other sweep."""
    sweeps = (*study.sweeps(), *study.network_sweeps())
    lines: dict[str, None] = {}
    for sweep in sweeps:
        if sweep.name in missing:
            lines[_line(sweep, sweeps, missing)] = None
    return list(lines)


def refuse_missing(study: Study, missing: Mapping[str, str]) -> None:
    """Raise `UserError` that names what is missing, if anything is."""
    if missing:
        raise UserError(
            "\n  ".join(["the study is not complete", *missing_lines(study, missing)]),
            "the same command tries again what is missing, and measures nothing else",
        )


def _line(sweep: Sweep, sweeps: tuple[Sweep, ...], missing: Mapping[str, str]) -> str:
    place = f"{'board' if sweep.pool is None else 'pool'} {sweep.place}"
    reason = missing[sweep.name]
    named = "" if reason.startswith(place) else f"{place}: "
    if {missing.get(other.name) for other in sweeps if other.place == sweep.place} == {reason}:
        return f"missing: {named}{reason}"
    return f"missing: {sweep.name}: {reason}"
