"""A library as it is on a board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


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
