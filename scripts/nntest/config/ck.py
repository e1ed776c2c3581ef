"""Boards and libraries that Collective Knowledge (CK) drives itself."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from nntest.config.fields import BoardPath, HerePath, Name, Seconds, Strict

# What CK takes for the name of an entry, and nothing that it would take for more than one.
_Entry = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=200)]
_Tags = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:+,-]+$", max_length=500)]
_Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=100)]


class CkRepository(Strict):
    """A repository of CK: there already, on the board, in an archive here, or to be pulled."""

    name: _Entry
    url: str | None = Field(default=None, min_length=1, description="git URL for `ck pull`")
    path: BoardPath | None = Field(
        default=None, description="folder on the board, for `ck add repo`"
    )
    archive: HerePath | None = Field(
        default=None,
        min_length=1,
        description="tar file, zip file or folder on this machine; it is copied",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.url, self.path, self.archive)) > 1:
            raise ValueError("give one of `url`, `path` and `archive`, not several")
        return self


class CkHarness(Strict):
    """How Collective Knowledge is called on a board, and what it needs to be there."""

    command: str | None = Field(
        default=None, min_length=1, description="how `ck` is called; default: ck"
    )
    pip: str | None = Field(
        default=None,
        pattern=r"^ck(==[0-9][0-9A-Za-z.]*)?$",
        description="ck, or ck==VERSION: install it from PyPI into a folder of its own",
    )
    where: Literal["board", "here"] = Field(
        default="board",
        description="with pip: the board fetches it by its own pip; or this machine does, for the "
        "board's Python, and sends it: the board needs neither pip nor the internet",
    )
    python: str | None = Field(
        default=None,
        min_length=1,
        description="with pip: the Python that runs CK, 2.7 or 3; default: the board's",
    )
    repositories_dir: str | None = Field(
        default=None,
        description="CK_REPOS; default: CK's own, with pip a folder in the board's work folder",
    )
    tools_dir: str | None = Field(default=None, description="CK_TOOLS; default: as for CK_REPOS")
    repositories: list[CkRepository] = Field(
        default=[CkRepository(name="ck-nntest")], description="registered in this order"
    )
    user: str = Field(
        default="nntest-flow", description="user name, the answer to CK's first prompt"
    )
    fixed_sleeps: bool = Field(
        default=True,
        description="false: without CK's pauses of 3.5 s a point, as no published run was measured",
    )
    quiet_timeout_s: Seconds = Field(
        default=3600.0,
        description="longest time that one of CK's install commands may print nothing",
    )
    overhead_s: Seconds = Field(
        default=600.0,
        description="what CK may take for a point beside its program's own `timeout_s`: compiling, "
        "sleeping, writing",
    )

    @field_validator("repositories", mode="before")
    @classmethod
    def _short_names(cls, value: object) -> object:
        if isinstance(value, list):
            return [{"name": item} if isinstance(item, str) else item for item in value]
        return value

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.command is not None and self.pip is not None:
            raise ValueError("give `command` (CK is installed) or `pip` (install it), not both")
        if self.python is not None and self.pip is None:
            raise ValueError("`python` needs `pip`: an installed CK has its own Python")
        if self.where == "here" and self.pip is None:
            raise ValueError("`where: here` needs `pip`, e.g. pip: ck==2.6.4")
        if self.where == "here" and self.python is not None:
            raise ValueError(
                "`where: here` is for the board's own Python: remove `python` here (the board's "
                "file may have one), or let the board fetch CK"
            )
        names = [repository.name for repository in self.repositories]
        if len(set(names)) < len(names):
            raise ValueError(f"repositories listed twice: {', '.join(sorted(set(names)))}")
        return self


class CkDetect(Strict):
    """Software that is on the board, to be registered by ``ck detect soft:``."""

    detect: _Entry = Field(description="CK's soft entry, e.g. lib.armcl or compiler.gcc")
    tags: _Tags = Field(description="tags by which it is found once it is registered")
    path: str | None = Field(default=None, min_length=1, description="full path of its file")
    version: str | None = Field(default=None, min_length=1, description="version that CK records")
    extra_tags: _Tags | None = None
    extra_name: str | None = Field(default=None, description="added to its name, e.g. (opencl)")


class CkPackage(Strict):
    """A package that CK installs."""

    package: _Entry = Field(description="e.g. lib-armcl-opencl-18.05")
    tags: _Tags = Field(description="tags by which it is found once it is installed")
    options: dict[_Variable, str] = Field(
        default_factory=dict, description="its variables, e.g. USE_NEON: ON"
    )


CkSoftware = CkDetect | CkPackage

CK_NEEDS: list[CkSoftware] = [
    CkDetect(detect="compiler.gcc", tags="compiler,gcc"),
    CkDetect(detect="lib.opencl", tags="lib,opencl", version="1.2"),
    CkPackage(package="lib-rtl-xopenme", tags="lib,xopenme"),
    CkPackage(package="lib-nntest", tags="lib,nntest"),
]
"""What every ArmCL program of CK-NNTest is compiled with."""


class CkLibrary(Strict):
    """A library as CK installs or finds it, and the programs that measure it."""

    library: CkSoftware
    needs: list[CkSoftware] = Field(default=CK_NEEDS, description="installed before it, in order")
    backend: Literal["armcl-opencl", "caffe-cpu", "caffe-opencl", "tensorflow-cpu"] = Field(
        default="armcl-opencl", description="last part of the programs' names"
    )
    programs: dict[Name, _Entry] = Field(
        default_factory=dict,
        description="program names by operator, where they are not OPERATOR-BACKEND",
    )

    def program(self, operator: str) -> str:
        """The program of CK-NNTest that measures an operator."""
        return self.programs.get(operator, f"{operator}-{self.backend}")


_NATIVE_KEYS = (
    *("install", "build", "protocol", "repetitions_per_process", "warmup", "tuner_mode"),
    *("tuner_table", "data_type", "layout", "opencl_platform", "opencl_device"),
)


def refused_with_ck(given: set[str]) -> None:
    """`ValueError` for keys of a library's file that CK's own programs do not support."""
    refused = [key for key in _NATIVE_KEYS if key in given]
    if refused:
        raise ValueError(
            f"CK's programs do not support {', '.join(f'`{key}`' for key in refused)}: remove it"
        )
