"""A library: which operators and tuners it has, and how its programs are run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from nntest.config.fields import Name, Seconds, Strict
from nntest.tensors import OPERATOR_SPECIES

Tuner = Literal["NONE", "DEFAULT", "CUSTOM", "BIFROST"]


def _known_operator(name: str) -> str:
    if name not in OPERATOR_SPECIES:
        raise ValueError(f"'{name}' is no operator: one of {', '.join(sorted(OPERATOR_SPECIES))}")
    return name


Operator = Annotated[str, AfterValidator(_known_operator)]


class OperatorProgram(Strict):
    """An operator program of a library."""

    tuners: list[Tuner] = Field(default=["NONE"], min_length=1)
    tolerance: float = Field(
        default=0.001, gt=0, description="largest |output - reference| that passes"
    )


class Library(Strict):
    """One library; the file's name without `.yaml` is its name."""

    name: Name
    kind: Literal["opencl-reference"] = Field(description="which class of ours installs it")
    version: str = Field(min_length=1)
    description: str = ""
    operators: dict[Operator, OperatorProgram]
    protocol: Literal["process", "in-process"] = Field(
        default="process",
        description="a repetition is a new process, or a further timed run of one process",
    )
    repetitions_per_process: int = Field(
        default=1, ge=1, description="with protocol in-process: timed runs in each process"
    )
    warmup: Literal["always", "tuner-only"] = Field(
        default="always", description="tuner-only: as the 2018 programs did"
    )
    timeout_s: Seconds = Field(default=300.0, description="for one process")
    tuner_mode: Literal["exhaustive", "normal", "rapid"] = "rapid"
    opencl_platform: int = Field(default=0, ge=0, description="index of the OpenCL platform")
    opencl_device: int = Field(default=0, ge=0, description="index of the device in it")
