"""From the model string of a CK archive to the names that tables and plots show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from nntest.archives.ck.safety import Warn


@dataclass(frozen=True)
class KnownPlatform:
    """What a board file says about the platform that it describes."""

    board: str
    """Name of the board file."""
    name: str
    """Name to show; "" takes the one that the archive gives."""
    models: tuple[str, ...]
    """Model strings by which CK archives call it; none: only the board's name counts, and only
    in archives that this project wrote on that board."""


def clean(text: object) -> str:
    """A name as CK stores it, without the NUL that ends a device tree's model string."""
    return text.replace("\0", "").strip() if isinstance(text, str) else ""


class Platforms:
    """Looks platforms up, and says once for each that no board file knows."""

    def __init__(self, known: Iterable[KnownPlatform], warn: Warn) -> None:
        self._by_model: dict[str, list[KnownPlatform]] = {}
        self._by_board: dict[str, KnownPlatform] = {}
        for platform in known:
            for model in platform.models:
                self._by_model.setdefault(clean(model).casefold(), []).append(platform)
            if not platform.models:
                self._by_board[platform.board] = platform
        self._warn = warn
        self._reported: set[str] = set()

    def look_up(
        self, models: Iterable[str], own_name: str, board: str, archive: object
    ) -> tuple[str, str]:
        """(platform, board) of what calls itself by one of `models`, the most telling one first.

        own_name, board: what an archive of this project says of itself; else "".
        archive: what a warning calls the archive.
        """
        said = [model for model in models if model]
        for model in said:
            matches = self._by_model.get(model.casefold(), [])
            for platform in sorted(matches, key=lambda match: match.board != board):
                return platform.name or own_name or model, platform.board
        if board in self._by_board:
            name = self._by_board[board].name or own_name or (said[0] if said else board)
            return name, board
        model = said[0] if said else ""
        name = own_name or model or "unknown platform"
        self._tell(name, model, board, archive)
        return name, ""

    def _tell(self, name: str, model: str, board: str, archive: object) -> None:
        if name in self._reported:
            return
        self._reported.add(name)
        if not model:
            self._warn(f"{archive}: does not name its platform; its rows show '{name}'")
            return
        slug = re.sub(r"[^a-z0-9]+", "-", (board or name).lower()).strip("-") or "board"
        self._warn(
            f"{archive}: no board file knows the platform '{name}'; to give it a name, add the "
            f"line  models: [{json.dumps(model, ensure_ascii=False)}]  under 'platform:' in "
            f"config/boards/{slug}.yaml"
        )
