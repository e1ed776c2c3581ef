"""What may be read from a foreign archive, and what may not.

An archive is read in place and never unpacked, so nothing of it can land anywhere; still its
names go into tables and merged archives, and its contents into memory.  The rules here hold for
every reading path (`nntest.archives.ck.trees` applies them): a name that would escape its folder
on some system is refused, so are links, encrypted members and members that unpack to too much,
and JSON is plain JSON of bounded size with no NaN in it.
"""

from __future__ import annotations

import codecs
import json
import math
import re
import stat
import unicodedata
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

Warn = Callable[[str], None]
"""Takes one sentence for the user: a logger's `warning`, a list's `append`."""


@dataclass(frozen=True)
class Limits:
    """How much an archive may ask of the machine that reads it.

    The largest genuine member known is 10 MB (a wrong output, listed element by element), the
    largest genuine ratio 30.
    """

    members: int = 500_000
    member_bytes: int = 64 * 2**20
    total_bytes: int = 64 * 2**30
    ratio: int = 200
    """Unpacked over packed size; not asked of members that unpack to less than 1 MiB."""
    name_bytes: int = 1024
    warnings: int = 20
    """Members of one archive that are named; further ones are only counted."""


DEFAULT_LIMITS = Limits()


class RefusedError(Exception):
    """One member cannot be read; `str()` of it says why, its reader says which."""

    def __init__(self, reason: str, line: int = 0, column: int = 0) -> None:
        self.line, self.column = line, column
        super().__init__(reason)


# -- names ---------------------------------------------------------------------------------

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_DRIVE = re.compile(r"[A-Za-z]:")


def unsafe_name(name: str, limits: Limits = DEFAULT_LIMITS) -> str | None:
    """Why a member's name is refused, or None: it stays in its folder on every system."""
    parts = name.removesuffix("/").split("/")
    if name.startswith("/"):
        return "its name is an absolute path"
    if _DRIVE.match(name):
        return "its name has a drive letter"
    if "\\" in name:
        return "its name has a backslash"
    if ".." in parts:
        return "its name leaves the archive's folder (..)"
    if "" in parts or "." in parts:
        return "its name has an empty part"
    if _CONTROL.search(name):
        return "its name has a control character"
    if len(name.encode("utf-8", "replace")) > limits.name_bytes:
        return f"its name is longer than {limits.name_bytes} bytes"
    return None


def same_on_some_system(name: str) -> str:
    """A key that names share if a file system somewhere takes them for one file."""
    return unicodedata.normalize("NFC", name).casefold()


def printable(name: str, longest: int = 160) -> str:
    """A member's name for a message: no control characters, no lone surrogates, bounded."""
    text = name.encode("utf-8", "backslashreplace").decode()
    text = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def skipped(archive: object, name: str, reason: RefusedError | str) -> str:
    """The sentence that tells a user which member was left out, where and why."""
    place = ""
    if isinstance(reason, RefusedError) and reason.line:
        place = f":{reason.line}:{reason.column}"
    return f"{archive}: {printable(name)}{place}: skipped: {reason}"


# -- members of a zip ----------------------------------------------------------------------


def unsafe_member(info: zipfile.ZipInfo, limits: Limits = DEFAULT_LIMITS) -> str | None:
    """Why one member of a zip is refused, or None."""
    # zipfile cuts a name at its first NUL: the name that other programs see is the whole one.
    reason = unsafe_name(info.orig_filename, limits) or unsafe_name(info.filename, limits)
    if reason:
        return reason
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        return "it is a symbolic link"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "it is a device or another special file"
    if info.flag_bits & 0x1:
        return "it is encrypted"
    if info.file_size > limits.member_bytes:
        return f"it unpacks to {info.file_size} bytes, more than the {limits.member_bytes} allowed"
    if info.file_size > 2**20 and info.file_size > limits.ratio * max(info.compress_size, 1):
        return f"it unpacks to more than {limits.ratio} times its size"
    return None


def clashing_members(infos: Iterable[zipfile.ZipInfo]) -> dict[int, str]:
    """Members whose names cannot be distinguished, as {offset of the member: why it is refused}.

    CK itself writes the same name twice when two repositories share an alias.  If all members
    of one name hold the same, the first is as good as any and the others are left out silently
    (an empty reason); if they differ it is unknown which one is right, and all are refused.
    """
    first: dict[str, zipfile.ZipInfo] = {}
    more: dict[str, list[zipfile.ZipInfo]] = {}
    for info in infos:
        if info.is_dir():
            continue
        key = same_on_some_system(info.filename)
        if key in first:
            more.setdefault(key, [first[key]]).append(info)
        else:
            first[key] = info
    refused: dict[int, str] = {}
    for members in more.values():
        if len({info.filename for info in members}) > 1:
            why = "its name differs from another's in case only"
        else:
            why = "the archive has several members of this name, and they differ"
        same = len({(info.filename, info.file_size, info.CRC) for info in members}) == 1
        refused.update((info.header_offset, why) for info in members)
        if same:
            refused.update((info.header_offset, "") for info in members)
            del refused[members[0].header_offset]
    return refused


def unsafe_archive(infos: list[zipfile.ZipInfo], limits: Limits = DEFAULT_LIMITS) -> str | None:
    """Why a zip is refused as a whole, or None."""
    if len(infos) > limits.members:
        return f"it has {len(infos)} members, more than the {limits.members} allowed"
    total = sum(info.file_size for info in infos)
    if total > limits.total_bytes:
        return f"it unpacks to {total} bytes, more than the {limits.total_bytes} allowed"
    end = -1
    for info in sorted(infos, key=lambda info: info.header_offset):
        # Members that share their packed bytes make a bomb whose ratio looks innocent.
        if info.header_offset < end:
            return f"its member {printable(info.filename)} overlaps another one"
        end = info.header_offset + info.compress_size
    return None


# -- contents ------------------------------------------------------------------------------


def parse_json(data: bytes) -> Any:
    """The value of a JSON text; `RefusedError` for anything else, NaN and infinity included."""
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        raise RefusedError(f"not UTF-8 (byte {error.start})") from None
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise RefusedError(f"not JSON: {error.msg}", error.lineno, error.colno) from None
    except RecursionError:
        raise RefusedError("JSON nested too deeply") from None
    except ValueError as error:  # an integer of thousands of digits
        raise RefusedError(f"not JSON: {error}") from None


def parse_object(data: bytes, deepest: int | None = None) -> dict[str, Any]:
    """As `parse_json`, for a text that must be an object, of bounded depth if `deepest` is given.

    A caller that walks the value or writes it again asks for a depth that its recursion allows.
    """
    value = parse_json(data)
    if not isinstance(value, dict):
        raise RefusedError("expected a JSON object")
    if deepest is not None and not _is_shallow(value, deepest):
        raise RefusedError(f"JSON nested deeper than {deepest}")
    return value


def _is_shallow(value: Any, deepest: int) -> bool:
    level: list[Any] = [value]
    for _ in range(deepest):
        inner: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
        if not inner:
            return True
        level = inner
    return False


def _no_constant(name: str) -> NoReturn:
    raise RefusedError(f"{name} is not JSON")


def _number(digits: str) -> float | str:
    """A number as a float; one beyond the floats, such as 1e999, as it is written.

    So two of them stay different, and what was read can be written as JSON again.
    """
    value = float(digits)
    return value if math.isfinite(value) else digits


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_number)
