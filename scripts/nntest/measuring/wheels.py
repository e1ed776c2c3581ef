"""Wheels for a board: those of a lock file that fit its Python, processor and libc.

This machine fetches them, through pip and the package index that pip is set up with, and checks
each by its hash: boards often have no way to the internet.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import Version

from nntest.config.wheel_lock import read_lock
from nntest.errors import UserError

DOWNLOAD_TIMEOUT_S = 1800.0
WHEELS = Path(".cache") / "wheels"
"""Below the project: what was fetched for boards, so that it is fetched once."""

# PEP 600's older names for what glibc of a platform tag is needed.
_LEGACY = {(2, 17): "manylinux2014", (2, 12): "manylinux2010", (2, 5): "manylinux1"}
_OLDEST_GLIBC = {"x86_64": 5, "i686": 5}  # 2.17 elsewhere


@dataclass(frozen=True)
class Target:
    """What a wheel must fit."""

    python: str
    """Version, e.g. 3.11.7."""
    machine: str
    """Architecture of the interpreter, e.g. aarch64; armv7l where a 32-bit one runs."""
    libc: tuple[str, str]
    """(glibc or musl, version); ("", "") where it is unknown."""
    system: str = "Linux"

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Target:
        """That of a probed board."""
        python = facts["python"]
        name, version = python["libc"]
        return cls(python["version"], python["machine"], (name, version), python["system"])

    @property
    def tag(self) -> str:
        """Tag of its CPython, e.g. cp311."""
        return "cp" + "".join(self.python.split(".")[:2])

    def platforms(self) -> list[str]:
        """Platform tags of wheels that run on it, best first (PEP 600, PEP 656)."""
        name, version = self.libc
        numbers = [int(number) for number in re.findall(r"\d+", version)[:2]]
        if len(numbers) < 2 or name not in ("glibc", "musl"):
            return [f"linux_{self.machine}"]
        major, minor = numbers
        if name == "musl":
            return [f"musllinux_{major}_{found}_{self.machine}" for found in range(minor, -1, -1)]
        tags = []
        for found in range(minor, _OLDEST_GLIBC.get(self.machine, 17) - 1, -1):
            tags.append(f"manylinux_{major}_{found}_{self.machine}")
            if (major, found) in _LEGACY:
                tags.append(f"{_LEGACY[major, found]}_{self.machine}")
        return [*tags, f"linux_{self.machine}"]

    def markers(self) -> dict[str, str]:
        """What a lock file's environment markers are evaluated with."""
        return {
            "python_version": ".".join(self.python.split(".")[:2]),
            "python_full_version": self.python,
            "platform_machine": self.machine,
            "sys_platform": "linux" if self.system == "Linux" else self.system.lower(),
            "platform_system": self.system,
            "os_name": "posix",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
        }

    def __str__(self) -> str:
        libc = " ".join(self.libc).strip() or "an unknown libc"
        return f"Python {self.python} on {self.machine}, {libc}"


def locked(lock: Path, target: Target) -> list[str]:
    """The lines of a lock file that count for a target: `name==version --hash=…`, no markers.

    Raises `UserError` for a line that pins neither a version nor a hash.
    """
    return [
        f"{requirement.name}{requirement.specifier}"
        + "".join(f" --hash={digest}" for digest in hashes)
        for requirement, hashes in read_lock(lock)
        if requirement.marker is None or requirement.marker.evaluate(target.markers())
    ]


def fetch_wheels(lock: Path, target: Target, folder: Path, where: str) -> list[Path]:
    """Have pip fetch a lock's wheels for a target into a folder, or find them there; their paths.

    On this machine they mostly come out of pip's cache.  Raises `UserError` when no wheel fits,
    when one has another hash, and when the package index cannot be reached.
    """
    pins = "\n".join(locked(lock, target)) + "\n"
    asked = folder / "requirements.txt"
    if asked.is_file() and asked.read_text(encoding="utf-8") == pins:
        return sorted(folder.glob("*.whl"))
    with _made_whole(folder) as fresh:
        (fresh / asked.name).write_text(pins, encoding="utf-8")
        words = [
            *("--no-deps", "--require-hashes", "--requirement", str(fresh / asked.name)),
            # The lock has decided for which Python a package is; some refuse newer ones needlessly.
            "--ignore-requires-python",
        ]
        _pip("download", [*words, *_only_fitting(target)], target, fresh, where)
    return sorted(folder.glob("*.whl"))


def fetch_package(requirement: str, target: Target, folder: Path, where: str) -> list[Path]:
    """Have a package of pure Python, and what it needs, as wheels in a folder; their paths.

    For packages that the index has as sources alone: its wheel is made here.  Nothing is pinned
    but what `requirement` says.  What is there already is taken.  Raises as `fetch_wheels` does.
    """
    if not folder.is_dir():
        with _made_whole(folder) as fresh:
            _pip("wheel", ["--no-deps", requirement], target, fresh, where)
            (wheel,) = fresh.glob("*.whl")
            _pip("download", [*_only_fitting(target), str(wheel)], target, fresh, where)
    return sorted(folder.glob("*.whl"))


def releases(package: str, target: Target, where: str) -> list[str]:
    """The released versions that have a wheel for a target, oldest first, by pip's index.

    Raises `UserError` where the package index has none, or cannot be reached.
    """
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "index", "versions", package, "--no-input"),
            *("--disable-pip-version-check", "--ignore-requires-python", *_only_fitting(target)),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    listed = re.search(r"Available versions: (.+)", done.stdout)
    if listed is None:
        raise _failure(done.stdout + done.stderr, target, where)
    return sorted((version.strip() for version in listed[1].split(",")), key=Version)


def _only_fitting(target: Target) -> list[str]:
    """Options of pip: wheels for a target alone."""
    return [
        *("--only-binary", ":all:", "--implementation", "cp", "--python-version", target.python),
        *("--abi", target.tag, "--abi", "abi3", "--abi", "none"),
        *(word for name in target.platforms() for word in ("--platform", name)),
    ]


@contextmanager
def _made_whole(folder: Path) -> Iterator[Path]:
    """An empty folder, which takes the other one's place once all that belongs in it is there."""
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    yield fresh
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def _pip(action: str, words: list[str], target: Target, folder: Path, where: str) -> None:
    """Have pip put wheels into a folder; raises `UserError` for whatever keeps it from that."""
    command = [
        *(sys.executable, "-m", "pip", action, "-vv", "--no-input", "--disable-pip-version-check"),
        *("--wheel-dir" if action == "wheel" else "--dest", str(folder), *words),
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=DOWNLOAD_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise UserError(
            f"{where}: pip has fetched no wheels within {DOWNLOAD_TIMEOUT_S:g} s",
            "is the package index within reach? pip config list says which one it is",
        ) from None
    if done.returncode != 0:
        raise _failure(done.stdout + done.stderr, target, where)


def _failure(said: str, target: Target, where: str) -> UserError:
    """What pip's words mean."""
    if re.search(r"DO NOT MATCH THE HASHES", said):
        found = re.search(r"\s(\S+==\S+|\S+) from \S+?([^/\s]+\.whl)", said)
        return UserError(
            f"{where}: the package index has another {found.group(2) if found else 'wheel'} than "
            "the lock file's hashes allow",
            "if the new one is meant, `nntest lock` writes the file anew",
        )
    missing = re.search(r"No matching distribution found for ([^\s(]+)", said)
    if re.search(
        r"(NewConnectionError|ConnectTimeout|connection error:|Temporary failure|Name or service)",
        said,
    ):
        return UserError(
            f"{where}: the package index cannot be reached",
            "run again where it can; wheels that have been fetched once are kept",
        )
    if missing is None:
        words = " | ".join(line for line in said.strip().splitlines()[-3:])
        return UserError(f"{where}: pip cannot fetch its wheels: {words[-600:]}")
    name, _, version = missing.group(1).partition("==")
    return UserError(
        f"{where}: no wheel of {name} {version} fits {target}", _would_fit(said, name, version)
    )


def _would_fit(said: str, name: str, version: str) -> str:
    """The wheels of a version that pip passed over, in words."""
    stem = "[-_.]".join(re.escape(part) for part in re.split(r"[-_.]", name))
    tags = set(
        re.findall(rf"\b{stem}-{re.escape(version)}-([\w.]+-[\w.]+-[\w.]+)\.whl", said, re.I)
    )
    tags = {tag for tag in tags if "linux" in tag} or tags
    if not tags:
        return (
            "the package index has no wheel of that version: name another one; a library's lock "
            "is written anew by `nntest lock`"
        )
    pythons = sorted({tag.split("-")[0] for tag in tags}, key=lambda tag: (len(tag), tag))
    platforms = sorted({tag.split("-")[2].split(".")[0] for tag in tags})
    return (
        f"there are wheels for {', '.join(_readable(pythons))} and {', '.join(platforms)}: "
        "name another version, or another Python in the board's file (`python`)"
    )


def _readable(tags: Iterable[str]) -> list[str]:
    """cp311 -> CPython 3.11."""
    return [re.sub(r"^cp(\d)(\d+)$", r"CPython \1.\2", tag) for tag in tags]
