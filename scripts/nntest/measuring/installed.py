"""A library as it is on a board, and who waits while it gets there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from nntest.errors import UserError
from nntest.measuring.progress import ProgressLine


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


class Following:
    """Who waits for an installation: hears how far it is, and may be gone."""

    def __init__(
        self, line: ProgressLine | None = None, abandoned: Callable[[], bool] = lambda: False
    ) -> None:
        self.line = line
        self.abandoned = abandoned
        self._told: set[str] = set()

    def note(self, text: str) -> None:
        """Say something."""
        if self.line is not None:
            self.line.note(text)

    def note_once(self, text: str) -> None:
        """Say something that may come up again and again."""
        if text not in self._told:
            self._told.add(text)
            self.note(text)

    def progress(self, done: int, total: int, unit: str, seconds_left: float | None) -> None:
        """Show how far it is."""
        if self.line is not None:
            self.line.steps(done, total, unit, seconds_left)

    def refuse_if_abandoned(self, still: str, then: str) -> None:
        """Raise `UserError` if the workflow that waits was killed."""
        if self.abandoned():
            raise UserError(
                f"the workflow that wanted this is gone; {still}",
                f"run the same command again: {then}",
            )
