"""Arm Compute Library as Arm releases it: an archive of headers and binaries for many machines.

The archive is opened here, and what the board needs of it is sent: the headers and one folder of
libraries, some 30 MB of the hundreds that an archive holds.
"""

from __future__ import annotations

import json
import posixpath
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nntest.config.install import ReleaseInstall
from nntest.errors import UserError
from nntest.measuring.libraries.armcl_board import TIMEOUT_S, Place, need_room
from nntest.measuring.libraries.armcl_scons import ARCHITECTURES, HEADERS
from nntest.measuring.libraries.fetch import fetch_archive, unpack
from nntest.measuring.progress import Watcher
from nntest.measuring.transport import Transport

RECORD = "installed.json"
HEADER_SUFFIXES = (".h", ".hpp", ".inl")
LIBRARY = "libarm_compute.so"
SPARE_MB = 20


def install_release(
    transport: Transport,
    way: ReleaseInstall,
    backend: str,
    facts: Mapping[str, Any],
    place: Place,
    watcher: Watcher,
) -> dict[str, Any]:
    """Put the board's part of a release on it unless it is there; the record of what it is.

    Raises `UserError`: no such archive, another checksum, nothing in it for the board, no room.
    """
    raw = transport.read(posixpath.join(place.library, RECORD))
    if raw is not None:
        return dict(json.loads(raw))
    with tempfile.TemporaryDirectory(prefix="nntest-armcl-") as scratch:
        archive = fetch_archive(way.archive, way.sha256, Path(scratch), place.where, watcher.note)
        tree = Path(scratch) / "release"
        unpack(archive, tree, place.where, ("documentation", "data", "examples", "docs"))
        chosen = choose_folder(tree, way, str(facts["machine"]), backend, place.where)
        record = {
            "way": "release",
            "from": way.archive,
            "sha256": way.sha256,
            "folder": chosen.name,
        }
        part = Path(scratch) / "part"
        _take(tree, chosen, part)
        (part / RECORD).write_text(json.dumps(record, sort_keys=True), encoding="utf-8")
        size_mb = sum(path.stat().st_size for path in part.rglob("*") if path.is_file()) >> 20
        parent = posixpath.dirname(place.library)
        transport.run(["mkdir", "-p", parent], timeout_s=TIMEOUT_S).check(place.where)
        need_room(transport, parent, size_mb + SPARE_MB, place.where)
        watcher.note(f"sending lib/{chosen.name} and the headers to the board ({size_mb} MB)")
        transport.put(part, place.library)
    return record


def choose_folder(tree: Path, way: ReleaseInstall, machine: str, backend: str, where: str) -> Path:
    """The folder of libraries for a board: of its architecture, with both backends if there is.

    Releases have lib/linux-arm64-v8a-neon-cl, -neon and -cl, each with a twin that ends in
    -asserts, which is slower and never chosen by itself.
    """
    folders = {path.parent.name: path.parent for path in sorted(tree.glob(f"lib/*/{LIBRARY}"))}
    if (tree / "lib" / LIBRARY).is_file():
        folders["lib"] = tree / "lib"
    if way.folder is not None:
        wanted = [way.folder]
    else:
        arch = ARCHITECTURES.get(machine, machine)
        alone = {"opencl": "cl", "neon": "neon"}[backend]
        stems = [f"linux-{arch}", f"linux-{arch.replace('arm64-v8a', 'armv8a')}"]
        wanted = [f"{stem}-{name}" for name in ("neon-cl", alone) for stem in stems]
        wanted.append("lib")
    for name in wanted:
        if name in folders:
            return folders[name]
    raise UserError(
        f"{where}: {way.archive} has no lib/{' or lib/'.join(wanted[:-1] or wanted)} with "
        f"{LIBRARY} in it",
        f"name one under install: folder:; there are: {', '.join(folders) or 'none'}",
    )


def _take(tree: Path, libraries: Path, part: Path) -> None:
    (part / "lib").mkdir(parents=True)
    for path in sorted(libraries.glob("lib*.so")):
        shutil.move(path, part / "lib" / path.name)
    for name in HEADERS:
        for path in sorted((tree / name).rglob("*")):
            if path.suffix in HEADER_SUFFIXES and path.is_file():
                target = part / path.relative_to(tree)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(path, target)
