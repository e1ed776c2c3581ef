"""CK experiment entries in a tree: which there are, what their meta says, which points they hold.

An entry is a folder with ``.cm/meta.json`` and ``ckp-<point>.<sub-point>.json`` files.  It is
found wherever it lies: in a zip that ``ck zip`` wrote, in a whole CK repository (zipped or not,
with a folder in front of it or not), in a folder of entries, or as a single folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nntest.archives.ck import safety
from nntest.archives.ck.safety import RefusedError, Warn
from nntest.archives.ck.trees import Tree

UID = re.compile(r"[0-9a-f]{16}\Z")
SUBPOINT_FILE = re.compile(r"ckp-([0-9a-f]{16})\.([0-9]{4,6})\.json\Z")
POINT_FILE = re.compile(r"ckp-([0-9a-f]{16})\.[^/]*\Z")

DEEPEST_META = 100
"""Nesting of a meta or info file; genuine ones have 6 levels."""


@dataclass(frozen=True)
class SubPoint:
    """One recording of a point; CK adds a further one when a point is measured again."""

    point: str
    number: int
    file: str
    """Name of its file, from the root of the tree."""


@dataclass(frozen=True)
class Entry:
    """One CK experiment entry."""

    tree: Tree
    folder: str
    alias: str
    uid: str
    """16 hexadecimal digits, or "" if nothing in the archive tells it."""
    meta: dict[str, Any]

    @cached_property
    def tags(self) -> list[str]:
        """The entry's tags, also where they are one text with commas."""
        tags = self.meta.get("tags")
        if isinstance(tags, str):
            tags = tags.split(",")
        return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []

    @property
    def where(self) -> str:
        """What a message calls it."""
        return f"{self.tree.path}: {safety.printable(self.folder or self.alias or '.')}"

    def path(self, name: str) -> str:
        """Name of one of its files from the root of the tree."""
        return f"{self.folder}/{name}" if self.folder else name

    def subpoints(self) -> list[SubPoint]:
        """Its recordings, by point and number."""
        found = []
        for name in self.tree.files(self.folder):
            match = SUBPOINT_FILE.match(name)
            if match:
                found.append(SubPoint(match[1], int(match[2]), self.path(name)))
        return sorted(found, key=lambda subpoint: (subpoint.point, subpoint.number))

    def fail_reason(self, point: str) -> str:
        """Why a point was aborted, as CK's flat file has it; "" if it is not said."""
        with suppress(RefusedError):
            return _fail_reason(self.tree.read(self.path(f"ckp-{point}.flat.json")))
        return ""


_FAIL_REASON = re.compile(rb'"##pipeline_state#fail_reason#min"\s*:\s*("(?:[^"\\]|\\.)*+")')


def _fail_reason(flat: bytes) -> str:
    """The one value out of the thousands of a flat file, without parsing the others.

    Within a JSON text, quotes of a text have a backslash, so that what looks like the key is it.
    """
    found = _FAIL_REASON.search(flat)
    reason = safety.parse_json(found[1]) if found else ""
    return reason if isinstance(reason, str) else ""


def find_entries(tree: Tree, warn: Warn) -> Iterator[Entry]:
    """Every experiment entry of a tree, by folder; an unreadable meta is reported."""
    for folder in tree.folders():
        meta_file = f"{folder}/.cm/meta.json" if folder else ".cm/meta.json"
        in_experiments = folder.rpartition("/")[0].rpartition("/")[2] == "experiment"
        if not (in_experiments and tree.has(meta_file)) and not _has_points(tree, folder):
            continue
        meta: dict[str, Any] = {}
        try:
            meta = safety.parse_object(tree.read(meta_file), DEEPEST_META)
        except RefusedError as error:
            warn(safety.skipped(tree.path, meta_file, error))
        alias, uid = _names(tree, folder)
        yield Entry(tree, folder, alias, uid, meta)


def _has_points(tree: Tree, folder: str) -> bool:
    return any(SUBPOINT_FILE.match(name) for name in tree.files(folder))


def _names(tree: Tree, folder: str) -> tuple[str, str]:
    """(alias, UID) of the entry in `folder`, by its alias pair, else its info, else its name."""
    parent, _, name = folder.rpartition("/")
    if not name:  # the archive is the entry
        path = tree.path.resolve()
        name = path.stem if path.suffix == ".zip" else path.name
    info: dict[str, Any] = {}
    with suppress(RefusedError):
        info_file = f"{folder}/.cm/info.json".removeprefix("/")
        info = safety.parse_object(tree.read(info_file), DEEPEST_META)
    uid = name if UID.match(name) else ""  # CK names an entry without an alias by its UID
    with suppress(RefusedError):
        text = tree.read(f"{parent}/.cm/alias-a-{name}".removeprefix("/"))
        uid = uid or text.decode("ascii", "replace").strip()
    if not UID.match(uid):
        uid = str(info.get("backup_data_uid", ""))
    return name, uid if UID.match(uid) else ""
