# What every stage uses: the study, paths of its results, params that say when to run again.

import json
import re
import shlex
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from snakemake.exceptions import WorkflowError

try:
    HOME = Path(workflow.current_basedir).resolve().parents[1]
except TypeError:
    raise WorkflowError(
        "the workflow is read out of a git repository, without the folders beside it that its "
        "scripts and config are in\n  hint: clone it, and name workflow/Snakefile of the clone"
    ) from None
SCRIPTS = HOME / "scripts"

# Snakemake writes the path of its Python into shell commands as it is, blanks and all.
if Path(sys.executable).exists():
    sys.executable = shlex.quote(sys.executable)

# It takes braces in the path of a rule's script for a wildcard of its job.
if set("{}") & set(str(HOME)):
    raise WorkflowError(
        f"the project lies in {HOME}: Snakemake cannot run scripts below a folder with {{ or }} "
        "in its name\n  hint: rename the folder; blanks and other signs do no harm"
    )

# The environment of another check-out would bring that one's modules, whatever is edited here.
_package = find_spec("nntest")
_file = Path(_package.origin).resolve() if _package and _package.origin else None
if _file != SCRIPTS / "nntest" / "__init__.py":
    raise WorkflowError(
        f"this check-out's package, {SCRIPTS / 'nntest'}, is not the one that Python finds: "
        f"{_file.parent if _file else 'it finds none'}\n"
        f"  hint: `make run` uses an environment of this check-out's own (`make env` makes it); "
        f"with another one, set PYTHONPATH={SCRIPTS}"
    )

from nntest import signals

# Ctrl-C while the rest is imported, and before a job begins.
signals.say_stopped_in_one_line()

from nntest.archives.missing import missing_sweeps, refuse_missing
from nntest.codehash import closure, module_file, source_hash
from nntest.config import LocalConnection, load_study
from nntest.domain.tables.all import ALL
from nntest.errors import UserError
from nntest.graph import archives, boards, history, plots, tables
from nntest.measuring import leaving_out
from nntest.measuring.pending import pending_repetitions
from nntest.graph.runs import RunLock, headline_text, make_room, stop_the_jobs

try:
    STUDY = load_study(config, HOME)
    IMPORTED = archives.imported_files(STUDY)
    COMPARED_RUNS = tables.compared_runs(STUDY)
    PREDICTION_FILES = tables.layer_sum_check_files(STUDY)
except UserError as error:
    raise WorkflowError(str(error)) from None

RESULTS = f"results/{STUDY.name}"
LOGS = f"{RESULTS}/logs"
SWEEPS = {sweep.name: sweep for sweep in STUDY.sweeps()}
NETWORK_SWEEPS = {sweep.name: sweep for sweep in STUDY.network_sweeps()}
ANCHORS = {sweep.name: sweep for sweep in STUDY.anchors()}
ALL_SWEEPS = {**SWEEPS, **NETWORK_SWEEPS, **ANCHORS}
BOARDS = {board.name: board for board in STUDY.boards}
POOLS = {pool.name: pool for pool in STUDY.pools}
RANKED_FIRST = [
    place
    for place in [*BOARDS, *POOLS]
    if sum(
        sweep.place == place and not sweep.library.chooses_by_layer
        for sweep in NETWORK_SWEEPS.values()
    )
    > 1
]
SOON = 10  # priority of what leads to a first answer; of what it needs, a little more
MERGED = f"{RESULTS}/{STUDY.name}.zip"
MEASUREMENTS = f"{RESULTS}/tables/measurements.parquet"
REPORT = f"{RESULTS}/report.html"

# A board measures one thing at a time: one resource for each, of which there is one.  A pool has
# as many as boards; which board a sweep measures on is chosen in its job.
BOARD_RESOURCES = {
    place.name: boards.board_resource(place) for place in [*STUDY.boards, *STUDY.pools]
}
for name, resource in BOARD_RESOURCES.items():
    if resource not in workflow.global_resources:
        workflow.register_resource(
            resource, len(POOLS[name].pool) if name in POOLS else 1
        )


def code(script, *modules):
    """Param: changes when what a job does may change (not for a comment).

    The script with all that it imports; `modules`: what it imports by a name that the rule says.
    """
    files = closure(SCRIPTS / script)
    for module in modules:
        files += closure(module_file(module))
    return source_hash(files)


def board_code(script, files):
    """The same for a script that talks to a board: only what may change what is measured."""
    return source_hash([SCRIPTS / script, *files])


@cache
def library_code(script, sources, library):
    """The same for a script of a library; `sources`: function of the study and its name."""
    return board_code(script, sources(STUDY, library))


def spec(**fields):
    """Param: the part of the config that a job uses, spelled the same whatever its order."""
    return json.dumps(fields, sort_keys=True)


def job_size(mem_mb, runtime):
    """The resources of a job on a cluster: megabytes and minutes, that many more at each try."""
    return {
        "mem_mb": lambda w, attempt: mem_mb * attempt,
        "runtime": lambda w, attempt: runtime * attempt,
    }


def holds_board(resource):
    """How much a job takes of a board's resource: one on that board or pool, else nothing."""
    return lambda w: int(BOARD_RESOURCES[w.board] == resource)


def all_boards():
    """The resources of a job on any of the study's boards, or on one of a pool's."""
    return {resource: holds_board(resource) for resource in BOARD_RESOURCES.values()}


def sweep_of(wildcards):
    """The sweep that a job's wildcards name."""
    return ALL_SWEEPS[f"{wildcards.board}.{wildcards.library}{wildcards.cut}"]


def facts_of(wildcards):
    """The probes that a sweep needs: of its board, or of all of its pool's."""
    return [
        f"{RESULTS}/boards/{name}/facts.json"
        for name in sweep_of(wildcards).board_names
    ]


def installed_of(wildcards):
    """What is installed for a sweep; in a pool all that is: no board installs while it measures."""
    sweep = sweep_of(wildcards)
    libraries = (
        STUDY.libraries_of(sweep.board) if sweep.pool is not None else [sweep.library]
    )
    return [
        f"{RESULTS}/boards/{name}/{library.name}.json"
        for name in sweep.board_names
        for library in libraries
    ]


def any_of(names):
    """Constraint of a wildcard that is one of these names, whatever signs they are of."""
    return "|".join(map(re.escape, names)) or "none"


def repetitions_to_measure(wildcards):
    """How many repetitions of a sweep are still to be measured, as far as is known here."""
    return pending_repetitions(STUDY, sweep_of(wildcards), Path(RESULTS))


def last_left_out(log):
    """Param: when and why a job on a board was last left out, so that the next run tries again."""
    return lambda w: leaving_out.last_left_out(Path(LOGS, log.format(**w)))


def board_threads(wildcards):
    """This machine alone while it measures itself; none while it waits for a board."""
    if wildcards.board in POOLS or not isinstance(
        BOARDS[wildcards.board].connect, LocalConnection
    ):
        return 0
    try:
        return workflow.cores
    except WorkflowError:
        return 1  # a cluster does the rest, and nothing says how many this machine has


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


def refuse_missing_results():
    """End a run that went no further than to boards with an error where one was left out."""
    try:
        refuse_missing(STUDY, missing_sweeps(STUDY, Path(RESULTS)))
    except UserError as error:
        raise WorkflowError(str(error)) from None


wildcard_constraints:
    board=any_of([*BOARDS, *POOLS]),
    library=any_of(library.name for library in STUDY.libraries),
    sweep=any_of(SWEEPS),
