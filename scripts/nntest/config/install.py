"""How a library comes to a board, and how its operator programs are compiled."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from nntest.config.fields import Name, Strict

# These reach make, scons and compilers on a board: no blanks, nothing that a shell or make reads.
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_./+=,:@-]+$", max_length=500)]
BoardFolder = Annotated[str, Field(pattern=r"^/[A-Za-z0-9_./+-]*$", max_length=500)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="64 hexadecimal digits")]

ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar", ".zip")


def _place(value: str) -> str:
    """A URL that is fetched over http(s), or a path on this machine."""
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", value)
    if scheme and scheme.group(1) not in ("http", "https"):
        raise ValueError(
            f"'{scheme.group(1)}:' is not supported: give an http or https URL, or a path "
            "on this machine"
        )
    if value.startswith("-") or not value.isprintable():
        raise ValueError("expected a URL or a path on this machine")
    return value


def _archive(value: str) -> str:
    if not value.split("?")[0].endswith(ARCHIVE_SUFFIXES):
        raise ValueError(f"expected a file name that ends in {', '.join(ARCHIVE_SUFFIXES)}")
    return _place(value)


def _repository(value: str) -> str:
    """What git may be asked to clone: not `ext::` and its like, which run commands."""
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", value)
    if scheme and scheme.group(1) not in ("http", "https", "ssh", "git", "file"):
        raise ValueError(f"'{scheme.group(1)}:' is not the address of a git repository")
    if value.startswith("-") or not value.isprintable() or "::" in value:
        raise ValueError("expected the address of a git repository")
    return value


Archive = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_archive)]
Repository = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_repository)]


class AptInstall(Strict):
    """Debian or Ubuntu packages; needs root on the board, or sudo without a password."""

    way: Literal["apt"]
    packages: list[Name] = Field(default=["libarm-compute-dev"], min_length=1)


class Preinstalled(Strict):
    """Already on the board, built or installed by hand."""

    way: Literal["preinstalled"]
    prefix: BoardFolder | None = Field(
        default=None,
        description="folder on the board with include/ and lib/ (or build/); default: the system's",
    )
    kernels: BoardFolder | None = Field(
        default=None, description="folder of the .cl files, if they are not built into the library"
    )


class SourceInstall(Strict):
    """Built by scons from sources that this machine fetches: on the board, or here for it."""

    way: Literal["source"]
    where: Literal["board", "here"] = Field(
        default="board",
        description="here: on this machine, by a cross compiler; the library is sent to the board",
    )
    git: Repository | None = Field(default=None, description="URL, or a path on this machine")
    tag: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/+-]*$")] | None = None
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = Field(
        default=None, description="40 digits; beside a tag: what the tag must be"
    )
    archive: Archive | None = Field(default=None, description="instead of `git`: URL or path")
    sha256: Sha256 | None = Field(default=None, description="SHA-256 of the archive")
    opencl: bool = True
    neon: bool = Field(default=True, description="NEON kernels; always off on x86-64")
    graph: bool = Field(default=False, description="the graph library; needs opencl and neon")
    embed_kernels: bool = Field(default=True, description="OpenCL kernels inside of the library")
    openmp: bool = False
    cppthreads: bool = True
    arch: Word | None = Field(
        default=None, description="scons' arch; default: from the probe, e.g. arm64-v8a"
    )
    extra_cxx_flags: list[Word] = Field(
        default_factory=list, description="compiler flags, after the library's own"
    )
    options: list[Annotated[str, Field(pattern=r"^[a-z_0-9]+=[A-Za-z0-9_./+,:@-]*$")]] = Field(
        default_factory=list, description="further arguments of scons, e.g. asserts=1"
    )
    compiler: Word | None = Field(
        default=None,
        description="default: g++; for another machine, with where: here, Debian's cross compiler",
    )
    jobs: Annotated[int, Field(ge=1, le=256)] | None = Field(
        default=None, description="parallel compilers; default: one for each core and GB of memory"
    )

    @model_validator(mode="after")
    def _is_one_source(self) -> Self:
        if (self.git is None) == (self.archive is None):
            raise ValueError("way source needs either `git` or `archive`")
        if self.git is not None and self.tag is None and self.commit is None:
            raise ValueError("`git` needs a `tag` or a `commit`")
        if self.git is None and (self.tag is not None or self.commit is not None):
            raise ValueError("`tag` and `commit` go with `git`, not with `archive`")
        if (self.archive is None) != (self.sha256 is None):
            raise ValueError("`archive` and `sha256` go together")
        if self.graph and not (self.opencl and self.neon):
            raise ValueError("the graph library needs both `opencl` and `neon`")
        if not (self.opencl or self.neon):
            raise ValueError("set `opencl` or `neon`: without both nothing can be measured")
        own = {"opencl", "neon", "embed_kernels", "openmp", "cppthreads", "arch", "build", "os"}
        taken = own & {word.split("=")[0] for word in self.options}
        taken |= {"extra_cxx_flags"} & {word.split("=")[0] for word in self.options}
        if taken:
            raise ValueError(f"`options` may not set {', '.join(sorted(taken))}")
        return self


class ReleaseInstall(Strict):
    """One of Arm's archives of binaries, fetched by this machine; its part for the board is sent.

    The folder below lib/ is chosen by the board's architecture and the kind, unless it is named.
    """

    way: Literal["release"]
    archive: Archive = Field(description="URL, or a path on this machine")
    sha256: Sha256
    folder: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")] | None = Field(
        default=None, description="folder below the archive's lib/, e.g. linux-arm64-v8a-neon-cl"
    )


class PipInstall(Strict):
    """Wheels of the Python package index, fetched by this machine and sent to the board."""

    way: Literal["pip"]
    lock: Path = Field(
        description="what exactly is installed, each wheel by its hash, from the folder of this "
        "file; `nntest lock` writes it"
    )

    @field_validator("lock")
    @classmethod
    def _below_the_file(cls, value: Path, info: ValidationInfo) -> Path:
        path = Path((info.context or {}).get("folder", "")) / value
        if not path.is_file():
            raise ValueError(f"there is no file {path}; `nntest lock` writes it")
        return path

    def sha256(self) -> str:
        """Of the lock file."""
        return hashlib.sha256(self.lock.read_bytes()).hexdigest()


class BuildOnBoard(Strict):
    """Operator programs are compiled on the board."""

    where: Literal["board"]
    compiler: Word = "g++"
    flags: list[Word] = Field(default=["-O2"])


class BuildHere(Strict):
    """Operator programs are compiled on the machine that runs the workflow, and copied."""

    where: Literal["here"]
    sysroot: Word | None = Field(
        default=None,
        description="folder on this machine with the board's libraries and headers; not needed "
        "for a library that is built here, too",
    )
    compiler: Word | None = Field(
        default=None, description="default: g++; for another machine Debian's cross compiler for it"
    )
    flags: list[Word] = Field(default=["-O2"])


Install = Annotated[
    AptInstall | Preinstalled | SourceInstall | ReleaseInstall | PipInstall,
    Field(discriminator="way"),
]
Build = Annotated[BuildOnBoard | BuildHere, Field(discriminator="where")]
