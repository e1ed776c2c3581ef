"""The plan of a sweep: all that the on-board runner needs to know, as one JSON object.

A point's id says what is measured, on what, with what: an edit that changes none of these keeps
the id, and what the board's journal holds for it is used again.  How often and in what order is
not part of it.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping
from typing import Any

from onboard.cores import VARIABLE as CORES
from onboard.cores import read_cores, write_cores
from onboard.outcomes import MOST_REPETITIONS
from onboard.temperatures import is_power_supply

from nntest.codehash import ONBOARD, source_hash
from nntest.config.board import Board
from nntest.config.study import Study, StudyPoint, Sweep
from nntest.config.upkeep import argv, as_text
from nntest.domain.network_points import CORE_SET, VARIABLE, NetworkPoint
from nntest.errors import UserError
from nntest.measuring.ck_harness.plan import add_ck_run
from nntest.measuring.installed import Installed
from nntest.measuring.labelled_images import image_variables, images_digest
from nntest.measuring.libraries import KINDS
from nntest.measuring.libraries.base import cpu_name
from nntest.measuring.long_runs import long_run
from nntest.measuring.model_files import MODEL_PART, has_model, model_variables
from nntest.owner import user_name

PLAN_VERSION = 1
MEASURING_PART = [ONBOARD / "measure.py", ONBOARD / "fork_client.py"]
CLOCKS = ("cpufreq_policies", "devfreq_devices")
"""Facts that are lists of the folders of clocks."""


def sweep_folder(study: Study, sweep: Sweep, root: str) -> str:
    """Where a sweep works on its board; `root` is the absolute work folder.

    Sweeps of one library share it, and so its journal, however the study is cut into sweeps.
    """
    return posixpath.join(root, "studies", study.name, sweep.library.name)


def tuner_table(folder: str, installed: Installed) -> str:
    """Path of the table of tuned local sizes: one for each version of the programs."""
    return posixpath.join(folder, f"tuner-table-{installed.version}.json")


def build_plan(
    study: Study,
    sweep: Sweep,
    installed: Installed,
    facts: Mapping[str, Any],
    *,
    programs: str,
    folder: str,
    planned_at: str,
) -> dict[str, Any]:
    """The plan of one sweep.

    `programs` and `folder` are absolute paths on the board: of the on-board files, and of the
    sweep's own folder.  `planned_at` is UTC, ISO 8601.
    """
    _check_cores(study, sweep.board, facts)
    points = [_point(study, sweep, point, installed, programs, folder) for point in sweep.points]
    plan: dict[str, Any] = {
        "version": PLAN_VERSION,
        "sweep": sweep.name,
        "study": study.name,
        "seed": study.config.seed,
        "lock_file": sweep.board.lock_file,
        "points": points,
        "state": _state_request(sweep, facts),
        "settings": _settings(sweep),
        "cooling": {
            "zones": [
                {
                    "name": zone.name,
                    "path": posixpath.join(zone.path, "temp"),
                    "start_below_c": zone.start_below_c,
                    "degrees_per_unit": zone.degrees_per_unit,
                }
                for zone in sweep.board.thermal_zones
                if zone.start_below_c is not None
            ],
            "patience_s": sweep.board.cool_down_s,
        },
        "health": _health(sweep.board),
        "watch": {
            "governors": [domain.path for domain in sweep.board.frequency_domains]
            or [clock["path"] for kind in CLOCKS for clock in facts[kind]],
            "library": KINDS[sweep.library.kind](sweep.library).files(programs, installed),
        },
    }
    if sweep.board.harness == "ck":
        add_ck_run(plan, study, sweep, installed, programs)
    if aim := study.aim(sweep):
        plan["aim"] = aim
        for planned, point in zip(points, sweep.points, strict=True):
            if point.profile is None:
                planned["weight"] = study.weight(point, sweep.library)
                planned["most_repetitions"] = MOST_REPETITIONS
    plan["plan_id"] = _digest(plan)
    plan["ck"] = _ck_part(study, sweep, installed, facts, planned_at)
    return plan


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _point(
    study: Study,
    sweep: Sweep,
    point: StudyPoint | NetworkPoint,
    installed: Installed,
    programs: str,
    folder: str,
) -> dict[str, Any]:
    library = sweep.library
    kind = KINDS[library.kind](library)
    counters = sweep.board.counters if point.profile == "counters" else None
    # A later run of a process would find warm what a first one pays for.
    long = long_run(study, sweep.board, point.profile)
    own_process = point.warmup == "tuner-only" or counters is not None or long is not None
    protocol = "process" if own_process else library.protocol
    environment = {
        **sweep.board.environment,
        **point.variables(),
        **_cores(sweep.board, point.cores),
        "CK_IN_SHAPE_N": str(point.batch_size),
        "CK_LWS_TUNER_TYPE": point.tuner,
        "CK_SEED": str(study.config.seed),
        "CK_ABS_DIFF_THRESHOLD": f"{library.tolerance(point.operator):g}",
        "CK_DATASET_FILENAME": f"shape-{point.subject}",
    }
    identity: dict[str, Any] = {
        "board": sweep.board.name,
        "library": library.name,
        "operator": point.operator,
        "environment": environment,
        "warmup": point.warmup,
        "protocol": protocol,
        "device": [installed.device.get(key) for key in ("name", "platform", "driver_version")],
        "checksum": installed.checksum,
        "measuring_part": source_hash(MEASURING_PART),
    }
    extra: dict[str, Any] = {}
    library_environment = kind.environment(tuner_table(folder, installed))
    for tuner in point.tuners():
        library_environment |= kind.point_environment(programs, tuner)
        identity |= kind.identity(tuner)
    library_environment["NNTEST_WARMUP"] = point.warmup
    if point.profile == "kernels":
        library_environment["NNTEST_PROFILE"] = point.profile
    if _in_loops(study, sweep.board, point):
        library_environment["NNTEST_LOOP_S"] = identity["loop"] = f"{study.config.loop_s:g}"
    if long is not None:
        library_environment |= long.environment
        extra |= long.extra
        identity |= long.identity
    if point.profile is not None:
        identity["profile"] = point.profile
    if counters is not None:
        identity["counters"] = [counters.reader, source_hash([ONBOARD / "counters.py"])]
    # Paths and device indices do not say what is measured; the tuner's mode does.
    identity["tuner_mode"] = library_environment.get("NNTEST_TUNER_MODE")
    if isinstance(point, NetworkPoint):
        identity["network"] = point.identity()
        extra["network"] = point.description
    # In files beside the journal; `run_sweep` writes them there.
    if has_model(point):
        identity["model_part"] = source_hash(MODEL_PART)
        environment = {**environment, **model_variables(folder, study, point)}
        if isinstance(point, NetworkPoint) and point.profile == "accuracy":
            identity["images"] = images_digest(study, point)
            environment |= image_variables(folder, study, point)
    elif isinstance(point, NetworkPoint):
        path = posixpath.join(folder, "networks", f"{_digest(identity)}.json")
        environment = {**environment, VARIABLE: path}
    return {
        **extra,
        "id": _digest(identity),
        "operator": point.operator,
        "species": point.species,
        "program": kind.program(point.operator),
        "tensor": point.subject,
        "batch_size": point.batch_size,
        "tuner": point.tuner,
        "argv": kind.argv(sweep.board, programs, point.operator),
        "server": None if own_process else kind.server(sweep.board, programs),
        "env": {**library_environment, **environment},
        "repetitions": study.repetitions(point),
        "repetitions_per_process": 1 if own_process else library.repetitions_per_process,
        "timeout_s": library.timeout_s + (long.seconds if long else 0),
        "protocol": protocol,
        "warmup": point.warmup,
        "profile": point.profile,
        "counter_reader": counters.reader if counters else None,
        "checksum": installed.checksum,
    }


def _in_loops(study: Study, board: Board, point: StudyPoint | NetworkPoint) -> bool:
    """Whether its repetitions are rows of runs.

    Long runs have lengths of their own, a point without warm-ups is about its first run, and CK
    times single runs.
    """
    ordinary = point.profile is None and point.warmup == "always" and board.harness != "ck"
    return ordinary and study.config.loop_s > 0


def _cores(board: Board, name: str | None) -> dict[str, str]:
    """The variables that keep a program on a set of cores, if it is to stay on one."""
    if name is None:
        return {}
    return {CORES: ",".join(map(str, read_cores(board.cores[name]))), CORE_SET: name}


def _check_cores(study: Study, board: Board, facts: Mapping[str, Any]) -> None:
    """`UserError` for a set of cores that the board does not have, by its probe."""
    usable = str(facts.get("cores") or "")
    for name in study.config.cores if usable else ():
        lacking = set(read_cores(board.cores[name])) - set(read_cores(usable))
        if lacking:
            raise UserError(
                f"board {board.name}: cores: {name}: {board.cores[name]}: the board has no core "
                f"{write_cores(lacking)}; it has {usable}",
                "correct `cores` in the board's file",
            )


def _state_request(sweep: Sweep, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Which files say how the device is: the board file's, else all that the probe found."""
    board = sweep.board
    clocks = [
        {
            "path": posixpath.join(domain.path, name),
            "khz_per_unit": domain.khz_per_unit,
        }
        for domain in board.frequency_domains
        for name in ("scaling_cur_freq", "cur_freq")
    ] or [
        {"path": posixpath.join(policy["path"], "scaling_cur_freq"), "khz_per_unit": 1.0}
        for policy in facts["cpufreq_policies"]
    ]
    temperatures = [
        {
            "name": zone.name,
            "path": posixpath.join(zone.path, "temp"),
            "throttles_at_c": zone.throttles_at_c,
            "degrees_per_unit": zone.degrees_per_unit,
        }
        for zone in board.thermal_zones
    ] or [
        {"name": name, "path": posixpath.join(path, "temp"), "throttles_at_c": None}
        for name, path in _zones(facts)
    ]
    return {
        "clocks": clocks,
        "temperatures": temperatures,
        "throttle_counters": facts["throttle_counters"],
    }


def _zones(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name, folder) of the zones that a probe found, without those of power supplies.

    Named by their type, with their number where several have the same.
    """
    counted = [
        (str(zone["type"]), str(zone["path"]))
        for zone in facts["thermal_zones"]
        if not is_power_supply(zone["type"])
    ]
    types = [kind for kind, _ in counted]
    return [
        (f"{kind} ({posixpath.basename(path)})" if types.count(kind) > 1 else kind, path)
        for kind, path in counted
    ]


def _settings(sweep: Sweep) -> list[dict[str, Any]]:
    """Governors and frequency limits to set while measuring, in the units of the kernel's files."""

    def in_file_units(mhz: float | None, khz_per_unit: float) -> int | None:
        return None if mhz is None else round(mhz * 1000 / khz_per_unit)

    return [
        {
            "name": domain.name,
            "path": domain.path,
            "governor": domain.governor,
            "min": in_file_units(domain.min_mhz, domain.khz_per_unit),
            "max": in_file_units(domain.max_mhz, domain.khz_per_unit),
        }
        for domain in sweep.board.frequency_domains
    ]


def _health(board: Board) -> dict[str, Any] | None:
    """The board's health check, as the runner takes it."""
    if board.health is None:
        return None
    return {
        "argv": argv(board.health.command),
        "text": as_text(board.health.command),
        "timeout_s": board.health.timeout_s,
        "environment": board.environment,
    }


def _ck_part(
    study: Study,
    sweep: Sweep,
    installed: Installed,
    facts: Mapping[str, Any],
    planned_at: str,
) -> dict[str, Any]:
    """What the CK entries say of the sweep as a whole."""
    cpus = facts["cpus"]
    full = study.config.share == "full"
    return {
        "label": f"{study.name}-{sweep.board.name}",
        "timestamp": planned_at,
        "user": user_name() if full else "",
        "share": study.config.share,
        "board": sweep.board.name,
        "emulated": sweep.board.emulated,
        "library_tag": installed.tag,
        "library": {
            "name": installed.library,
            "version": installed.version,
            "checksum": installed.checksum,
        },
        "platform": {
            "name": facts["platform"],
            "model": facts["model"],
            "vendor": facts["vendor"],
        },
        "cpu": {
            "name": cpu_name(facts),
            "abi": facts["machine"],
            "num_proc": sum(kind["cores"] for kind in cpus),
        },
        "os": {
            "name": facts["distribution"],
            "name_long": facts["kernel"],
            "abi": facts["machine"],
            "bits": "64" if facts["machine"].endswith("64") else "32",
        },
        "gpgpu": _gpgpu(installed),
        "datasets": study.datasets(),
        "facts": dict(facts),
    }


def _gpgpu(installed: Installed) -> dict[str, Any]:
    """The OpenCL device, or nothing for a library that computes on the CPU."""
    if installed.device.get("platform") is None:
        return {}
    return {key: value for key, value in installed.device.items() if key != "extensions"}
