"""armcl-opencl and armcl-neon: Arm Compute Library on a board's GPU or CPU.

The library is installed from packages, built from its sources, taken from a release, or found
where it is.  The operator programs, C++ of this project, are compiled on the board, or here by a
cross compiler, into a folder of the board's work folder whose name says from what; a marker with
the library's checksum, written last, says that they are whole.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from functools import cached_property
from glob import escape
from pathlib import Path
from typing import Any

from nntest.codehash import ONBOARD, closure, module_file, source_hash
from nntest.config.board import Board
from nntest.config.install import (
    AptInstall,
    Build,
    BuildHere,
    BuildOnBoard,
    Install,
    Preinstalled,
    SourceInstall,
)
from nntest.domain.network_points import VARIABLE
from nntest.domain.tensors import NETWORK
from nntest.errors import UserError
from nntest.measuring.installed import Installed
from nntest.measuring.libraries.apt import install_packages
from nntest.measuring.libraries.armcl_board import TIMEOUT_S, Found, jobs, need_room
from nntest.measuring.libraries.armcl_build import Compilation, compile_here, compile_on_board
from nntest.measuring.libraries.armcl_provide import Provision
from nntest.measuring.libraries.base import LibraryKind, cpu_device
from nntest.measuring.onboard import call, deploy
from nntest.measuring.transport import Transport

FOLDER = ONBOARD / "armcl"
MARKER = "built.json"
KERNELS = "CK_ENV_LIB_ARMCL_CL_KERNELS"
ROOM_FOR_PROGRAMS_MB = 20
PARTS = (
    *("apt", "armcl_board", "armcl_build", "armcl_cross", "armcl_provide", "armcl_release"),
    *("armcl_scons", "armcl_source", "binaries", "cross_compilers", "fetch"),
)
"""Modules beside this one that have a part in an install."""


class ArmCL(LibraryKind):
    """For what it needs on the board see `install` in the library's file.

    armcl-opencl needs an OpenCL driver besides.
    """

    @property
    def backend(self) -> str:
        """What it computes on: opencl or neon."""
        return self.library.kind.removeprefix("armcl-")

    @property
    def _install(self) -> Install:
        assert self.library.install is not None  # the config checks it
        return self.library.install

    @cached_property
    def _build(self) -> Build:
        if self.library.build is not None:
            return self.library.build
        way = self._install
        if isinstance(way, SourceInstall) and way.where == "here":
            return BuildHere(where="here")
        return BuildOnBoard(where="board")

    def install(self, transport: Transport, board: Board, facts: Mapping[str, Any]) -> Installed:
        """Install or find the library, compile the programs unless they are there, try each."""
        where = f"board {board.name}, library {self.library.name}"
        programs = deploy(transport, board)
        table = self.put_tuner_table(transport, programs)
        provision = Provision(transport, board, self.library, facts, where, self.watcher)
        prefix, record = provision.provide()
        found = self._find(transport, board, prefix)
        wanted = self._missing_packages(found)
        if wanted:
            install_packages(transport, wanted, found.tools, found.is_root, where)
            found = self._find(transport, board, prefix)
        version = self._check_library(found, prefix, where)
        device = self._device(transport, board, facts, where)
        compiler = self._compile(provision, found, programs, prefix)
        revision = found.git_hash or record.get("revision") or ""
        if re.fullmatch(r"[0-9a-f]{7,40}", revision):
            version += f"-{revision[:7]}"  # as CK adds it
        return Installed(
            library=self.library.name,
            version=version,
            tag=self.tag(version),
            checksum=self._checksum(found),
            device=device,
            details={
                "library_files": found.files,
                "library_checksum": found.checksum(),
                "build": found.options,
                "packages": found.packages,
                "programs": self._programs_folder(programs),
                "sources": source_hash(self.sources()),
                "compiler": compiler,
                **({"install": record} if record else {}),
                **({"tuner_table": table} if table else {}),
            },
        )

    def tag(self, version: str) -> str:
        """The library's name in tables: another data type and layout make it another library."""
        data_type, layout = self.library.data_type, self.library.layout
        before = "" if data_type == "fp32" else f"-{data_type}"
        after = "" if layout == "NCHW" else f"-{layout.lower()}"
        return f"arm-compute-library-{self.backend}{before}-{version}{after}"

    def is_current(self, installed: Installed) -> bool:
        """See `LibraryKind.is_current`; whether the board's own library changed is not asked."""
        return installed.details.get("sources") == source_hash(self.sources())

    # -- the library -----------------------------------------------------------------------

    def _find(self, transport: Transport, board: Board, prefix: str | None) -> Found:
        way = self._install
        wanted = {
            "prefix": prefix or "",
            "packages": way.packages if isinstance(way, AptInstall) else [],
            "compiler": self._build.compiler if isinstance(self._build, BuildOnBoard) else "make",
        }
        return Found(**call(transport, board, "armcl/find_library.py", json.dumps(wanted)))

    def _missing_packages(self, found: Found) -> list[str]:
        """The packages to install, of the library and of what compiles its programs."""
        way = self._install
        if not isinstance(way, AptInstall):
            return []
        wanted = [] if found.is_whole(way.packages) else list(way.packages)
        if isinstance(self._build, BuildOnBoard):
            tools = ("make", self._build.compiler)
            wanted += [tool for tool in tools if not found.tools[tool]]
        return wanted

    def _check_library(self, found: Found, prefix: str | None, where: str) -> str:
        """Raise `UserError` unless what was found is what the library's file says; its release."""
        way = self._install
        if isinstance(way, AptInstall):
            place = f"the packages {' '.join(way.packages)}"
            hint = "name the packages that have it under install: packages:"
        elif isinstance(way, Preinstalled):
            place = prefix or "the system's folders"
            hint = "set install: prefix: to the folder with include/ and lib/"
        else:
            place = str(prefix)
            hint = "remove that folder on the board and run the same command again"
        if not found.files:
            raise UserError(f"{where}: no libarm_compute.so in {place}", hint)
        if not found.headers:
            raise UserError(f"{where}: no arm_compute/core/Types.h in {place}", hint)
        release = found.release()
        if release is None:
            raise UserError(
                f"{where}: the version of {found.files[0]['path']} cannot be determined: it says "
                f"'{found.version or 'nothing'}'",
                "build it from a release's tag, so that it knows its version",
            )
        if release != self.library.version:
            raise UserError(
                f"{where}: the board has version {release}, the library's file says "
                f"{self.library.version}",
                f"set version: '{release}' in the library's file, or install the other",
            )
        if found.lacks(self.backend):
            raise UserError(
                f"{where}: {found.files[0]['path']} was built without {self.backend}: it says "
                f"{found.options}",
                f"install one that was built with {self.backend}=1",
            )
        return release

    def _device(
        self, transport: Transport, board: Board, facts: Mapping[str, Any], where: str
    ) -> dict[str, Any]:
        """The OpenCL device that the library takes: the first; or the CPU, without a platform."""
        if self.backend == "neon":
            return cpu_device(facts)
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
        parts += [self.backend] if self.backend != "opencl" else []
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _programs_folder(self, programs: str) -> str:
        """Where the compiled programs are; known without asking the board."""
        spec = [
            source_hash(self.sources()),
            self.library.version,
            self._install.model_dump_json(exclude={"jobs"}),
            self._build.model_dump_json(),
            self.backend,
        ]
        key = hashlib.sha256("\n".join(spec).encode()).hexdigest()[:12]
        root = posixpath.dirname(posixpath.dirname(programs))
        return posixpath.join(root, "armcl", f"{self.library.name}-{key}")

    def _compile(
        self, provision: Provision, found: Found, programs: str, prefix: str | None
    ) -> str:
        """Compile the programs unless they are there for this very library; the compiler."""
        transport, board = provision.transport, provision.board
        facts, where = provision.facts, provision.where
        operators = sorted(self.library.operators)
        missing = [name for name in operators if not (FOLDER / f"{name}.cpp").is_file()]
        if missing:
            there = ", ".join(sorted(path.stem for path in FOLDER.glob("*.cpp")))
            raise UserError(
                f"{where}: no operator program for {', '.join(missing)}", f"there are: {there}"
            )
        folder = self._programs_folder(programs)
        marker = posixpath.join(folder, MARKER)
        raw = transport.read(marker)
        wanted = {"library": found.checksum(), "operators": operators}
        if raw is not None:
            built = json.loads(raw)
            if {key: built.get(key) for key in wanted} == wanted:
                return str(built["compiler"])
        transport.run(["rm", "-rf", folder], timeout_s=TIMEOUT_S).check(where)
        transport.run(["mkdir", "-p", folder], timeout_s=TIMEOUT_S).check(where)
        need_room(transport, folder, ROOM_FOR_PROGRAMS_MB, where)
        compilation = Compilation(
            where=where,
            backend=self.backend,
            makefile=posixpath.join(programs, FOLDER.name, "Makefile"),
            folder=folder,
            operators=operators,
            version="{}{}".format(*self.library.version.split(".")[:2]),
            prefix=prefix,
            files=found.files,
            jobs=jobs(facts),
            machine=str(facts["machine"]),
        )
        if isinstance(self._build, BuildHere):
            here = provision.copy_here() if self._build.sysroot is None else None
            compiler = compile_here(transport, board, self._build, compilation, here)
        else:
            compiler = compile_on_board(transport, self._build, compilation, found.tools)
        if isinstance(self._install, SourceInstall) and not self._install.embed_kernels:
            kernels = posixpath.join(prefix or "", "cl_kernels")
            link = ["ln", "-sfn", kernels, posixpath.join(folder, "cl_kernels")]
            transport.run(link, timeout_s=TIMEOUT_S).check(where)
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
            'cd "$1" && env -u CK_IN_SHAPE_C -u NNTEST_NETWORK ./"$2"; status=$?; '
            "rm -f tmp-nntest-status.json; exit $status"
        )
        for operator in operators:
            done = transport.run(
                ["sh", "-c", start, "sh", folder, operator],
                timeout_s=TIMEOUT_S,
                environment=board.environment,
            )
            missing = VARIABLE if operator == NETWORK else "CK_IN_SHAPE_C"
            if done.status != 2 or missing not in done.stderr:
                said = (done.stderr.strip() or done.stdout.strip())[-500:]
                raise UserError(
                    f"{where}: {operator} was compiled, but does not start on the board "
                    f"(status {done.status}): {said}"
                )

    # -- as the plan asks ------------------------------------------------------------------

    def argv(self, board: Board, programs: str, operator: str) -> list[str]:
        """See `LibraryKind.argv`."""
        return [posixpath.join(self._programs_folder(programs), operator)]

    def files(self, programs: str, installed: Installed) -> list[str]:
        """See `LibraryKind.files`; the operator programs' are among them."""
        library = [escape(str(file["path"])) for file in installed.details["library_files"]]
        return [*library, posixpath.join(escape(installed.details["programs"]), "*")]

    def environment(self, tuner_table: str) -> dict[str, str]:
        """See `LibraryKind.environment`."""
        return {
            "NNTEST_TUNER_MODE": self.library.tuner_mode,
            "NNTEST_TUNER_TABLE": tuner_table,
            "NNTEST_WARMUP": self.library.warmup,
            **self._format_environment(),
        }

    def point_environment(self, programs: str, tuner: str) -> dict[str, str]:
        """See `LibraryKind.point_environment`; and where the kernels' sources are."""
        variables = super().point_environment(programs, tuner)
        way = self._install
        if isinstance(way, Preinstalled) and way.kernels:
            variables[KERNELS] = way.kernels
        elif isinstance(way, SourceInstall) and not way.embed_kernels:
            variables[KERNELS] = posixpath.join(self._programs_folder(programs), "cl_kernels")
        return variables

    @classmethod
    def installer_sources(cls) -> list[Path]:
        """See `LibraryKind.installer_sources`."""
        return [
            *super().installer_sources(),
            *(module_file(f"nntest.measuring.libraries.{part}") for part in PARTS),
            FOLDER / "find_library.py",
            FOLDER / "library_paths.py",
            *closure(FOLDER / "build_library.py"),
        ]

    @staticmethod
    def sources() -> list[Path]:
        """See `LibraryKind.sources`."""
        return [
            path
            for path in sorted(FOLDER.rglob("*"))
            if path.suffix in (".cpp", ".h") or path.name == "Makefile"
        ]

    def program(self, operator: str) -> str:
        """See `LibraryKind.program`."""
        return self._named(operator, self.library.kind)
