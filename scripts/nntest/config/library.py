"""A library: which operators and tuners it has, and how its programs are run."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from nntest.config.fields import Name, Seconds, Strict
from nntest.tensors import OPERATOR_SPECIES

Tuner = Literal["NONE", "DEFAULT", "CUSTOM", "BIFROST"]
Warmup = Literal["always", "tuner-only"]


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


# These reach make and the compiler on a board: no blanks, nothing that a shell or make reads.
_Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_./+=,:@-]+$", max_length=500)]
_BoardFolder = Annotated[str, Field(pattern=r"^/[A-Za-z0-9_./+-]*$", max_length=500)]


class AptInstall(Strict):
    """Debian or Ubuntu packages; needs root on the board, or sudo without a password."""

    way: Literal["apt"]
    packages: list[Name] = Field(default=["libarm-compute-dev"], min_length=1)


class Preinstalled(Strict):
    """It is on the board already: where its own build, or somebody's hands, have put it."""

    way: Literal["preinstalled"]
    prefix: _BoardFolder | None = Field(
        default=None,
        description="folder on the board with include/ and lib/ (or build/); default: the system's",
    )
    kernels: _BoardFolder | None = Field(
        default=None, description="folder of the .cl files, if they are not built into the library"
    )


class BuildOnBoard(Strict):
    """Operator programs are compiled on the board."""

    where: Literal["board"]
    compiler: _Word = "g++"
    flags: list[_Word] = Field(default=["-O2"])


class BuildHere(Strict):
    """Operator programs are compiled on the machine that runs the workflow, and copied."""

    where: Literal["here"]
    sysroot: _Word = Field(
        description="folder here with the board's system in it: its libraries and headers"
    )
    compiler: _Word = "aarch64-linux-gnu-g++"
    flags: list[_Word] = Field(default=["-O2"])


Install = Annotated[AptInstall | Preinstalled, Field(discriminator="way")]
Build = Annotated[BuildOnBoard | BuildHere, Field(discriminator="where")]

ARMCL_VERSIONS = (
    *("17.12", "18.01", "18.02", "18.03", "18.05", "18.08", "18.11", "19.02", "19.05", "19.08"),
    *("19.08.1", "19.11", "19.11.1", "20.02", "20.02.1", "20.05", "20.08", "20.11"),
)
ARMCL_TUNER_MODES_SINCE = "19.05"


class Library(Strict):
    """One library; the file's name without `.yaml` is its name."""

    name: Name
    kind: Literal["opencl-reference", "armcl-opencl"] = Field(
        description="which class of ours installs it"
    )
    version: str = Field(min_length=1)
    description: str = ""
    operators: dict[Operator, OperatorProgram]
    install: Install | None = Field(default=None, description="how it comes to the board")
    build: Build | None = Field(
        default=None, description="how its operator programs are compiled; default: on the board"
    )
    protocol: Literal["process", "in-process"] = Field(
        default="process",
        description="a repetition is a new process, or a further timed run of one process",
    )
    repetitions_per_process: int = Field(
        default=1, ge=1, description="with protocol in-process: timed runs in each process"
    )
    warmup: Warmup = Field(default="always", description="tuner-only: as the 2018 programs did")
    timeout_s: Seconds = Field(default=300.0, description="for one process")
    tuner_mode: Literal["exhaustive", "normal", "rapid"] = "rapid"
    opencl_platform: int = Field(default=0, ge=0, description="index of the OpenCL platform")
    opencl_device: int = Field(default=0, ge=0, description="index of the device in it")

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.kind == "armcl-opencl":
            self._check_armcl()
        elif self.install is not None or self.build is not None:
            raise ValueError(
                f"kind {self.kind} has nothing to install or build: leave `install` and `build` out"
            )
        return self

    def _check_armcl(self) -> None:
        if self.install is None:
            raise ValueError("kind armcl-opencl needs `install`, e.g. install: {way: apt}")
        if self.version not in ARMCL_VERSIONS:
            raise ValueError(
                f"version '{self.version}' is none that the programs are made for: "
                f"{', '.join(ARMCL_VERSIONS)}"
            )
        if (self.opencl_platform, self.opencl_device) != (0, 0):
            raise ValueError(
                "Arm Compute Library takes the first OpenCL device: leave `opencl_platform` and "
                "`opencl_device` out"
            )
        unknown = {tuner for program in self.operators.values() for tuner in program.tuners}
        unknown -= {"NONE", "DEFAULT"}
        if unknown:
            raise ValueError(f"its programs have the tuners NONE and DEFAULT, not {min(unknown)}")
        tunes = any("DEFAULT" in program.tuners for program in self.operators.values())
        if (
            tunes
            and self.tuner_mode != "exhaustive"
            and version_key(self.version) < version_key(ARMCL_TUNER_MODES_SINCE)
        ):
            raise ValueError(
                f"the tuner of {self.version} always searches exhaustively: "
                "set tuner_mode: exhaustive"
            )


def version_key(version: str) -> tuple[int, ...]:
    """A version as numbers that compare: 20.02.1 -> (20, 2, 1)."""
    return tuple(int(number) for number in re.findall(r"\d+", version))
