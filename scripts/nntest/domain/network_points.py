"""Whole networks as points of a sweep: the program's input, with a choice for each of its layers.

What a network's layers ran fastest with is known only after a sweep of them, so these points are
not in the study: `nntest.analysis.network_schedule` writes them, and this is their form on the way
to the board.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nntest.domain.tensors import NETWORK
from nntest.errors import UserError

NetworkProfile = Literal["energy", "accuracy", "streams", "sustained"]
"""What further runs of a whole network are for; their times are then not measurements."""

CHOSEN_VERSION = 1
VARIABLE = "NNTEST_NETWORK"
"""Environment variable with the path of a network's description."""
MODEL_VARIABLE, TENSORS_VARIABLE = "NNTEST_MODEL", "NNTEST_MODEL_TENSORS"
"""With the paths of an ONNX model, and of its inputs and right outputs."""
IMAGES_VARIABLE = "NNTEST_IMAGES"
"""With the folder of labelled images that a model is to classify."""


CORE_SET = "NNTEST_CORE_SET"
"""With the name of the set of cores that a program stays on; only recorded."""


def threads_variable(threads: int | None) -> dict[str, str]:
    """The environment variable that asks a library for a number of threads, if one is asked for."""
    return {} if threads is None else {"NNTEST_THREADS": str(threads)}


@dataclass(frozen=True)
class NetworkPoint:
    """One thing to measure: a whole network in one process, each layer with its choice."""

    subject: str
    """The network's name; stands where other points have their tensor's."""
    tuner: str
    """Name of the choice: SCHEDULE, or the tuner of all layers."""
    batch_size: int
    description: Mapping[str, Any]
    """`network`, and either what the program reads, `layers` in order, each with `name`,
    `operator`, `species`, `tuner`, `tensor` and `env`, the variables that its own program would be
    given, and `inputs`, the numbers of the layers that it reads (-1: the network's input), unless
    it is the one before it alone; or `model`, what an ONNX file that runs as it is is known by."""
    warmup: str = "always"
    threads: int | None = None
    """How many the library is asked for; None: its own default."""
    profile: NetworkProfile | None = None
    cores: str | None = None
    """Name of the board's set of cores that it stays on; None: any core."""
    streams: int | None = None
    """How many requests it takes at once; None: it is no run of requests."""

    operator = NETWORK
    species = NETWORK

    @property
    def is_model(self) -> bool:
        """Whether it is an ONNX file that runs as it is."""
        return "model" in self.description

    def variables(self) -> dict[str, str]:
        """Environment variables that say what is measured, beside the network's description."""
        streams = {} if self.streams is None else {"NNTEST_STREAMS": str(self.streams)}
        return {**threads_variable(self.threads), **streams}

    def tuners(self) -> list[str]:
        """The tuners that its layers run with."""
        if self.is_model:
            return [self.tuner]
        return sorted({layer["tuner"] for layer in self.description["layers"]})

    def identity(self) -> list[list[Any]]:
        """What of the description decides the time: not what the layers are called."""
        if self.is_model:
            return [["model", self.description["model"]]]
        return [
            [layer["operator"], layer["tuner"], layer["env"], *layer.get("inputs", [])]
            for layer in self.description["layers"]
        ]


def save_chosen(
    path: Path, points: list[NetworkPoint], left_out: list[dict[str, Any]], **about: Any
) -> None:
    """Write what was chosen, and which networks were left out, with `reason`."""
    content = {
        "version": CHOSEN_VERSION,
        **about,
        "points": [
            {
                "network": point.subject,
                "choice": point.tuner,
                "batch_size": point.batch_size,
                "warmup": point.warmup,
                "threads": point.threads,
                "cores": point.cores,
                "description": point.description,
            }
            for point in points
        ],
        "left_out": left_out,
    }
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def left_out_lines(path: Path) -> list[str]:
    """A sentence for each network of `save_chosen`'s file that is not measured as a whole."""
    content = json.loads(path.read_text(encoding="utf-8"))
    where = f"on {content['board']} with {content['library']}"
    return [
        f"{item['network']}, batch {item['batch_size']}, {item['choice']}{_where(item)}: "
        f"not measured end to end {where}: {item['reason']}."
        for item in content["left_out"]
    ]


def _where(item: Mapping[str, Any]) -> str:
    threads = f", {item['threads']} threads" if item.get("threads") else ""
    return threads + (f", cores {item['cores']}" if item.get("cores") else "")


def load_chosen(path: Path) -> tuple[NetworkPoint, ...]:
    """The points that `save_chosen` wrote; `UserError` for a file of another version."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if content.get("version") != CHOSEN_VERSION:
        raise UserError(
            f"{path}: written by another version of this workflow", "delete it and run again"
        )
    return tuple(
        NetworkPoint(
            item["network"],
            item["choice"],
            item["batch_size"],
            item["description"],
            item["warmup"],
            item.get("threads"),
            cores=item.get("cores"),
        )
        for item in content["points"]
    )
