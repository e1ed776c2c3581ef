"""A job on a board that fails is left out, where the study has results without it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from nntest.archives.missing import Missing, write_missing
from nntest.config import Board, Study
from nntest.config.study import Sweep
from nntest.errors import UserError
from nntest.measuring.progress import NotWatched
from nntest.measuring.transport import TransportError


@contextmanager
def leaving_out(snakemake: Any, study: Study, log: TextIO, run: str) -> Iterator[None]:
    """Have a job whose board fails (`UserError`) write outputs that say so, and end well.

    The error is shown, and noted beside the job's log: the rule has the note as a param, so the
    next run of the workflow tries the job again.  The rule `every_board` ends the run with an
    error.  The job's failure stays one where it leaves nothing to report on, where the study says
    `on_missing_board: fail`, and where the job on the board goes on without us (`NotWatched`).

    run: names the run of the workflow.
    """
    try:
        with noting_in_vain(snakemake, snakemake.wildcards.board, run):
            yield
    except NotWatched:
        raise
    except Missing as error:
        # Of a job before this one, which has said so.
        print(f"left out: {error.message}", file=log)
        _write_outputs(snakemake, error.message)
    except UserError as error:
        if study.config.on_missing_board == "fail" or not _has_others(study, snakemake.wildcards):
            raise
        for stream in (log, sys.stderr):
            print(f"error: {error}\nIt is left out; the others go on.", file=stream, flush=True)
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        note = _note_file(Path(snakemake.log[0]))
        note.write_text(f"{now} {error.message}\n", encoding="utf-8")
        _write_outputs(snakemake, error.message)


@contextmanager
def noting_in_vain(snakemake: Any, board: str, run: str) -> Iterator[None]:
    """Note beside a job's log if it waits in vain for a board, by its name."""
    try:
        yield
    except TransportError as error:
        if error.retryable:
            _in_vain_file(snakemake, board).write_text(run, encoding="utf-8")
        raise


def impatient(board: Board, snakemake: Any, run: str) -> Board:
    """The board to connect to; tried once if a job of this run has waited for it in vain.

    Its other libraries would each wait as long, one after the other.
    """
    try:
        in_vain = _in_vain_file(snakemake, board.name).read_text(encoding="utf-8") == run
    except FileNotFoundError:
        return board
    return board.model_copy(update={"patience_s": 0.0}) if in_vain else board


def last_left_out(log: Path) -> str:
    """When and why a job was last left out, by its log; empty if it never was.

    It stays so when the job succeeds later: it is what the job was last tried after.
    """
    try:
        return _note_file(log).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _in_vain_file(snakemake: Any, board: str) -> Path:
    return Path(snakemake.log[0]).with_name(f"{board}.in-vain")


def _note_file(log: Path) -> Path:
    return log.with_suffix(".missing")


def _write_outputs(snakemake: Any, reason: str) -> None:
    for path in snakemake.output:
        write_missing(Path(path), reason)


def _has_others(study: Study, wildcards: Any) -> bool:
    """Whether a study has results without those that a job on a board is for."""
    library, cut = wildcards.get("library"), wildcards.get("cut")

    def needs_it(sweep: Sweep) -> bool:
        return (
            sweep.place == wildcards.board
            and library in (None, sweep.library.name)
            and (cut is None or sweep.name == f"{wildcards.board}.{library}{cut}")
        )

    return bool(study.config.imports) or not all(map(needs_it, study.sweeps()))
