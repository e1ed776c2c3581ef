"""Labels of images: a file with a line for each, its name and the number of its class."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from nntest.errors import UserError

HEADING = "image,class"
_LINE = re.compile(r"(?P<image>.+?)(?:\s*[,;]\s*|\s+)(?P<class>\d+)")
_FORM = "a line is an image's name and the number of its class, as in: cat.jpg 285"


@dataclass(frozen=True)
class LabelledImage:
    """An image and which output of the model is right for it."""

    file: Path
    right_class: int


def read_labels(labels: Path, folder: Path) -> tuple[LabelledImage, ...]:
    """The images that a file of labels lists, in its order.

    Lines are `name class`, apart by blanks, a tab, a comma or a semicolon; empty lines, lines that
    begin with # and a heading `image,class` do not count.  Raises `UserError` for a file that
    cannot be read, an odd line, an image that is listed twice or is not in `folder`.
    """
    try:
        return _read(labels, folder, labels.stat().st_mtime_ns)
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UserError(f"{labels}: the labels cannot be read: {said}", _FORM) from None


@lru_cache(maxsize=16)
def _read(labels: Path, folder: Path, _changed_at: int) -> tuple[LabelledImage, ...]:
    """What the file lists; it is asked for often, and may list a hundred thousand."""
    lines = labels.read_text(encoding="utf-8").splitlines()
    found: dict[Path, int] = {}
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#") or (number == 1 and line == HEADING):
            continue
        parts = _LINE.fullmatch(line)
        if parts is None:
            raise UserError(f"{labels}, line {number}: not a label: {line[:60]!r}", _FORM)
        file = folder / parts["image"]
        if file in found:
            raise UserError(f"{labels}, line {number}: {parts['image']} is listed twice")
        found[file] = int(parts["class"])
    if not found:
        raise UserError(f"{labels}: lists no image", _FORM)
    _refuse_missing(labels, found)
    return tuple(LabelledImage(file, right) for file, right in found.items())


def _refuse_missing(labels: Path, files: Iterable[Path]) -> None:
    missing = [file for file in files if not file.is_file()]
    if missing:
        raise UserError(
            f"{labels}: {len(missing)} of its images are not there, e.g. {missing[0]}",
            "names in it are relative to the folder of `images`",
        )
