"""Files of a zip or of a folder, read in place, under the rules of `nntest.archives.ck.safety`.

`open_tree` gives both the same few methods.  Names are relative, with ``/`` between parts;
folders come in sorted order, so that a walk gives the same on every system.
"""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from nntest.archives.ck import safety
from nntest.archives.ck.safety import Limits, RefusedError, Warn
from nntest.domain.git_lfs import refuse_pointer
from nntest.errors import UserError


class Tree(Protocol):
    """Where CK entries are read from."""

    path: Path

    def folders(self) -> Iterator[str]:
        """Every folder that is not hidden, the root ("") first."""

    def files(self, folder: str) -> Iterator[str]:
        """Plain names of a folder's files, in no particular order."""

    def has(self, name: str) -> bool:
        """Whether there is a readable file of this name."""

    def read(self, name: str) -> bytes:
        """Contents of a file; `RefusedError` if it cannot be read."""


@contextmanager
def open_tree(path: Path, warn: Warn, limits: Limits = safety.DEFAULT_LIMITS) -> Iterator[Tree]:
    """The tree of a zip or a folder; members that may not be read are named through `warn`.

    Raises `UserError` if `path` is neither, or is refused as a whole.
    """
    if path.is_dir():
        yield _FolderTree(path, warn, limits)
        return
    try:
        _count_before_reading(path, limits)
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such archive or folder") from None
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    except _ZIP_ERRORS as error:
        raise UserError(
            f"{path}: not a zip, or a truncated one ({error})", "copy it again from its source"
        ) from None
    with archive:
        infos = archive.infolist()
        reason = safety.unsafe_archive(infos, limits)
        if reason:
            raise UserError(f"{path}: refused: {reason}")
        yield _ZipTree(path, archive, warn, limits)


_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    OverflowError,
)
"""What zipfile and the decompressors raise on damaged or hostile archives."""


_DIRECTORY_BYTES_OF_MEMBER = 256
"""What the directory takes for a member of a genuine archive: 46 bytes and a name of 100 to 180."""


def _count_before_reading(path: Path, limits: Limits) -> None:
    """Refuse an archive of too many members before zipfile makes an object of each."""
    with path.open("rb") as source:
        refuse_pointer(path, source.read(100))
        size = source.seek(0, os.SEEK_END)
        start = max(0, size - 65_577)  # the end's record, the longest comment, the zip64 locator
        source.seek(start)
        tail = source.read()
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) < at + 22:
            return  # zipfile says it better
        directory_bytes = int.from_bytes(tail[at + 12 : at + 16], "little")
        if directory_bytes == 0xFFFFFFFF and tail[max(at - 20, 0) : at - 16] == b"PK\x06\x07":
            source.seek(min(int.from_bytes(tail[at - 12 : at - 4], "little"), size))
            directory_bytes = int.from_bytes(source.read(56)[40:48], "little")
    if directory_bytes > limits.members * _DIRECTORY_BYTES_OF_MEMBER:
        raise UserError(
            f"{path}: refused: its directory takes {directory_bytes} bytes, "
            f"room for more than the {limits.members} members allowed"
        )


class _Complaints:
    """Names the members that were skipped, the first few of an archive."""

    def __init__(self, path: Path, warn: Warn, limits: Limits) -> None:
        self._path, self._warn, self._left = path, warn, limits.warnings

    def skipped(self, name: str, reason: str) -> None:
        self._left -= 1
        if self._left >= 0:
            self._warn(safety.skipped(self._path, name, reason))
        elif self._left == -1:
            self._warn(f"{self._path}: more members were skipped, for reasons like these")


class _ZipTree:
    def __init__(self, path: Path, archive: zipfile.ZipFile, warn: Warn, limits: Limits) -> None:
        self.path = path
        self._archive = archive
        self._folders: dict[str, dict[str, zipfile.ZipInfo]] = {"": {}}
        complaints = _Complaints(path, warn, limits)
        good = []
        for info in archive.infolist():
            reason = safety.unsafe_member(info, limits)
            if reason:
                complaints.skipped(info.orig_filename, reason)
            elif not info.is_dir():
                good.append(info)
        clashes = safety.clashing_members(good)
        for info in good:
            reason = clashes.get(info.header_offset)
            if reason:
                complaints.skipped(info.filename, reason)
            elif reason is None:
                folder, _, name = info.filename.rpartition("/")
                self._folders.setdefault(folder, {})[name] = info

    def folders(self) -> Iterator[str]:
        every = set(self._folders)
        for folder in self._folders:
            while "/" in folder:
                folder = folder.rpartition("/")[0]
                every.add(folder)
        return (name for name in sorted(every) if not _is_hidden(name))

    def files(self, folder: str) -> Iterator[str]:
        return iter(self._folders.get(folder, {}))

    def _info(self, name: str) -> zipfile.ZipInfo | None:
        folder, _, plain = name.rpartition("/")
        return self._folders.get(folder, {}).get(plain)

    def has(self, name: str) -> bool:
        return self._info(name) is not None

    def read(self, name: str) -> bytes:
        info = self._info(name)
        if info is None:
            raise RefusedError("no such member, or one that is not read")
        try:
            # Reads no more than the size that was checked, whatever the packed bytes hold.
            return self._archive.read(info)
        except (*_ZIP_ERRORS, OSError) as error:
            raise RefusedError(f"damaged: {error}") from None


# Neither follow a link nor wait for the writer of a pipe (where the system knows these).
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class _FolderTree:
    def __init__(self, path: Path, warn: Warn, limits: Limits) -> None:
        self.path = path
        self._root = os.path.join(path, "")  # noqa: PTH118 (a Path for each file costs more than it)
        self._complaints = _Complaints(path, warn, limits)
        self._limits = limits

    def folders(self) -> Iterator[str]:
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            yield folder
            below = []
            for item in self._scan(folder):
                name = f"{folder}/{item.name}" if folder else item.name
                if item.is_symlink():
                    self._complaints.skipped(name, "it is a symbolic link")
                elif item.is_dir(follow_symlinks=False) and not _is_hidden(name):
                    below.append(name)
            waiting += sorted(below, reverse=True)

    def files(self, folder: str) -> Iterator[str]:
        return (item.name for item in self._scan(folder) if item.is_file(follow_symlinks=False))

    def _scan(self, folder: str) -> Iterator[os.DirEntry[str]]:
        try:
            with os.scandir(self.path / folder) as items:
                yield from items
        except FileNotFoundError:
            return
        except OSError as error:
            self._complaints.skipped(folder or ".", error.strerror or str(error))

    def has(self, name: str) -> bool:
        try:
            return stat.S_ISREG((self.path / name).lstat().st_mode)
        except OSError:
            return False

    def read(self, name: str) -> bytes:
        try:
            folder = name.rpartition("/")[0]
            if folder.endswith(".cm") and (self.path / folder).is_symlink():
                raise RefusedError("its folder is a symbolic link")
            descriptor = os.open(self._root + name, _OPEN_FLAGS)
            with os.fdopen(descriptor, "rb", buffering=0) as source:
                about = os.fstat(descriptor)
                if not stat.S_ISREG(about.st_mode):
                    raise RefusedError("it is not a plain file")
                if about.st_size > self._limits.member_bytes:
                    raise RefusedError(
                        f"it has {about.st_size} bytes, more than the "
                        f"{self._limits.member_bytes} allowed"
                    )
                return source.readall()
        except OSError as error:
            raise RefusedError(error.strerror or str(error)) from None


def _is_hidden(folder: str) -> bool:
    return any(part.startswith(".") for part in folder.split("/"))
