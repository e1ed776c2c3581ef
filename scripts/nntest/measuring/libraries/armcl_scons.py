"""How scons builds Arm Compute Library, and what old versions of its files need."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nntest.config.install import SourceInstall
from nntest.errors import UserError

ARCHITECTURES = {
    "aarch64": "arm64-v8a",
    "armv7l": "armv7a",
    "armv8l": "armv7a",
    "x86_64": "x86_64",
}
"""scons' word for what `uname -m` says."""

LEFT_OUT = ("data", "documentation", "documentation.xhtml", "docs")
"""Folders of the sources that nothing is built from; they are most of the repository."""
HEADERS = ("arm_compute", "include", "support", "src")


def architecture(way: SourceInstall, machine: str, where: str) -> str:
    """The word for scons' `arch`.  Raises `UserError` for a machine that ArmCL is not made for."""
    return way.arch or architecture_of(machine, where)


def architecture_of(machine: str, where: str) -> str:
    """Scons' word for a machine.  Raises `UserError` for one that ArmCL is not made for."""
    if machine not in ARCHITECTURES:
        raise UserError(
            f"{where}: Arm Compute Library is not made for a {machine}",
            f"it is for {', '.join(ARCHITECTURES)}; or set install: arch:",
        )
    return ARCHITECTURES[machine]


def has_neon(way: SourceInstall, arch: str) -> bool:
    """Whether NEON is compiled: ArmCL's scons refuses it for x86."""
    return way.neon and "x86" not in arch


def words(way: SourceInstall, arch: str, cross: bool) -> list[str]:
    """The arguments of scons, `name=value`; `cross`: for another kind of machine."""
    neon = has_neon(way, arch)
    switches = {
        "opencl": way.opencl,
        "neon": neon,
        "embed_kernels": way.embed_kernels,
        "openmp": way.openmp,
        "cppthreads": way.cppthreads,
        "examples": False,
        "Werror": False,  # a later compiler warns of more than the one it was written for
    }
    own = {word.split("=")[0] for word in way.options}
    flags = [f"extra_cxx_flags={' '.join(way.extra_cxx_flags)}"] if way.extra_cxx_flags else []
    return [
        "os=linux",
        f"build={'cross_compile' if cross else 'native'}",
        f"arch={arch}",
        *(f"{name}={int(on)}" for name, on in switches.items() if name not in own),
        *flags,
        *way.options,
    ]


def targets(way: SourceInstall, arch: str) -> list[str]:
    """What scons builds: the shared libraries, and not all objects a second time for static ones.

    scons makes the graph library by itself where there are OpenCL and NEON.
    """
    names = ["arm_compute", "arm_compute_core"]
    if way.graph and has_neon(way, arch):
        names.append("arm_compute_graph")
    return [f"build/lib{name}.so" for name in names]


# -- files for another Python than scons' own --------------------------------------------------

_PRINT = re.compile(r"^(\s*)print (?!\s*\()(.*\S)\s*$", re.MULTILINE)
_BYTES = "src.get_contents().splitlines()"
_VERSION_CHECK = re.compile(
    r"^def version_at_least\(version, required\):\n(?:[ \t].*\n|\n)*?[ \t]+for i in "
    r"range\(0, end, 2\):\n(?:[ \t].*\n|\n)*",
    re.MULTILINE,
)
_VERSION_CHECK_BY_NUMBERS = """\
def version_at_least(version, required):
    if not isinstance(version, str):
        version = version.decode("ascii")
    parts = [[int(part) for part in text.split(".") if part.isdigit()]
             for text in (version, required)]
    return parts[0] >= parts[1][:len(parts[0])]

"""
_NO_HASH = 'git_hash="unknown"'


def wants_python2(tree: Path) -> bool:
    """Whether scons must run on Python 2 to take the files as they are."""
    return any(
        _PRINT.search(text) is not None or _BYTES in text for text in _scons_files(tree).values()
    )


def adapt(tree: Path, python_major: int, revision: str | None) -> list[str]:
    """Edit scons' files in a copy of the sources so that they do what they mean; what was done.

    For Python 3, prints become calls (up to 18.05), and kernels' sources are decoded before they
    are searched (up to 19.02).  Compilers' versions are compared as numbers: by their digits, as
    up to 20.08, GCC 12 is older than 4.9.  A tree without its git history is given its
    revision, so that the library's own words name it.
    """
    done = []
    for path, text in _scons_files(tree).items():
        edited = text
        name = path.relative_to(tree)
        if python_major >= 3:
            edited, count = _PRINT.subn(r"\1print(\2)", edited)
            if count:
                done.append(f"{name}: {count} print statements made calls, for Python 3")
            if _BYTES in edited:
                edited = edited.replace(_BYTES, "src.get_contents().decode('utf-8').splitlines()")
                done.append(f"{name}: kernels' sources decoded as UTF-8, for Python 3")
        edited, count = _VERSION_CHECK.subn(lambda _: _VERSION_CHECK_BY_NUMBERS, edited)
        if count:
            done.append(f"{name}: compilers' versions compared as numbers, not by their digits")
        if revision and _NO_HASH in edited:
            edited = edited.replace(_NO_HASH, f'git_hash="{revision}"')
            done.append(f"{name}: the git hash of sources without a history is {revision}")
        if edited != text:
            path.write_text(edited, encoding="utf-8")
    return done


def _scons_files(tree: Path) -> Mapping[Path, str]:
    paths = [tree / "SConstruct", *sorted(tree.rglob("SConscript"))]
    return {
        path: path.read_text(encoding="utf-8", errors="surrogateescape")
        for path in paths
        if path.is_file()
    }


def check_tree(tree: Path, way: SourceInstall, version: str, where: str) -> None:
    """Raise `UserError` unless the folder holds the sources of that version."""
    source = way.archive or way.git
    script = tree / "SConscript"
    if not (tree / "SConstruct").is_file() or not script.is_file():
        raise UserError(f"{where}: {source} has no SConstruct: not Arm Compute Library's sources?")
    found = re.search(r'^VERSION = "v?([^"]+)"', script.read_text("utf-8", "replace"), re.MULTILINE)
    if found and found.group(1) != version:
        raise UserError(
            f"{where}: {source} is version {found.group(1)}, the library's file says {version}",
            "set `version` and the tag (or the archive) to the same release",
        )


def record(way: SourceInstall, arch: str, cross: bool, revision: str | None) -> dict[str, Any]:
    """What a result says of the sources and the options."""
    return {
        "way": "source",
        "from": way.git or way.archive,
        "tag": way.tag,
        "sha256": way.sha256,
        "revision": revision,
        "scons_words": words(way, arch, cross),
    }
