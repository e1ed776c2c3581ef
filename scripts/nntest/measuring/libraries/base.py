"""What the workflow asks of a library: to be on a board, and how its programs are called."""

from __future__ import annotations

import hashlib
import posixpath
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nntest.codehash import ONBOARD, module_file
from nntest.config.board import Board
from nntest.config.library import Library
from nntest.errors import UserError
from nntest.measuring.installed import Installed
from nntest.measuring.progress import Watcher
from nntest.measuring.transport import Transport


class LibraryKind(ABC):
    """A kind of library; made for one library file."""

    def __init__(self, library: Library, watcher: Watcher | None = None) -> None:
        self.library = library
        self.watcher = watcher or Watcher()

    @abstractmethod
    def install(self, transport: Transport, board: Board, facts: Mapping[str, Any]) -> Installed:
        """Make the library usable on the board, or find it there; `UserError` if that fails."""

    def is_current(self, installed: Installed) -> bool:
        """Whether an earlier install is what installing now would give."""
        return installed.library == self.library.name

    @abstractmethod
    def argv(self, board: Board, programs: str, operator: str) -> list[str]:
        """The command that runs an operator's program; `programs` is the on-board folder."""

    def server(self, board: Board, programs: str) -> list[str] | None:
        """The command of a process that imports once and forks measurements; None: there is none.

        The number of a socket's descriptor is added to it: onboard/fork_client.py.
        """
        return None

    def files(self, programs: str, installed: Installed) -> list[str]:
        """Patterns of files on the board that the library consists of: a sweep sees if they change.

        None where only another program knows them.
        """
        return []

    @abstractmethod
    def environment(self, tuner_table: str) -> dict[str, str]:
        """Environment variables for every program of the library."""

    def point_environment(self, programs: str, tuner: str) -> dict[str, str]:
        """Environment variables for the points of a tuner: CUSTOM's table."""
        if tuner != "CUSTOM" or self.library.tuner_table is None:
            return {}
        table = custom_table(self.library)
        return {
            "NNTEST_TUNER_TABLE_IN": _custom_table_path(programs, table),
            "NNTEST_TUNER_TABLE_SHA256": hashlib.sha256(table).hexdigest(),
        }

    def put_tuner_table(self, transport: Transport, programs: str) -> dict[str, str] | None:
        """Copy CUSTOM's table to the board; what the result keeps of it: all of it."""
        if self.library.tuner_table is None:
            return None
        table = custom_table(self.library)
        target = _custom_table_path(programs, table)
        if transport.read(target) != table:
            transport.write(target, table)
        return {
            "file": self.library.tuner_table,
            "sha256": hashlib.sha256(table).hexdigest(),
            "content": table.decode("utf-8", "replace"),
        }

    def identity(self, tuner: str) -> dict[str, str]:
        """What makes a point of this library another point, beside all that every point has.

        Only what is not as it is by default, so that older journals stay good.
        """
        said = {
            "data_type": (self.library.data_type, "fp32"),
            "layout": (self.library.layout, "NCHW"),
            "tuner_table": (
                LibraryKind.point_environment(self, "", tuner).get("NNTEST_TUNER_TABLE_SHA256", ""),
                "",
            ),
        }
        return {key: value for key, (value, default) in said.items() if value != default}

    @staticmethod
    @abstractmethod
    def sources() -> list[Path]:
        """Files that make up what is measured: an edit of one makes a point another point."""

    @classmethod
    def installer_sources(cls) -> list[Path]:
        """Files that put the library on a board: an edit of one installs it again."""
        return [module_file(cls.__module__), module_file(__name__)]

    @abstractmethod
    def program(self, operator: str) -> str:
        """An operator program's name as CK-NNTest forms it, e.g. conv-armcl-opencl.

        Another data type than fp32 is its last part: conv-armcl-opencl-fp16.
        """

    def _named(self, operator: str, backend: str) -> str:
        data_type = self.library.data_type
        return f"{operator}-{backend}" + ("" if data_type == "fp32" else f"-{data_type}")

    def _format_environment(self) -> dict[str, str]:
        """Data type and layout, where they are not the default."""
        variables: dict[str, str] = {}
        if self.library.data_type != "fp32":
            variables["NNTEST_DATA_TYPE"] = self.library.data_type
        if self.library.layout != "NCHW":
            variables["CK_DATA_LAYOUT"] = self.library.layout
        return variables


def python_programs(folder: Path) -> list[Path]:
    """Sources of the operator programs in a folder of `onboard`, and of what all of them share."""
    return [
        path
        for path in sorted([*folder.rglob("*"), *(ONBOARD / "programs_common").rglob("*")])
        if path.suffix in (".py", ".cl") and "__pycache__" not in path.parts
    ]


def cpu_device(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The CPU as the device that a library computes on: it belongs to no OpenCL platform."""
    return {"name": cpu_name(facts), "platform": None}


def cpu_name(facts: Mapping[str, Any]) -> str:
    """What a board's cores are called, each kind once."""
    return " + ".join(kind["name"] for kind in facts["cpus"])


def custom_table(library: Library) -> bytes:
    """The file with tuned local sizes that a library's file names.

    Raises `UserError` if it cannot be read.
    """
    assert library.tuner_table is not None
    try:
        return Path(library.tuner_table).read_bytes()
    except OSError as error:
        raise UserError(
            f"library {library.name}: tuner_table {library.tuner_table} cannot be read: "
            f"{error.strerror}"
        ) from None


def _custom_table_path(programs: str, table: bytes) -> str:
    """Where a table lies on the board; `programs` is the on-board folder."""
    root = posixpath.dirname(posixpath.dirname(programs))
    return posixpath.join(root, "tuner-tables", hashlib.sha256(table).hexdigest()[:16])
