"""What each archive brings to a merge: its entries, their recordings and how these were made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nntest.archives.ck.entries import POINT_FILE, SUBPOINT_FILE, Entry, find_entries
from nntest.archives.ck.platforms import clean
from nntest.archives.ck.points import origin_of
from nntest.archives.ck.safety import RefusedError, Warn, parse_object, printable, skipped
from nntest.archives.ck.trees import Tree, open_tree
from nntest.archives.ck.values import dig, mapping, objects, text
from nntest.errors import UserError

ENTRY_FILES = (".cm/desc.json", ".cm/updates.json", "desc.json", "pipeline.json")
"""Files of an entry that belong to no point and are taken as they are."""

Origins = dict[tuple[str, str], dict[str, set[str]]]
"""{(kind, name): {value: archives}}, e.g. ("driver", "Firefly RK3399"): {"r13p0": {"a.zip"}}."""


@dataclass(frozen=True)
class Recording:
    """One ``ckp-<point>.<number>.json`` in one archive."""

    number: int
    digest: str
    origin: str
    """Name of the archive that it was first in."""
    file: str


@dataclass(frozen=True)
class Part:
    """One entry in one archive."""

    path: Path
    folder: str
    alias: str
    uid: str
    meta: dict[str, Any]
    since: str
    """When it was begun, as CK says; sorts as text, as does `stamp`."""
    stamp: str
    """When it was last added to."""
    digest: str
    """Of its meta and entry files."""
    points: dict[str, list[Recording]] = field(default_factory=dict)
    companions: dict[str, list[str]] = field(default_factory=dict)
    """Further files of each point (flat, features...), by their plain names."""

    @property
    def where(self) -> str:
        """What a message calls it."""
        return f"{self.path}: {printable(self.alias)}"

    def name(self, plain: str) -> str:
        """A file's name from the root of its archive."""
        return f"{self.folder}/{plain}" if self.folder else plain


def scan(path: Path, warn: Warn, origins: Origins) -> Iterator[Part]:
    """Every entry of an archive; adds to `origins` what must agree for rows to be compared.

    Raises `UserError` for an archive that cannot be read and an entry without UID.
    """
    with open_tree(path, warn) as tree:
        for entry in find_entries(tree, warn):
            if not entry.uid:
                raise UserError(
                    f"{entry.where}: an entry without a UID cannot be merged",
                    "pack it with `ck zip`, which writes its alias files",
                )
            yield _part(entry, warn, origins)


def _part(entry: Entry, warn: Warn, origins: Origins) -> Part:
    tree = entry.tree
    digest = hashlib.sha256(json.dumps(entry.meta, sort_keys=True).encode())
    for name in (".cm/info.json", *ENTRY_FILES):
        if tree.has(entry.path(name)):
            data = _read(tree, entry.path(name), warn)
            digest.update(name.encode() + b"\0" + data + b"\0")
    # CK writes the meta once, but tags an entry anew with the time of each run.
    times = [tag for tag in entry.tags if tag.startswith("20") and "T" in tag]
    times.append(text(dig(entry.meta, "meta", "timestamp")))
    part = Part(
        tree.path,
        entry.folder,
        entry.alias,
        entry.uid,
        entry.meta,
        text(dig(entry.meta, "added", "iso_datetime")) or min(times),
        max(times),
        digest.hexdigest(),
    )
    for subpoint in entry.subpoints():
        try:
            data = tree.read(subpoint.file)
            content = parse_object(data)
        except RefusedError as error:
            warn(skipped(tree.path, subpoint.file, error))
            continue
        origin = origin_of(entry, subpoint)
        recording = Recording(
            subpoint.number, hashlib.sha256(data).hexdigest(), origin, subpoint.file
        )
        part.points.setdefault(subpoint.point, []).append(recording)
        _note_origins(origins, entry, content, origin)
    for name in sorted(tree.files(entry.folder)):
        match = POINT_FILE.match(name)
        if match and not SUBPOINT_FILE.match(name) and match[1] in part.points:
            part.companions.setdefault(match[1], []).append(name)
    return part


def _read(tree: Tree, name: str, warn: Warn) -> bytes:
    try:
        return tree.read(name)
    except RefusedError as error:
        warn(skipped(tree.path, name, error))
        return b""


def _note_origins(origins: Origins, entry: Entry, content: dict[str, Any], origin: str) -> None:
    features = content.get("features")
    platform = text(clean(dig(features, "platform", "platform", "model")))
    platform = platform or text(clean(dig(entry.meta, "meta", "plat_name")))
    driver = text(mapping(features, "gpgpu", 0, "gpgpu_misc").get("software (driver) version"))
    library = mapping(entry.meta, "nntest_flow", "library")
    tag = f"{text(library.get('name'))} {text(library.get('version'))}"
    program = text(dig(content, "choices", "data_uoa"))
    checksums = {
        text(dig(item, "nntest_flow", "checksum"))
        for item in objects(content, "characteristics_list")
    }
    seen = [
        ("driver of platform", platform, driver),
        ("checksum of library", tag, text(library.get("checksum"))),
        # A program is compiled against its library, and so another one with another library.
        *(("checksum of program", f"{program} with {tag}", value) for value in sorted(checksums)),
    ]
    for kind, name, value in seen:
        if name.strip() and value:
            origins.setdefault((kind, name), {}).setdefault(value, set()).add(origin)


class OpenTrees:
    """Trees of archives that were scanned before, a few of them open at a time."""

    _MOST = 16

    def __init__(self) -> None:
        self._open: dict[Path, tuple[Tree, ExitStack]] = {}

    def __enter__(self) -> OpenTrees:
        return self

    def __exit__(self, *error: object) -> None:
        for _, stack in self._open.values():
            stack.close()
        self._open.clear()

    def __getitem__(self, path: Path) -> Tree:
        if path not in self._open:
            if len(self._open) >= self._MOST:
                oldest = next(iter(self._open))
                self._open.pop(oldest)[1].close()
            stack = ExitStack()
            # What it has to say was said when it was scanned.
            self._open[path] = (stack.enter_context(open_tree(path, _ignore)), stack)
        return self._open[path][0]


def _ignore(_: str) -> None:
    return None
