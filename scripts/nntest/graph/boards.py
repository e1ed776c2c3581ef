"""What the rules that talk to boards depend on: specs, and the code that does the work."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from nntest.codehash import ONBOARD, SCRIPTS, closure
from nntest.config import Board, Library, Pool, Study
from nntest.config.install import PipInstall
from nntest.config.instruments import instruments_of
from nntest.config.long_runs import STREAMING_KINDS, SUSTAINED_KINDS
from nntest.config.network import OnnxFile
from nntest.config.study import Sweep
from nntest.domain.network_points import threads_variable
from nntest.graph.tables import networks_spec
from nntest.measuring.libraries import KINDS
from nntest.measuring.libraries.base import custom_table

NNTEST = SCRIPTS / "nntest"

# What the rules that talk to a board do, file by file and not by all that is imported: an edit
# of anything else must not re-run anything on a board.  tests/graph/test_boards.py says of
# every module that the scripts import besides why it is not here.
PROBE_SOURCES = [*closure(ONBOARD / "probe.py"), NNTEST / "measuring" / "probe.py"]
_OF_OTHERS = [
    *(ONBOARD / name for name in ("probe.py", "opencl_devices.py", "userland.py")),
    *(ONBOARD / f"ck_{part}.py" for part in ("command", "datasets", "pack", "records")),
    *(ONBOARD / f"ck_{part}.py" for part in ("runner", "setup")),
]
_RUNNER_SOURCES = [
    *(path for path in sorted(ONBOARD.glob("*.py")) if path not in _OF_OTHERS),
    NNTEST / "domain" / "network_points.py",
    NNTEST / "domain" / "drawn_values.py",
    NNTEST / "domain" / "onnx_files" / "whole_model.py",
    NNTEST / "domain" / "onnx_nodes" / "groups.py",
    NNTEST / "domain" / "onnx_nodes" / "models.py",
    NNTEST / "domain" / "onnx_nodes" / "names.py",
    NNTEST / "domain" / "tensor_suffixes.py",
    NNTEST / "domain" / "tensors.py",
    NNTEST / "domain" / "image_labels.py",
    NNTEST / "measuring" / "counters.py",
    NNTEST / "measuring" / "labelled_images.py",
    NNTEST / "measuring" / "meters.py",
    NNTEST / "measuring" / "model_files.py",
    NNTEST / "measuring" / "plan.py",
    NNTEST / "measuring" / "detached.py",
    NNTEST / "measuring" / "long_runs.py",
    NNTEST / "measuring" / "sweep.py",
]
_CK_NOT_MEASURED = {"quiet_timeout_s", "overhead_s", "user"}


def board_resource(board: Board | Pool) -> str:
    """The Snakemake resource of which a board has one, and a pool as many as it has boards.

    Boards whose names differ in a sign alone share it: they are measured one after the other.
    """
    return "board_" + re.sub(r"\W", "_", board.name)


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
        "board": probe_spec(study.board(board)),
        "library": _library_spec(study.library(library)),
    }


def sweep_spec(study: Study, sweep: Sweep) -> dict[str, Any]:
    """What a sweep depends on: its points, how often, with what, in which environment."""
    board = sweep.board
    pool = [probe_spec(study.board(name)) for name in sweep.pool.pool] if sweep.pool else []
    return {
        "board": probe_spec(board),
        **({"pool": pool} if pool else {}),
        "state": [
            item.model_dump(mode="json")
            for item in (*board.frequency_domains, *board.thermal_zones)
        ],
        "library": _library_spec(sweep.library),
        # Those of a whole network are in the file that `schedule_network` writes.
        "points": [
            {
                "point": [point.operator, point.tuner, point.subject, point.batch_size],
                "how": [point.warmup, point.profile, study.repetitions(point)],
                **threads_variable(point.threads),
                **({"cores": board.cores[point.cores]} if point.cores else {}),
            }
            for point in sweep.points
        ],
        "counters": sweep.board.counters.model_dump() if sweep.board.counters else None,
        "seed": study.config.seed,
        "datasets": study.datasets(),
        **({"share": "full"} if study.config.share == "full" else {}),
        **_aim_spec(study, sweep),
        **_energy_spec(study, sweep),
        **_long_runs_spec(study, sweep),
        **_accuracy_spec(study, sweep),
    }


def _aim_spec(study: Study, sweep: Sweep) -> dict[str, Any]:
    """How sure the points are to be; nothing where their number of repetitions is fixed."""
    aim = study.aim(sweep)
    if not aim:
        return {}
    return {**aim, "weights": [study.weight(point, sweep.library) for point in sweep.points]}


def _energy_spec(study: Study, sweep: Sweep) -> dict[str, Any]:
    """How energy is measured; nothing where it is not."""
    if "energy" not in instruments_of(study.config.profile, sweep.library.kind):
        return {}
    meters = [meter.model_dump(mode="json") for meter in sweep.board.meters]
    return {"energy": study.config.energy.model_dump(mode="json"), "meters": meters}


def _long_runs_spec(study: Study, sweep: Sweep) -> dict[str, Any]:
    """In how many streams whole networks run, and how long; nothing where they do not."""
    config, spec = study.config, {}
    if sweep.points:
        return {}  # of layers
    if config.streams and sweep.library.kind in STREAMING_KINDS:
        runs = config.stream_runs.model_dump(mode="json")
        spec["streams"] = {"streams": config.streams, **runs}
    if config.sustained is not None and sweep.library.kind in SUSTAINED_KINDS:
        meters = [meter.model_dump(mode="json") for meter in sweep.board.meters]
        spec["sustained"] = {"seconds": config.sustained, "meters": meters}
    return spec


def _accuracy_spec(study: Study, sweep: Sweep) -> dict[str, Any]:
    """Which images whole networks classify; nothing where there are none."""
    if sweep.points or not sweep.library.takes_onnx:
        return {}  # of layers, or without a model
    spec = {}
    for name, accuracy in study.accuracies().items():
        if accuracy.is_measured:
            images = accuracy.labelled_images()
            # Not their contents: this is worked out whenever the workflow is read.
            files = [(image.file.name, image.file.stat(), image.right_class) for image in images]
            seen = repr([(name, stat.st_size, stat.st_mtime_ns, of) for name, stat, of in files])
            spec[name] = {
                **accuracy.model_dump(mode="json", include={"preprocessing", "output"}),
                "images": hashlib.sha256(seen.encode()).hexdigest(),
            }
    return {"accuracy": spec} if spec else {}


def network_schedule_spec(study: Study, library: str) -> dict[str, Any]:
    """What the choice for each layer depends on, besides the sweeps of the layers."""
    config = study.config
    operators = study.library(library).operators
    return {
        "networks": networks_spec(study.networks),
        "padding": config.padding,
        "activations": study.with_activations(study.library(library)),
        "batch_sizes": config.batch_sizes,
        "choices": config.end_to_end_choices,
        "warmups": config.warmups or [study.library(library).warmup],
        "operators": config.operators,
        "tuners": config.tuners,
        **({"threads": config.threads} if config.threads else {}),
        **({"cores": config.cores} if config.cores else {}),
        **_models_spec(study, study.library(library)),
        "offered": {name: program.tuners for name, program in operators.items()},
    }


def may_leave_out(study: Study) -> bool:
    """Whether a run may leave out what a board does not give, and go on."""
    sweeps = len(study.sweeps())
    several = sweeps > 1 or (sweeps == 1 and bool(study.config.imports))
    return several and study.config.on_missing_board == "leave-out"


def _models_spec(study: Study, library: Library) -> dict[str, Any]:
    """What the user says of ONNX files that a library runs as they are."""
    definitions = {file.name: file.definition for file in study.network_files}
    models = {
        name: definition.whole_model().identity()
        for name, definition in definitions.items()
        if isinstance(definition, OnnxFile) and library.takes_onnx
    }
    return {"models": models} if models else {}


def _library_spec(library: Library) -> dict[str, Any]:
    spec = library.model_dump(mode="json", exclude={"description", "timeout_s"}, exclude_none=True)
    if isinstance(library.install, PipInstall):
        spec["install"] = {"way": "pip", "sha256": library.install.sha256()}
    if library.tuner_table is not None:
        spec["tuner_table_sha256"] = hashlib.sha256(custom_table(library)).hexdigest()
    return spec


def install_sources(study: Study, library: str) -> list[Path]:
    """Code that puts a library on a board: its class, and its operator programs."""
    kind = KINDS[study.library(library).kind]
    return [*kind.installer_sources(), *kind.sources()]


def sweep_sources(study: Study, library: str) -> list[Path]:
    """Code that measures: the runner, what plans and follows it, the operator programs."""
    sources = [*_RUNNER_SOURCES, *install_sources(study, library)]
    if study.library(library).kind == "ck":
        sources += [
            *closure(ONBOARD / "ck_runner.py"),
            NNTEST / "measuring" / "ck_harness" / "plan.py",
        ]
    return sources
