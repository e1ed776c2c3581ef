"""A lock file, as `nntest lock` writes it: a version of each package, each wheel by its hash."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from nntest.errors import UserError


def read_lock(lock: Path) -> list[tuple[Requirement, list[str]]]:
    """Each package's requirement, `name==version` with its marker, and the hashes of its wheels.

    Raises `UserError` for a line that pins neither a version nor a hash.
    """
    found = []
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.split(" #")[0].strip()
        if not line or line.startswith("#"):
            continue
        said, *hashes = re.split(r"\s+--hash=", line)
        try:
            requirement = Requirement(said)
        except InvalidRequirement as error:
            raise UserError(f"{lock}: requirement {number}: {error}") from None
        if not hashes or not str(requirement.specifier).startswith("=="):
            raise UserError(
                f"{lock}: {requirement.name} has no version and hash",
                "`nntest lock` writes the file anew",
            )
        found.append((requirement, [digest.strip() for digest in hashes]))
    return found


def pinned_versions(lock: Path, package: str) -> set[str]:
    """The versions of a package that a lock file pins, for whatever Python and platform."""
    return {
        str(requirement.specifier).removeprefix("==")
        for requirement, _ in read_lock(lock)
        if canonicalize_name(requirement.name) == package
    }
