"""A zip whose bytes depend on its contents alone, and that is there whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

EXPERIMENT_UID = "bc0409fb61f0aa82"
"""UID of CK's module "experiment"."""


class CkZip:
    """A CK archive in the making."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.add(".cm/alias-a-experiment", f"{EXPERIMENT_UID}\n".encode())
        self.add(f".cm/alias-u-{EXPERIMENT_UID}", b"experiment\n")

    def begin_entry(self, alias: str, uid: str) -> str:
        """Write an entry's alias pair; returns the folder, with a "/", for its files."""
        self.add(f"experiment/.cm/alias-a-{alias}", f"{uid}\n".encode())
        self.add(f"experiment/.cm/alias-u-{uid}", f"{alias}\n".encode())
        return f"experiment/{alias}/"

    def add(self, name: str, data: bytes) -> None:
        """Write one member."""
        member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        member.compress_type = zipfile.ZIP_DEFLATED
        member.create_system = 3  # Unix, wherever it is written
        member.external_attr = 0o100644 << 16
        self._archive.writestr(member, data)

    def add_json(self, name: str, value: Any) -> None:
        """Write one member as JSON, in CK's layout."""
        self.add(name, (json.dumps(value, sort_keys=True, indent=2) + "\n").encode())


@contextmanager
def new_ck_zip(path: Path) -> Iterator[CkZip]:
    """A new archive that takes the place of `path` when all went well; else nothing changes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(".part", f"{path.name}-", path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w+b") as new:
            with zipfile.ZipFile(new, "w") as archive:
                yield CkZip(archive)
            new.flush()
            os.fsync(new.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink()
        raise
