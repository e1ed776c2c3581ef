"""What a plan says beyond the usual where Collective Knowledge measures."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from typing import Any

from nntest.config.study import Study, StudyPoint, Sweep
from nntest.domain.tensors import SPECIES
from nntest.measuring.ck_harness.request import ck_request
from nntest.measuring.installed import Installed

CK_SEED = 42
CK_TOLERANCE = 0.001
"""What CK-NNTest's programs take where nothing else is said; then nothing is."""


def add_ck_run(
    plan: dict[str, Any], study: Study, sweep: Sweep, installed: Installed, programs: str
) -> None:
    """Add to a plan how CK is called, and to each of its points what CK is given.

    The label that becomes part of an entry's name tells apart what CK's own names do not:
    another study, board or tuner, another build of library or programs, another seed.
    `programs`: the folder of the on-board files, two below the work folder.
    """
    root = posixpath.dirname(posixpath.dirname(programs))
    label = _word(f"{study.name}-{sweep.board.name}")
    plan["ck_run"] = {
        "ck": ck_request(sweep.board, root),
        "environment": installed.details.get("environment", ""),
        "fixed_sleeps": sweep.board.ck_harness.fixed_sleeps,
        "label": label,
        "overhead_s": sweep.board.ck_harness.overhead_s,
    }
    datasets = study.datasets()
    for point, asked in zip(plan["points"], sweep.points, strict=True):
        assert isinstance(asked, StudyPoint)  # CK measures no whole networks
        environment = _environment(study, sweep, asked.operator)
        profile = asked.profile is not None
        identity = [
            installed.checksum,
            sweep.board.environment,
            environment,
            sweep.board.ck_harness.fixed_sleeps,
        ]
        tuner = f"tuner-{asked.tuner.lower()}"
        key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:6]
        point["label"] = "-".join([label, tuner, *(["profile"] if profile else []), key])
        point["ck_env"] = environment
        point["profile"] = profile
        point["dataset"] = datasets[asked.tensor.species]
        point["variables"] = [
            [name, value]
            for name, value in zip(
                SPECIES[asked.tensor.species].keys, asked.tensor.values, strict=True
            )
        ]


def _environment(study: Study, sweep: Sweep, operator: str) -> dict[str, str]:
    tolerance = sweep.library.tolerance(operator)
    environment = {}
    if study.config.seed != CK_SEED:
        environment["CK_SEED"] = str(study.config.seed)
    if tolerance != CK_TOLERANCE:
        environment["CK_ABS_DIFF_THRESHOLD"] = f"{tolerance:g}"
    return environment


def _word(text: str) -> str:
    """A text as part of an alias: CK takes `+` and the like for more than a letter."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)
