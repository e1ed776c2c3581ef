"""What the workflow asks of a library: to be on a board, and how its programs are called."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nntest.codehash import module_file
from nntest.config.board import Board
from nntest.config.library import Library
from nntest.transport import Transport


@dataclass(frozen=True)
class Installed:
    """A library as it is on a board; what install.json holds."""

    library: str
    version: str
    tag: str
    """Name and version as CK writes them in an experiment's tags."""
    checksum: str
    """SHA-256 over what is measured: the programs' sources, or the library's binary."""
    device: dict[str, Any]
    details: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain data for install.json."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Installed:
        """The inverse of `as_json`."""
        return cls(**data)


class LibraryKind(ABC):
    """A kind of library; made for one library file."""

    def __init__(self, library: Library) -> None:
        self.library = library

    @abstractmethod
    def install(self, transport: Transport, board: Board, facts: Mapping[str, Any]) -> Installed:
        """Make the library usable on the board, or find it there; `UserError` if that fails."""

    def is_current(self, installed: Installed) -> bool:
        """Whether an earlier install is what installing now would give."""
        return installed.library == self.library.name

    @abstractmethod
    def argv(self, board: Board, programs: str, operator: str) -> list[str]:
        """The command that runs an operator's program; `programs` is the on-board folder."""

    @abstractmethod
    def environment(self, tuner_table: str) -> dict[str, str]:
        """Environment variables for every program of the library."""

    @staticmethod
    @abstractmethod
    def sources() -> list[Path]:
        """Files that make up what is measured: an edit of one makes a point another point."""

    @classmethod
    def installer_sources(cls) -> list[Path]:
        """Files that put the library on a board: an edit of one installs it again."""
        return [module_file(cls.__module__)]

    @staticmethod
    @abstractmethod
    def program(operator: str) -> str:
        """An operator program's name as CK-NNTest forms it, e.g. conv-armcl-opencl."""
