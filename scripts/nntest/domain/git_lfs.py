"""Files that Git LFS has not fetched yet: a short text stands in their place."""

from __future__ import annotations

from pathlib import Path

from nntest.errors import UserError

_POINTER = b"version https://git-lfs.github.com/spec/"


def refuse_pointer(path: Path, content: bytes) -> None:
    """Raise `UserError` if the (beginning of the) content of a file is a Git LFS pointer."""
    if content.startswith(_POINTER):
        raise UserError(
            f"{path}: is a Git LFS pointer, not the file itself",
            "git lfs pull, in the repository that it comes from, fetches the file",
        )
