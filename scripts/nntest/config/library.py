"""A library: which operators and tuners it has, and how its programs are run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from nntest.config.ck import CkLibrary, refused_with_ck
from nntest.config.fields import HerePath, Name, Seconds, Strict
from nntest.config.install import (
    AptInstall,
    Build,
    BuildHere,
    Install,
    PipInstall,
    Preinstalled,
    SourceInstall,
)
from nntest.config.tuner_table import check_tuner_table
from nntest.config.wheel_lock import pinned_versions
from nntest.domain.tensors import NETWORK, NODE, OPERATOR_SPECIES

Tuner = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,30}$",
        description="NONE, DEFAULT, CUSTOM, BIFROST, or a name under a library's `settings`",
    ),
]
OPENCL_TUNERS = ("NONE", "DEFAULT", "CUSTOM", "BIFROST")
FRAMEWORK_TUNERS = ("NONE", "DEFAULT")  # every adapter has options for these by itself
Adapter = Literal["onnxruntime", "litert", "openvino", "ncnn", "tvm"]
PACKAGES: dict[str, str] = {
    "onnxruntime": "onnxruntime",
    "litert": "ai-edge-litert",
    "openvino": "openvino",
    "ncnn": "ncnn",
    "tvm": "apache-tvm",
}
"""Name in the package index, by adapter."""
TAKE_ONNX = ("onnxruntime", "openvino")
"""Adapters of the libraries that run a user's own ONNX file."""
Setting = str | bool | int | float
Warmup = Literal["always", "tuner-only"]


def _known_operator(name: str) -> str:
    if name not in OPERATOR_SPECIES:
        raise ValueError(
            f"'{name}' is not an operator: one of {', '.join(sorted(OPERATOR_SPECIES))}"
        )
    return name


Operator = Annotated[str, AfterValidator(_known_operator)]


class OperatorProgram(Strict):
    """An operator program of a library."""

    tuners: list[Tuner] = Field(default=["NONE"], min_length=1)
    tolerance: float | None = Field(
        default=None,
        gt=0,
        description="largest |output - reference| that passes; default: 0.001, with fp16 0.05; "
        "with int8 in steps of the output, 1; of a whole network in times of what rounding can "
        "come to in it, 2",
    )


TOLERANCE, FP16_TOLERANCE = 0.001, 0.05
"""CK-NNTest's threshold, and one for outputs of the order of 1 summed up in half precision."""
INT8_TOLERANCE, INT8_NETWORK_TOLERANCE = 1.0, 2.0
"""Of a layer in steps of its output, of a network in times of what it makes of other roundings."""
INT8_ADAPTERS = ("onnxruntime", "openvino", "litert", "ncnn")
ARMCL_KINDS = ("armcl-opencl", "armcl-neon")

ARMCL_VERSIONS = (
    *("17.12", "18.01", "18.02", "18.03", "18.05", "18.08", "18.11", "19.02", "19.05", "19.08"),
    *("19.08.1", "19.11", "19.11.1", "20.02", "20.02.1", "20.05", "20.08", "20.11"),
)
ARMCL_TUNER_MODES_SINCE = "19.05"
ARMCL_TABLES_SINCE = "18.03"
ARMCL_BIFROST_SINCE = "18.05"
ARMCL_NHWC_SINCE = "18.08"
ARMCL_INT8_SINCE = "18.05"


class Library(Strict):
    """One library; the file's name without `.yaml` is its name."""

    name: Name
    kind: Literal["opencl-reference", "armcl-opencl", "armcl-neon", "armnn", "ck", "pip"] = Field(
        description="which kind of library; decides how it is installed and run"
    )
    version: str = Field(min_length=1)
    description: str = ""
    operators: dict[Operator, OperatorProgram]
    install: Install | None = Field(default=None, description="how it is installed on the board")
    build: Build | None = Field(
        default=None, description="how its operator programs are compiled; default: on the board"
    )
    adapter: Adapter | None = Field(default=None, description="kind pip: which library it is")
    settings: dict[Tuner, dict[str, Setting]] = Field(
        default_factory=dict,
        description="kinds pip and armnn: the library's own options under each tuner's name; "
        "docs/programs.md lists them, and what NONE and DEFAULT stand for where they are not here",
    )
    ck: CkLibrary | None = Field(
        default=None, description="kind ck: package or software, and programs, of CK"
    )
    protocol: Literal["process", "in-process"] = Field(
        default="process",
        description="a repetition is a new process, or a further timed run of one process",
    )
    repetitions_per_process: int = Field(
        default=1, ge=1, description="with protocol in-process: timed runs in each process"
    )
    warmup: Warmup = Field(default="always", description="tuner-only: as the 2018 programs did")
    timeout_s: Seconds = Field(default=300.0, description="limit for one process")
    tuner_mode: Literal["exhaustive", "normal", "rapid"] = "rapid"
    tuner_table: HerePath | None = Field(
        default=None,
        description="file here with tuned local sizes of an earlier run, for the tuner CUSTOM",
    )
    data_type: Literal["fp32", "fp16", "int8"] = Field(
        default="fp32",
        description="int8: kinds pip and armcl-…, quantised by us; docs/programs.md",
    )
    layout: Literal["NCHW", "NHWC"] = Field(
        default="NCHW", description="layout of tensors in memory"
    )
    opencl_platform: int = Field(default=0, ge=0, description="index of the OpenCL platform")
    opencl_device: int = Field(default=0, ge=0, description="index of the device in it")

    @field_validator("tuner_table")
    @classmethod
    def _is_a_file(cls, value: str | None) -> str | None:
        if value is not None and not Path(value).is_file():
            raise ValueError("there is no such file; the path is relative to where snakemake runs")
        return value

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.kind == "ck" or self.ck is not None:
            self._check_ck()
        self._check_tuner_names()
        if (
            self.data_type == "int8"
            and self.kind not in ARMCL_KINDS
            and self.adapter not in INT8_ADAPTERS
        ):
            raise ValueError(
                f"data_type int8 needs kind pip and one of the adapters {', '.join(INT8_ADAPTERS)}"
                f", or kind {' or '.join(ARMCL_KINDS)}"
            )
        if self.kind == "pip":
            self._check_pip()
        elif self.kind == "armnn":
            self._check_armnn()
        elif self.kind in ARMCL_KINDS:
            self._check_armcl()
        elif self.install is not None or self.build is not None or self.adapter or self.settings:
            raise ValueError(
                f"kind {self.kind} has nothing to install, build or set: remove `install`, "
                "`build`, `adapter` and `settings`"
            )
        if NODE in self.operators and not self.takes_onnx:
            raise ValueError(f"operator {NODE}: only adapters {' and '.join(TAKE_ONNX)} run it")
        # CK-NNTest's programs have a CUSTOM tuner of their own.
        if (
            "CUSTOM" in self.tuners
            and self.tuner_table is None
            and not (self.kind == "ck" or self.is_framework)
        ):
            raise ValueError(
                "the tuner CUSTOM needs `tuner_table`, a file that an earlier run has tuned"
            )
        if self.tuner_table is not None:
            check_tuner_table(Path(self.tuner_table), self.kind)
        return self

    @property
    def chooses_by_layer(self) -> bool:
        """Whether a whole network takes operator and tuner of each layer from a sweep of layers.

        An inference library runs it with one set of options.
        """
        return not self.is_framework

    @property
    def is_framework(self) -> bool:
        """Whether it is an inference library, which runs graphs: layers as networks have them."""
        return self.kind in ("pip", "armnn")

    def tolerance(self, operator: str) -> float:
        """The largest difference from the reference that an operator's outputs may have."""
        said = self.operators[operator].tolerance
        if said is not None:
            return said
        if self.data_type == "int8":
            return INT8_NETWORK_TOLERANCE if operator == NETWORK else INT8_TOLERANCE
        return FP16_TOLERANCE if self.data_type == "fp16" else TOLERANCE

    @property
    def takes_onnx(self) -> bool:
        """Whether it runs ONNX files as they are."""
        return self.adapter in TAKE_ONNX

    @property
    def tuners(self) -> set[str]:
        """The tuners of all operators."""
        return {tuner for program in self.operators.values() for tuner in program.tuners}

    def _check_tuner_names(self) -> None:
        own = FRAMEWORK_TUNERS if self.is_framework else OPENCL_TUNERS
        if unknown := sorted(self.tuners - {*own, *self.settings}):
            raise ValueError(
                f"no tuner '{unknown[0]}': {', '.join(own)}"
                + (f", or one of `settings`: {', '.join(self.settings)}" if self.settings else "")
            )

    def _check_pip(self) -> None:
        if self.adapter is None:
            raise ValueError("kind pip needs `adapter`, e.g. adapter: onnxruntime")
        if not isinstance(self.install, PipInstall):
            raise ValueError(
                "kind pip needs `install`, e.g. install: {way: pip, lock: onnxruntime.lock}"
            )
        if self.build is not None:
            raise ValueError("kind pip has nothing to build: leave `build` out")
        package, lock = PACKAGES[self.adapter], self.install.lock
        pinned = pinned_versions(lock, package)
        if pinned != {self.version}:
            found = f"pins {package} {', '.join(sorted(pinned))}" if pinned else f"has no {package}"
            raise ValueError(
                f"version is {self.version}, but {lock} {found}: `nntest lock` with this file "
                "writes the lock anew" + (", or correct `version`" if pinned else "")
            )

    def _check_armnn(self) -> None:
        if self.adapter is not None or self.build is not None:
            raise ValueError("kind armnn has no `adapter`, and nothing to build: leave both out")
        if not isinstance(self.install, AptInstall | Preinstalled) or (
            isinstance(self.install, AptInstall) and "packages" not in self.install.model_fields_set
        ):
            raise ValueError(
                "kind armnn needs install: {way: apt, packages: [python3-pyarmnn, "
                "libarmnn-cpuacc-backend22]}, or {way: preinstalled}"
            )
        if isinstance(self.install, Preinstalled) and self.install.model_fields_set - {"way"}:
            raise ValueError("kind armnn takes what Python finds: leave `prefix` and `kernels` out")

    def _check_ck(self) -> None:
        if self.kind != "ck":
            raise ValueError(f"`ck` needs kind ck, not {self.kind}")
        if self.ck is None:
            raise ValueError("kind ck needs `ck`, e.g. ck: {library: {package: …, tags: …}}")
        refused_with_ck(self.model_fields_set)

    def _check_armcl(self) -> None:
        if self.adapter or self.settings or isinstance(self.install, PipInstall):
            raise ValueError("`adapter`, `settings` and install: {way: pip} belong to kind pip")
        if self.install is None:
            raise ValueError(f"kind {self.kind} needs `install`, e.g. install: {{way: apt}}")
        if self.version not in ARMCL_VERSIONS:
            raise ValueError(
                f"version '{self.version}' is not supported; one of: {', '.join(ARMCL_VERSIONS)}"
            )
        if (self.opencl_platform, self.opencl_device) != (0, 0):
            raise ValueError(
                "Arm Compute Library takes the first OpenCL device: leave `opencl_platform` and "
                "`opencl_device` out"
            )
        backend = self.kind.removeprefix("armcl-")
        if isinstance(self.install, SourceInstall) and not getattr(self.install, backend):
            raise ValueError(f"kind {self.kind} needs install: {backend}: true")
        built_here = isinstance(self.install, SourceInstall) and self.install.where == "here"
        if isinstance(self.build, BuildHere) and self.build.sysroot is None and not built_here:
            raise ValueError(
                "build: {where: here} needs `sysroot`, a folder with the board's libraries and "
                "headers, unless install: {way: source, where: here} builds the library here"
            )
        if self.layout == "NHWC" and self._is_before(ARMCL_NHWC_SINCE):
            raise ValueError(f"layout NHWC needs version {ARMCL_NHWC_SINCE} or later")
        if self.data_type == "int8" and self._is_before(ARMCL_INT8_SINCE):
            raise ValueError(f"data_type int8 needs version {ARMCL_INT8_SINCE} or later")
        self._check_armcl_tuners()

    def _check_armcl_tuners(self) -> None:
        tuners = self.tuners
        if self.kind == "armcl-neon" and tuners != {"NONE"}:
            raise ValueError(
                f"tuners choose OpenCL work sizes: kind armcl-neon has NONE, not "
                f"{min(tuners - {'NONE'})}"
            )
        for tuner, since in (("CUSTOM", ARMCL_TABLES_SINCE), ("BIFROST", ARMCL_BIFROST_SINCE)):
            if tuner in tuners and self._is_before(since):
                raise ValueError(f"the tuner {tuner} needs version {since} or later")
        if (
            "DEFAULT" in tuners
            and self.tuner_mode != "exhaustive"
            and self._is_before(ARMCL_TUNER_MODES_SINCE)
        ):
            raise ValueError(
                f"the tuner of {self.version} always searches exhaustively: "
                "set tuner_mode: exhaustive"
            )

    def _is_before(self, version: str) -> bool:
        return version_key(self.version) < version_key(version)


def version_key(version: str) -> tuple[int, ...]:
    """A version as numbers that compare: 20.02.1 -> (20, 2, 1)."""
    return tuple(int(number) for number in re.findall(r"\d+", version))
