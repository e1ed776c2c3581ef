# What every stage uses: the study, paths of its results, params that say when to run again.

import json
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

HOME = Path(workflow.current_basedir).resolve().parents[1]
SCRIPTS = HOME / "scripts"

from nntest import graph
from nntest.codehash import closure, module_file, source_hash
from nntest.config import LocalConnection, load_study
from nntest.domain.tables.all import ALL
from nntest.errors import UserError
from nntest.measuring.pending import pending_repetitions
from nntest.graph.runs import RunLock, headline_text

try:
    STUDY = load_study(config, HOME)
    IMPORTED = graph.imported_files(STUDY)
    COMPARED_RUNS = graph.compared_runs(STUDY)
    PREDICTION_FILES = graph.layer_sum_check_files(STUDY)
except UserError as error:
    raise WorkflowError(str(error)) from None

RESULTS = f"results/{STUDY.name}"
LOGS = f"{RESULTS}/logs"
SWEEPS = {sweep.name: sweep for sweep in STUDY.sweeps()}
NETWORK_SWEEPS = {sweep.name: sweep for sweep in STUDY.network_sweeps()}
BOARDS = {board.name: board for board in STUDY.boards}
MERGED = f"{RESULTS}/{STUDY.name}.zip"
MEASUREMENTS = f"{RESULTS}/tables/measurements.parquet"
REPORT = f"{RESULTS}/report.html"

# A board measures one thing at a time: one resource for each, of which there is one.
for board in STUDY.boards:
    if graph.board_resource(board) not in workflow.global_resources:
        workflow.register_resource(graph.board_resource(board), 1)


def code(script, *parts):
    """Param: changes when what a job does may change (not for a comment).

    The script, the modules that do its work (by name, with all that they import), and files.
    """
    files = [SCRIPTS / script]
    for part in parts:
        files += closure(module_file(part)) if isinstance(part, str) else [part]
    return source_hash(files)


def spec(**fields):
    """Param: the part of the config that a job uses, spelled the same whatever its order."""
    return json.dumps(fields, sort_keys=True)


def caption(table):
    """Param: what a table shows, for the report of Snakemake.

    It asks for `output`, which Snakemake leaves out when it looks for params that have changed:
    better words make no table again.
    """

    def words(wildcards, output):
        return ALL[table.format(**wildcards)].caption

    return words


def holds_board(board):
    """Resources of a job on a board: all of that board, none of the others."""

    def resource(wildcards):
        return int(wildcards.board == board.name)

    return {graph.board_resource(board): resource}


def all_boards():
    """The resources of `holds_board`, over every board of the study."""
    resources = {}
    for board in STUDY.boards:
        resources |= holds_board(board)
    return resources


def repetitions_to_measure(wildcards):
    """How many repetitions of a sweep are still to be measured, as far as is known here."""
    sweeps = {**SWEEPS, **NETWORK_SWEEPS}
    return pending_repetitions(STUDY, graph.sweep_of(sweeps, wildcards), Path(RESULTS))


def board_threads(wildcards):
    """This machine alone while it measures itself; none while it waits for a board."""
    board = BOARDS[wildcards.board]
    return workflow.cores if isinstance(board.connect, LocalConnection) else 0


_lock = RunLock(Path("results"), STUDY.name)


def take_results_lock():
    """Refuse a second run in the same folder; the first one's end, however it ends, frees it."""
    try:
        _lock.take()
    except UserError as error:
        raise WorkflowError(str(error)) from None


def print_headline():
    """Say what came out, and where the report is."""
    print(headline_text(Path(RESULTS)), file=sys.stderr)


wildcard_constraints:
    board="|".join(BOARDS) or "none",
    library="|".join(library.name for library in STUDY.libraries) or "none",
    sweep="|".join(SWEEPS) or "none",
