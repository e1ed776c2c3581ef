"""What the rules of the workflow ask about a study: which jobs there are, and what each depends on.

A `*_spec` function gives the part of the config that a rule uses, as plain data.  The rules keep
it as a param, so that a job runs again when, and only when, something that it uses has changed:
what is left out of a spec on purpose (a board's address, a description) re-runs nothing.
"""

from __future__ import annotations

import glob
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nntest.codehash import ONBOARD, SCRIPTS
from nntest.config import Board, Library, Study
from nntest.config.study import Sweep
from nntest.errors import UserError
from nntest.graph_trade_offs import caption, trade_off_plots
from nntest.libraries import KINDS
from nntest.libraries.base import custom_table
from nntest.roofline.boards import PUBLISHED_TABLES, ROOFLINE_TABLES, board_roofs, roofs_spec

NNTEST = SCRIPTS / "nntest"

# What the rules that talk to a board do, file by file and not by all that is imported: an edit
# of anything else must not send anybody back to a board.
_PROBES = [ONBOARD / "probe.py", ONBOARD / "opencl_devices.py"]
PROBE_SOURCES = [*_PROBES, NNTEST / "probe.py"]
_CK_SOURCES = [
    *(ONBOARD / f"ck_{part}.py" for part in ("command", "datasets", "pack", "records")),
    *(ONBOARD / f"ck_{part}.py" for part in ("runner", "setup")),
]
_RUNNER_SOURCES = [
    *(path for path in sorted(ONBOARD.glob("*.py")) if path not in (*_PROBES, *_CK_SOURCES)),
    NNTEST / "network_points.py",
    NNTEST / "counters.py",
    NNTEST / "plan.py",
    NNTEST / "sweep.py",
]
_CK_NOT_MEASURED = {"quiet_timeout_s", "overhead_s", "user"}
CHOOSE_SOURCES = [
    NNTEST / "choose.py",
    NNTEST / "network_points.py",
    *(NNTEST / "ck" / name for name in ("read.py", "points.py", "outcome.py")),
]
REPORT_FILES = [
    path
    for path in sorted((NNTEST / "report").rglob("*"))
    if path.suffix in (".html", ".css", ".js", ".j2", ".jinja")
]


@dataclass(frozen=True)
class Table:
    """A table that follows from the measurements: who makes it, from what of the study."""

    module: str
    function: str
    needs: tuple[str, ...] = ()
    """Keyword arguments besides the measurements; see `table_arguments`."""
    reads: tuple[str, ...] = ()
    """Which of `PROFILE_TABLES` it takes after the measurements."""


TABLES: dict[str, Table] = {
    "failed": Table("nntest.tables", "failed"),
    "summary": Table("nntest.tables", "summary", ("seed",)),
    "speedup": Table("nntest.tables", "speedup", ("baseline_operator", "baseline_tuner", "seed")),
    "tuner_check": Table("nntest.tables", "tuner_check", ("seed",)),
    "device_state": Table("nntest.tables", "device_state"),
    "schedule": Table("nntest.schedule", "schedule", ("networks", "padding", "seed")),
    "estimate": Table("nntest.estimate", "estimate", ("networks", "padding", "seed")),
    "end_to_end": Table("nntest.end_to_end", "end_to_end", ("networks", "padding", "seed")),
    "study_figure": Table("nntest.study_figure", "study_figure", ("networks", "padding", "seed")),
    "comparison": Table(
        "nntest.compare", "comparison", ("compare", "run", "networks", "padding", "seed")
    ),
    "layer_times": Table("nntest.estimate", "layer_times", ("networks", "padding", "seed")),
    "protocol_check": Table("nntest.protocols", "protocol_check", ("seed",)),
    "kernel_share": Table("nntest.kernels", "kernel_share", ("seed",), ("kernels",)),
    "roofline": Table(
        "nntest.roofline.measured",
        "roofline_points",
        ("networks", "padding", "roofs", "traffic_model", "seed"),
    ),
}
OPTIONAL_TABLES = ("protocol_check", "kernel_share", "end_to_end", "comparison")
"""Tables that a report leaves out where they have no row."""
PROFILE_TABLES = ("kernels", "launches", "counters")
"""Tables of profiled points, read off the archives beside the measurements; often empty."""
VIOLIN_BY = ("platform", "operator", "library")
VIOLIN_QUANTITIES = ("time_us", "GFLOPS")
SPEEDUP_STATISTICS = ("median", "minimum")
PLOTS = [
    *(f"violin.{by}.{quantity}" for by in VIOLIN_BY for quantity in VIOLIN_QUANTITIES),
    *(f"speedup.{statistic}" for statistic in SPEEDUP_STATISTICS),
    "layers",
    "end_to_end",
    "roofline.layers",
]

KERNEL_PLOTS = ["kernels.violin", "kernels.stack"]
"""Pictures of profiled points; a report without profiled points leaves them out."""


def plots_of(study: Study) -> list[str]:
    """The pictures of a study; those that its config asks for among them."""
    config = study.config
    profiled = config.profile not in ("none", []) or config.imports
    asked = {"comparison": config.compare, "prediction_check": config.prediction_check}
    more = [name for name, wanted in asked.items() if wanted]
    more += ["prediction.frames"] if config.platforms else []
    return [*PLOTS, *trade_off_plots(study), *more, *(KERNEL_PLOTS if profiled else [])]


_ANALYSIS_CAPTIONS = {
    "layers": ("Time of each layer, stacked, by choice", "Networks"),
    "end_to_end": ("Whole networks: estimated against measured", "Networks"),
    "comparison": ("Every point against the baseline of the comparison", "Comparison"),
    "prediction_check": ("Published networks against sums of published layers", "Prediction check"),
}


def more_tables(study: Study) -> list[str]:
    """Tables beside `TABLES` that a study has, since it lists platforms or published tables."""
    platforms = ROOFLINE_TABLES if study.config.platforms else ()
    return [*platforms, *(PUBLISHED_TABLES if study.config.published else ())]


def plot_caption(plot: str) -> tuple[str, str]:
    """(caption, category) of a plot in the report."""
    if plot.startswith(("scatter.", "pareto.", "boxes.")):
        return caption(plot), "Trade-offs"
    if plot in _ANALYSIS_CAPTIONS:
        return _ANALYSIS_CAPTIONS[plot]
    kind, what, *quantity = plot.split(".")
    if plot in KERNEL_PLOTS:
        what = {"violin": "Time of every kernel", "stack": "What the time goes to"}[what]
        return f"{what}, in profiled runs", "Kernels"
    if kind == "violin":
        unit = {"time_us": "time in µs", "GFLOPS": "GFLOPS"}[quantity[0]]
        return f"Every repetition, by {what}: {unit}", "Spread"
    if kind == "roofline":
        return "Each layer under the roofs of its board", "Roofline"
    if kind == "prediction":
        return "Frames a second that the roofs allow, and what bounds them", "Prediction"
    return f"Speedup over the baseline, by {what}", "Speedup"


def board_resource(board: Board) -> str:
    """The Snakemake resource of which a board has one."""
    return "board_" + re.sub(r"\W", "_", board.name)


# -- boards ------------------------------------------------------------------------------------


def probe_spec(board: Board) -> dict[str, Any]:
    """What a probe depends on; not on where the board is reached."""
    spec = {
        "board": board.name,
        "platform": board.platform.name,
        "emulated": board.emulated,
        "python": board.python,
        "environment": board.environment,
    }
    if board.harness == "ck":
        spec["ck"] = board.ck_harness.model_dump(mode="json", exclude=_CK_NOT_MEASURED)
    return spec


def install_spec(study: Study, board: str, library: str) -> dict[str, Any]:
    """What installing a library on a board depends on."""
    return {
        "board": probe_spec(board_of(study, board)),
        "library": _library_spec(library_of(study, library)),
    }


def sweep_spec(study: Study, sweep: Sweep) -> dict[str, Any]:
    """What a sweep depends on: its points, how often, with what, in which environment."""
    board = sweep.board
    return {
        "board": probe_spec(board),
        "state": [
            item.model_dump(mode="json")
            for item in (*board.frequency_domains, *board.thermal_zones)
        ],
        "library": _library_spec(sweep.library),
        # Those of a whole network are in the file that `choose` writes.
        "points": [
            {
                "point": [point.operator, point.tuner, point.subject, point.batch_size],
                "how": [point.warmup, point.profile, study.repetitions(point)],
            }
            for point in sweep.points
        ],
        "counters": sweep.board.counters.model_dump() if sweep.board.counters else None,
        "seed": study.config.seed,
        "datasets": study.datasets(),
    }


def choose_spec(study: Study, library: str) -> dict[str, Any]:
    """What the choice for each layer depends on, besides the sweeps of the layers."""
    config = study.config
    operators = library_of(study, library).operators
    return {
        "networks": networks_spec(study),
        "padding": config.padding,
        "batch_sizes": config.batch_sizes,
        "choices": config.end_to_end_choices,
        "warmups": config.warmups or [library_of(study, library).warmup],
        "operators": config.operators,
        "tuners": config.tuners,
        "offered": {name: program.tuners for name, program in operators.items()},
    }


def networks_spec(study: Study) -> list[Any]:
    """The networks by their layers, and by what they were read from."""
    return [
        [network.name, [[layer.name, layer.tensor.name] for layer in network.layers]]
        + ([network.source] if network.source else [])
        for network in study.networks
    ]


def _library_spec(library: Library) -> dict[str, Any]:
    spec = library.model_dump(mode="json", exclude={"description", "timeout_s"}, exclude_none=True)
    if library.tuner_table is not None:
        spec["tuner_table_sha256"] = hashlib.sha256(custom_table(library)).hexdigest()
    return spec


def board_of(study: Study, name: str) -> Board:
    """A board of the study by its name."""
    return next(board for board in study.boards if board.name == name)


def library_of(study: Study, name: str) -> Library:
    """A library of the study by its name."""
    return next(library for library in study.libraries if library.name == name)


def install_sources(study: Study, library: str) -> list[Path]:
    """Code that puts a library on a board: its class, and its operator programs."""
    kind = KINDS[library_of(study, library).kind]
    return [*kind.installer_sources(), *kind.sources()]


def sweep_sources(study: Study, library: str) -> list[Path]:
    """Code that measures: the runner, what plans and follows it, the operator programs."""
    sources = [*_RUNNER_SOURCES, *install_sources(study, library)]
    if library_of(study, library).kind == "ck":
        sources += [*_CK_SOURCES, NNTEST / "ck_harness" / "plan.py"]
    return sources


def sweep_of(sweeps: dict[str, Sweep], wildcards: Any) -> Sweep:
    """The sweep that a job's wildcards name."""
    return sweeps[f"{wildcards.board}.{wildcards.library}{wildcards.cut}"]


# -- archives ----------------------------------------------------------------------------------


def imported_files(study: Study) -> list[str]:
    """Every file and folder that `imports` names, patterns expanded, in a stable order."""
    found: list[str] = []
    for pattern in study.config.imports:
        matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - may be absolute
        if not matches:
            raise UserError(
                f"config: imports: nothing matches '{pattern}'",
                "paths are relative to the folder where snakemake runs",
            )
        found += [match for match in matches if match not in found]
    return found


def tidy_spec(study: Study) -> dict[str, Any]:
    """The names that board files give to platforms, and what is read."""
    return {"platforms": known_platforms(study), "synthetic": study.config.synthetic_datasets}


def known_platforms(study: Study) -> list[tuple[str, str, tuple[str, ...]]]:
    """(board, platform name, model strings) of the study's boards and of those that name a model.

    Without imports only the study's own boards can turn up, and only they count: a board file
    that is merely there re-runs nothing.
    """
    others = study.known_boards if study.config.imports else ()
    boards = [*study.boards, *(board for board in others if board.platform.models)]
    names = {board.name: board.platform for board in boards}
    return [(name, platform.name or "", tuple(platform.models)) for name, platform in names.items()]


# -- analysis ----------------------------------------------------------------------------------


def table_arguments(study: Study) -> dict[str, Any]:
    """Everything that a table may need of a study, by the name of the argument."""
    return {
        "seed": study.config.seed,
        "baseline_operator": study.config.baseline.operator,
        "baseline_tuner": study.config.baseline.tuner,
        "networks": study.networks,
        "padding": study.config.padding,
        "compare": study.config.compare,
        "roofs": board_roofs(study),
        "traffic_model": study.config.traffic_model,
    }


def table_spec(study: Study, table: str) -> dict[str, Any]:
    """What a table depends on besides the measurements."""
    arguments = table_arguments(study)
    spec = {need: arguments[need] for need in TABLES[table].needs if need in arguments}
    if "networks" in spec:
        spec["networks"] = networks_spec(study)
    if "compare" in spec:
        compare = study.config.compare
        spec["compare"] = compare.model_dump(mode="json") if compare else None
        # The names that board files give to platforms: the earlier run is read with them.
        spec["read"] = tidy_spec(study) if compared_runs(study) else None
    if "roofs" in spec:
        spec["roofs"] = roofs_spec(study)
    return spec


def table_modules(table: str) -> list[str]:
    """Modules that make a table."""
    more = ["nntest.other_run"] if "run" in TABLES[table].needs else []
    return [TABLES[table].module, *more]


def compared_runs(study: Study) -> list[str]:
    """Files and folders of the earlier run that a comparison reads, in a stable order."""
    compare = study.config.compare
    if compare is None or compare.baseline.run is None:
        return []
    found = sorted(glob.glob(compare.baseline.run, recursive=True))  # noqa: PTH207 - see above
    if not found:
        raise UserError(
            f"config: compare.baseline.run: nothing matches '{compare.baseline.run}'",
            "paths are relative to the folder where snakemake runs",
        )
    return found


def fails_on_regression(study: Study) -> bool:
    """Whether a run ends with an error where a point has become slower."""
    compare = study.config.compare
    return compare is not None and compare.fail_on_regression is not False


def violin_spec(study: Study) -> dict[str, Any]:
    """Options of the violin plots."""
    return study.config.plots.violin.model_dump(mode="json")


def speedup_spec(study: Study) -> dict[str, Any]:
    """Options of the speedup bars."""
    return study.config.plots.speedup.model_dump(mode="json")


PREDICTION_CHECK_TABLES = ("prediction_check", "prediction_summary")
"""Tables of the rule `prediction_check`, which a study has that asks for it."""


def prediction_check_files(study: Study) -> list[str]:
    """Files that the prediction check reads: layer times, measured networks; none without it."""
    check = study.config.prediction_check
    if check is None:
        return []
    for key in ("layer_times", "measured"):
        if not Path(getattr(check, key)).is_file():
            raise UserError(
                f"config: prediction_check.{key}: there is no file {getattr(check, key)}",
                "paths are relative to the folder where snakemake runs",
            )
    return [check.layer_times, check.measured]


def prediction_check_spec(study: Study) -> dict[str, Any]:
    """What the prediction check depends on besides its files."""
    check = study.config.prediction_check
    options = study.config.plots.prediction_check.model_dump(mode="json")
    return {"system": check.system if check else None, "options": options}


def analysis_plot_spec(study: Study, plot: str) -> dict[str, Any]:
    """Options of a picture that is made from tables alone."""
    options: dict[str, Any] = getattr(study.config.plots, plot).model_dump(mode="json")
    return options


def report_spec(study: Study) -> dict[str, Any]:
    """The report shows the whole config, and what became of networks read from files."""
    remarks = [line for network in study.networks for line in network.remarks()]
    return {**study.config.model_dump(mode="json"), "remarks": remarks}
