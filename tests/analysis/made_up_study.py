"""A made-up study with known truth, for the tests of tables, plots and the report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from nntest.archives.measurements import to_frame
from nntest.domain.networks import Network, mobilenet_v1
from nntest.domain.tensors import Tensor

NETWORK: Network = mobilenet_v1(1.0, 224)
TENSORS: list[Tensor] = list(NETWORK.repeats("conv"))
"""The eleven distinct convolutions, in layer order."""
CHOICES = [("conv", "NONE"), ("conv", "DEFAULT"), ("directconv", "NONE"), ("directconv", "DEFAULT")]
SPEED = {"conv": 20.0, "directconv": 11.0}
"""Made-up GFLOPS of an operator; 5 for the others."""
TUNED = {"conv": 1.25}
"""What the tuner gains an operator; nothing for the others."""


def true_time_us(tensor: Tensor, operator: str, tuner: str, batch_size: int = 1) -> float:
    """The made-up true time of a point."""
    flops = tensor.executed_flops(batch_size)
    speed = SPEED.get(operator, 5.0) * (TUNED.get(operator, 1.0) if tuner == "DEFAULT" else 1.0)
    return 30.0 + flops / speed / 1e3


def row(tensor: Tensor, operator: str, tuner: str, **changes: Any) -> dict[str, Any]:
    """One row of the measurement table; `changes` replaces columns."""
    batch_size = changes.get("batch_size", 1)
    channels, height, width = tensor.in_shape
    time_us = changes.get("time_us", true_time_us(tensor, operator, tuner, batch_size))
    flops = tensor.study_flops(batch_size)
    base = {
        "platform": "Test board", "board": "test", "library": "opencl-reference-1.0-1a2b3c4",
        "operator": operator, "program": f"{operator}-opencl-reference",
        "species": tensor.species, "tensor": tensor.name, "batch_size": batch_size,
        "tuner": tuner, "repetition_id": 0, "process_id": 0,
        "in_shape_n": batch_size, "in_shape_c": channels, "in_shape_h": height,
        "in_shape_w": width, "time_us": time_us, "setup_us": 1000.0,
        "GFLOPS": flops / time_us / 1e3 if time_us and flops else None,
        "success?": "yes", "status": "ok", "reason": "", "kernel": "",
        "protocol": "in-process", "warmup": "always",
        "clock_before_mhz": 2600.0, "clock_after_mhz": 2590.0,
        "temperature_before_c": 51.0, "temperature_after_c": 53.5,
        "hottest_zone": "gpu", "throttled": False,
        "notes": "", "emulated": False, "device": "pthread-test-cpu", "driver": "3.0",
        "started_at": "2026-11-21T20:00:00Z", "archive": "test.opencl-reference.zip",
        "entry": "0123456789abcdef", "point": f"{operator}-{tuner}-{tensor.name}",
        "subpoint": 1, "program_checksum": "ab" * 32,
    }  # fmt: skip
    return {**base, **changes}


def failed_row(tensor: Tensor, operator: str, tuner: str, **changes: Any) -> dict[str, Any]:
    """A row of a repetition that timed out."""
    what = {
        "time_us": None, "GFLOPS": None, "success?": "n/a", "status": "timeout",
        "reason": "no result within 120 s", "throttled": None,
    }  # fmt: skip
    return row(tensor, operator, tuner, **{**what, **changes})


def study_rows(
    *,
    tensors: Iterable[Tensor] = TENSORS,
    choices: Iterable[tuple[str, str]] = CHOICES,
    repetitions: int = 10,
    per_process: int = 2,
    between: float = 0.02,
    within: float = 0.04,
    seed: int = 1,
    **changes: Any,
) -> list[dict[str, Any]]:
    """Rows of a whole sweep with log-normal noise between processes and within them."""
    random = np.random.default_rng(seed)
    rows = []
    for tensor in tensors:
        for operator, tuner in choices:
            shift = 0.0
            for repetition in range(repetitions):
                if repetition % per_process == 0:
                    shift = random.normal(0, between)
                error = random.normal(0, within)
                batch_size = changes.get("batch_size", 1)
                time_us = true_time_us(tensor, operator, tuner, batch_size) * np.exp(shift + error)
                when = f"2026-11-21T20:{repetition:02d}:00Z"
                place = {"repetition_id": repetition, "process_id": repetition // per_process}
                one = {"time_us": float(time_us), "started_at": when, **place, **changes}
                rows.append(row(tensor, operator, tuner, **one))
    return rows


def study_frame(**options: Any) -> pd.DataFrame:
    """`study_rows` with some failures: one point that never ran, one that failed half-way."""
    rows = study_rows(**options)
    lost, halved = TENSORS[0].name, TENSORS[4].name
    kept = []
    for one in rows:
        which = (one["tensor"], one["operator"], one["tuner"])
        if which == (lost, "conv", "DEFAULT"):
            continue
        if which == (halved, "directconv", "DEFAULT") and one["repetition_id"] >= 6:
            continue
        kept.append(one)
    places = {name: value for name, value in options.items() if name in rows[0]}
    kept.append(
        failed_row(TENSORS[0], "conv", "DEFAULT", status="wrong-output", **{
            "success?": "no", "reason": "largest difference 0.31, allowed 0.001\nlog: <kernel>",
            **places,
        })
    )  # fmt: skip
    kept.append(failed_row(TENSORS[4], "directconv", "DEFAULT", repetition_id=6, **places))
    return to_frame(kept)


def network_rows(network: Network, tuner: str, time_us: float, **changes: Any) -> list[Any]:
    """Ten repetitions of a whole network, each a process: 0 to 0.4 % above `time_us`."""
    return [
        {
            **row(TENSORS[0], "network", tuner, time_us=time_us * (1 + 0.001 * (n % 5)), **changes),
            "species": "network", "tensor": network.name, "GFLOPS": None, "repetition_id": n,
            "process_id": n, "point": f"network-{tuner}-{network.name}",
        }
        for n in range(10)
    ]  # fmt: skip
