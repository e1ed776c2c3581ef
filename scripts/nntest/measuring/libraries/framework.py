"""Inference libraries: one program of ours runs all of them, each behind an adapter."""

from __future__ import annotations

import json
import posixpath
from abc import abstractmethod
from pathlib import Path

from nntest.codehash import ONBOARD, module_file
from nntest.config.board import Board
from nntest.measuring.libraries.base import LibraryKind, python_programs

PROGRAMS = ONBOARD / "frameworks"


class Framework(LibraryKind):
    """A library that is called from Python, by `frameworks/program.py`."""

    @property
    @abstractmethod
    def adapter(self) -> str:
        """Name of its adapter, the program's first argument."""

    @abstractmethod
    def python(self, board: Board, programs: str) -> str:
        """The board's Python that has the library; `programs` is the on-board folder."""

    def argv(self, board: Board, programs: str, operator: str) -> list[str]:
        """Python, the one program of all adapters, the adapter, the operator."""
        return [*self._program(board, programs), operator]

    def server(self, board: Board, programs: str) -> list[str]:
        """See `LibraryKind.server`."""
        return [*self._program(board, programs), "--serve"]

    def _program(self, board: Board, programs: str) -> list[str]:
        path = posixpath.join(programs, PROGRAMS.name, "program.py")
        return [self.python(board, programs), path, self.adapter]

    def environment(self, tuner_table: str) -> dict[str, str]:
        """See `LibraryKind.environment`."""
        return {"NNTEST_TUNER_TABLE": tuner_table, **self._format_environment()}

    def point_environment(self, programs: str, tuner: str) -> dict[str, str]:
        """The settings that a tuner's name stands for."""
        if tuner not in self.library.settings:
            return {}  # the adapter knows what NONE and DEFAULT stand for
        return {"NNTEST_SETTINGS": json.dumps(self.library.settings[tuner], sort_keys=True)}

    def identity(self, tuner: str) -> dict[str, str]:
        """See `LibraryKind.identity`; the settings by their values, whatever their name."""
        settings = self.point_environment("", tuner).get("NNTEST_SETTINGS", "")
        return {**super().identity(tuner), "settings": settings}

    @staticmethod
    def sources() -> list[Path]:
        """See `LibraryKind.sources`."""
        return python_programs(PROGRAMS)

    @classmethod
    def installer_sources(cls) -> list[Path]:
        """See `LibraryKind.installer_sources`."""
        return [*super().installer_sources(), module_file(__name__)]

    def program(self, operator: str) -> str:
        """See `LibraryKind.program`."""
        return self._named(operator, self.adapter)
