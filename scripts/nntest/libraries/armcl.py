"""armcl-opencl: Arm Compute Library on a board's GPU, with C++ operator programs of this project.

The library is installed from packages, or found where it is.  The programs are compiled on the
board, or here by a cross compiler, into a folder of the board's work folder whose name says from
what; a marker with the library's checksum, written last, says that they are whole.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nntest.codehash import ONBOARD, module_file, source_hash
from nntest.config.board import Board
from nntest.config.library import (
    AptInstall,
    Build,
    BuildHere,
    BuildOnBoard,
    Install,
    Preinstalled,
)
from nntest.errors import UserError
from nntest.libraries.armcl_build import Compilation, compile_here, compile_on_board
from nntest.libraries.base import Installed, LibraryKind
from nntest.onboard import call, deploy
from nntest.transport import Transport

FOLDER = ONBOARD / "armcl"
MARKER = "built.json"

FIND_TIMEOUT_S = 60.0
APT_TIMEOUT_S = 3600.0
ROOM_FOR_LIBRARY_MB = 600
"""Packages, what they depend on, and apt's lists."""
ROOM_FOR_PROGRAMS_MB = 20


@dataclass(frozen=True)
class Found:
    """What `find_library.py` says of a board."""

    files: list[dict[str, str]]
    """[{name, path, sha256}] of the shared libraries."""
    headers: list[str]
    version: str | None
    options: str | None
    git_hash: str | None
    packages: dict[str, dict[str, str]]
    tools: dict[str, str | None]
    is_root: bool

    def is_whole(self, packages: list[str]) -> bool:
        """Whether it can be compiled against, and dpkg has left nothing half done."""
        states = [self.packages[name]["status"] for name in packages if name in self.packages]
        return bool(self.files and self.headers) and all(state == "ii" for state in states)

    def release(self) -> str | None:
        """The release, e.g. 20.08: from the library itself, else from its package."""
        versions = [self.version or "", *(entry["version"] for entry in self.packages.values())]
        for version in versions:
            numbers = re.match(r"v?(\d\d\.\d\d(?:\.\d+)?)(?!\d)", version)
            if numbers:
                return numbers.group(1)
        return None

    def checksum(self) -> str:
        """SHA-256 over the library's binaries."""
        lines = [f"{file['name']} {file['sha256']}\n" for file in self.files]
        return hashlib.sha256("".join(lines).encode()).hexdigest()


class ArmCL(LibraryKind):
    """Needs an OpenCL driver on the board; for the rest see `install` in the library's file."""

    @property
    def _install(self) -> Install:
        assert self.library.install is not None  # the config checks it
        return self.library.install

    @cached_property
    def _build(self) -> Build:
        return self.library.build or BuildOnBoard(where="board")

    def install(self, transport: Transport, board: Board, facts: Mapping[str, Any]) -> Installed:
        """Install or find the library, compile the programs unless they are there, try one."""
        where = f"board {board.name}, library {self.library.name}"
        programs = deploy(transport, board)
        found = self._find(transport, board)
        if isinstance(self._install, AptInstall):
            found = self._apt(transport, board, found, where)
        release = self._check_library(found, where)
        device = self._device(transport, board, where)
        folder = self._programs_folder(board, programs)
        compiler = self._compile(transport, board, found, programs, facts, where)
        version = release
        if found.git_hash and re.fullmatch(r"[0-9a-f]{7,40}", found.git_hash):
            version += f"-{found.git_hash[:7]}"  # as CK adds it
        return Installed(
            library=self.library.name,
            version=version,
            tag=f"arm-compute-library-opencl-{version}",
            checksum=self._checksum(found),
            device=device,
            details={
                "library_files": found.files,
                "library_checksum": found.checksum(),
                "build": found.options,
                "packages": found.packages,
                "programs": folder,
                "sources": source_hash(self.sources()),
                "compiler": compiler,
            },
        )

    def is_current(self, installed: Installed) -> bool:
        """See `LibraryKind.is_current`; whether the board's own library changed is not asked."""
        return installed.details.get("sources") == source_hash(self.sources())

    # -- the library -----------------------------------------------------------------------

    def _find(self, transport: Transport, board: Board) -> Found:
        way = self._install
        wanted = {
            "prefix": (way.prefix or "") if isinstance(way, Preinstalled) else "",
            "packages": way.packages if isinstance(way, AptInstall) else [],
            "compiler": self._build.compiler if isinstance(self._build, BuildOnBoard) else "make",
        }
        return Found(**call(transport, board, "armcl/find_library.py", json.dumps(wanted)))

    def _apt(self, transport: Transport, board: Board, found: Found, where: str) -> Found:
        """Install what is missing, or finish what an earlier attempt has left half done."""
        assert isinstance(self._install, AptInstall)
        wanted = [] if found.is_whole(self._install.packages) else list(self._install.packages)
        if isinstance(self._build, BuildOnBoard):
            tools = {"make": "make", self._build.compiler: self._build.compiler}
            wanted += [package for tool, package in tools.items() if not found.tools[tool]]
        if not wanted:
            return found
        names = " ".join(wanted)
        if not found.tools["apt-get"]:
            raise UserError(
                f"{where}: {names} is missing, and the board has no apt-get",
                "install it by hand and set install: {way: preinstalled}",
            )
        _need_room(transport, "/var", ROOM_FOR_LIBRARY_MB, where)
        prefix = self._as_root(transport, found, names, where)
        prefix += ["env", "DEBIAN_FRONTEND=noninteractive"]
        apt = [*prefix, "apt-get", "--quiet", "--yes", "--option", "DPkg::Lock::Timeout=120"]
        steps = [
            [*prefix, "dpkg", "--configure", "--pending"],
            [*apt, "update"],
            [*apt, "--no-install-recommends", "install", *wanted],
        ]
        for step in steps:
            done = transport.run(step, timeout_s=APT_TIMEOUT_S)
            if done.status != 0:
                said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-5:]
                raise UserError(
                    f"{where}: installing {names} failed: {' | '.join(said)[-1000:]}",
                    f"try on the board itself: apt-get install {names}",
                )
        return self._find(transport, board)

    @staticmethod
    def _as_root(transport: Transport, found: Found, names: str, where: str) -> list[str]:
        if found.is_root:
            return []
        if found.tools["sudo"]:
            asked = transport.run(["sudo", "-n", "true"], timeout_s=FIND_TIMEOUT_S)
            if asked.status == 0:
                return ["sudo", "-n"]
        raise UserError(
            f"{where}: {names} is missing, and the board's user may not install packages",
            f"on the board: sudo apt-get install {names}; or log in as root",
        )

    def _check_library(self, found: Found, where: str) -> str:
        """Raise `UserError` unless what was found is what the library's file says; its release."""
        way = self._install
        if isinstance(way, Preinstalled):
            place = way.prefix or "the system's folders"
            mend = "set install: prefix: to the folder with include/ and lib/"
        else:
            place = f"the packages {' '.join(way.packages)}"
            mend = "name the packages that have it under install: packages:"
        if not found.files:
            raise UserError(f"{where}: no libarm_compute.so in {place}", mend)
        if not found.headers:
            raise UserError(f"{where}: no arm_compute/core/Types.h in {place}", mend)
        release = found.release()
        if release is None:
            raise UserError(
                f"{where}: which version {found.files[0]['path']} is cannot be told: it says "
                f"'{found.version or 'nothing'}'",
                "build it from a release's tag, so that it knows its version",
            )
        if release != self.library.version:
            raise UserError(
                f"{where}: the board has version {release}, the library's file says "
                f"{self.library.version}",
                f"set version: '{release}' in the library's file, or install the other",
            )
        return release

    @staticmethod
    def _device(transport: Transport, board: Board, where: str) -> dict[str, Any]:
        """The OpenCL device that the library takes: the first."""
        answer = call(transport, board, "opencl_devices.py")
        devices = [device for found in answer["platforms"] for device in found["devices"]]
        if not devices:
            raise UserError(
                f"{where}: no OpenCL device on the board: "
                f"{answer['problem'] or 'the platforms have none'}",
                "install the GPU vendor's OpenCL driver; set LD_LIBRARY_PATH under the board "
                "file's `environment` if it is in a folder of its own",
            )
        return dict(devices[0])

    # -- the programs ----------------------------------------------------------------------

    def _checksum(self, found: Found) -> str:
        """SHA-256 over all that is measured: programs, how they are compiled, the library."""
        parts = [source_hash(self.sources()), self._build.model_dump_json(), found.checksum()]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _programs_folder(self, board: Board, programs: str) -> str:
        """Where the compiled programs are; known without asking the board."""
        spec = [
            source_hash(self.sources()),
            self.library.version,
            self._install.model_dump_json(),
            self._build.model_dump_json(),
        ]
        key = hashlib.sha256("\n".join(spec).encode()).hexdigest()[:12]
        root = posixpath.dirname(posixpath.dirname(programs))
        return posixpath.join(root, "armcl", f"{self.library.name}-{key}")

    def _compile(
        self,
        transport: Transport,
        board: Board,
        found: Found,
        programs: str,
        facts: Mapping[str, Any],
        where: str,
    ) -> str:
        """Compile the programs unless they are there for this very library; the compiler."""
        operators = sorted(self.library.operators)
        missing = [name for name in operators if not (FOLDER / f"{name}.cpp").is_file()]
        if missing:
            there = ", ".join(sorted(path.stem for path in FOLDER.glob("*.cpp")))
            raise UserError(
                f"{where}: no operator program for {', '.join(missing)}", f"there are: {there}"
            )
        folder = self._programs_folder(board, programs)
        marker = posixpath.join(folder, MARKER)
        raw = transport.read(marker)
        wanted = {"library": found.checksum(), "operators": operators}
        if raw is not None:
            built = json.loads(raw)
            if {key: built.get(key) for key in wanted} == wanted:
                return str(built["compiler"])
        transport.run(["rm", "-rf", folder], timeout_s=FIND_TIMEOUT_S).check(where)
        transport.run(["mkdir", "-p", folder], timeout_s=FIND_TIMEOUT_S).check(where)
        _need_room(transport, folder, ROOM_FOR_PROGRAMS_MB, where)
        way = self._install
        compilation = Compilation(
            where=where,
            makefile=posixpath.join(programs, FOLDER.name, "Makefile"),
            folder=folder,
            operators=operators,
            version="{}{}".format(*self.library.version.split(".")[:2]),
            prefix=way.prefix if isinstance(way, Preinstalled) else None,
            files=found.files,
            jobs=_jobs(facts),
        )
        if isinstance(self._build, BuildHere):
            compiler = compile_here(transport, self._build, compilation)
        else:
            compiler = compile_on_board(transport, self._build, compilation, found.tools)
        self._try(transport, board, folder, operators, where)
        content = {**wanted, "compiler": compiler}
        transport.write(marker, json.dumps(content, sort_keys=True).encode())
        return compiler

    @staticmethod
    def _try(
        transport: Transport, board: Board, folder: str, operators: list[str], where: str
    ) -> None:
        """Start each program without a point: it must come as far as missing one."""
        start = (
            'cd "$1" && env -u CK_IN_SHAPE_C ./"$2"; status=$?; '
            "rm -f tmp-nntest-status.json; exit $status"
        )
        for operator in operators:
            done = transport.run(
                ["sh", "-c", start, "sh", folder, operator],
                timeout_s=FIND_TIMEOUT_S,
                environment=board.environment,
            )
            if done.status != 2 or "CK_IN_SHAPE_C" not in done.stderr:
                said = (done.stderr.strip() or done.stdout.strip())[-500:]
                raise UserError(
                    f"{where}: {operator} was compiled, but does not start on the board "
                    f"(status {done.status}): {said}"
                )

    # -- as the plan asks ------------------------------------------------------------------

    def argv(self, board: Board, programs: str, operator: str) -> list[str]:
        """See `LibraryKind.argv`."""
        return [posixpath.join(self._programs_folder(board, programs), operator)]

    def environment(self, tuner_table: str) -> dict[str, str]:
        """See `LibraryKind.environment`."""
        variables = {
            "NNTEST_TUNER_MODE": self.library.tuner_mode,
            "NNTEST_TUNER_TABLE": tuner_table,
            "NNTEST_WARMUP": self.library.warmup,
        }
        if isinstance(self._install, Preinstalled) and self._install.kernels:
            variables["CK_ENV_LIB_ARMCL_CL_KERNELS"] = self._install.kernels
        return variables

    @classmethod
    def installer_sources(cls) -> list[Path]:
        """See `LibraryKind.installer_sources`."""
        return [
            *super().installer_sources(),
            module_file("nntest.libraries.armcl_build"),
            FOLDER / "find_library.py",
        ]

    @staticmethod
    def sources() -> list[Path]:
        """See `LibraryKind.sources`."""
        return [
            path
            for path in sorted(FOLDER.rglob("*"))
            if path.suffix in (".cpp", ".h") or path.name == "Makefile"
        ]

    @staticmethod
    def program(operator: str) -> str:
        """See `LibraryKind.program`."""
        return f"{operator}-armcl-opencl"


def _need_room(transport: Transport, folder: str, megabytes: int, where: str) -> None:
    done = transport.run(["df", "-Pk", folder], timeout_s=FIND_TIMEOUT_S).check(where)
    fields = done.stdout.strip().splitlines()[-1].split()
    free = int(fields[3]) // 1024
    if free < megabytes:
        raise UserError(
            f"{where}: {folder} of the board has {free} MB free; {megabytes} MB are needed",
            "make room on the board, then run the same command again",
        )


def _jobs(facts: Mapping[str, Any]) -> int:
    """Compilers at a time: one takes some 500 MB of memory."""
    cores = sum(int(kind["cores"]) for kind in facts.get("cpus", []))
    return max(1, min(cores, int(facts.get("memory_mb") or 0) // 1000))
