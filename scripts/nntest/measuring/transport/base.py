"""What every transport can do, and how it fails."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from nntest.errors import UserError


class TransportError(UserError):
    """The board could not be reached, or the link to it broke."""

    retryable: ClassVar[bool] = False
    """Whether the same call may well succeed a little later, with nothing changed."""


class CommandFailed(UserError):
    """A command ran on the board and ended with another exit status than 0."""


@dataclass(frozen=True)
class Completed:
    """A command that has ended."""

    argv: tuple[str, ...]
    status: int
    stdout: str
    stderr: str

    def check(self, doing: str) -> Completed:
        """Return itself, or raise `CommandFailed` with the tail of what it said on stderr."""
        if self.status != 0:
            said = (self.stderr.strip() or self.stdout.strip())[-1000:]
            raise CommandFailed(f"{doing}: {self.argv[0]} ended with {self.status}: {said}")
        return self


class Transport(ABC):
    """A connection to a board; a context manager that closes it.

    Paths on the board are POSIX paths as text; a relative one is below `home`.
    """

    @abstractmethod
    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run a command to its end; no shell reads the arguments.

        A program that is not there has status 127, one that cannot be started 126.  Raises
        `DeadlineExceeded` when it runs longer than `timeout_s`, and `TransportError` when the
        link breaks.
        """

    @abstractmethod
    def put(self, source: Path, target: str) -> None:
        """Copy a file or a folder (whole, replacing what is there) to the board.

        Raises `UserError` for what cannot be read here, `CommandFailed` for what the board
        refuses: a file does not replace a folder.
        """

    @abstractmethod
    def get(self, source: str, target: Path) -> None:
        """Copy a file from the board; `target` is there whole or not at all.

        Raises `CommandFailed` where there is no such file on the board, and `UserError` where
        `target` cannot be written here.
        """

    @abstractmethod
    def write(self, target: str, content: bytes) -> None:
        """Write a file on the board, whole or not at all; raises `CommandFailed`."""

    @abstractmethod
    def read(self, source: str) -> bytes | None:
        """The content of a small file on the board, or None if there is none.

        Raises `CommandFailed` for any other reason not to have it.
        """

    @abstractmethod
    def close(self) -> None:
        """End the connection."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
