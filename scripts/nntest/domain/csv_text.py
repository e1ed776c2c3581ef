"""The text of a CSV file that a user names: commas, decimal points, UTF-8, or a word why not."""

from __future__ import annotations

import codecs
from pathlib import Path

from nntest.domain.git_lfs import refuse_pointer
from nntest.errors import UserError

_SAVE = (
    "save it with commas between cells, decimal points and in UTF-8: in LibreOffice, Save As, "
    "Edit filter settings, with English (USA) as the language of the cells; in Excel, CSV UTF-8 "
    "with Windows' list separator and decimal symbol set to , and . (Settings, Region)"
)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_csv_text(path: Path) -> str:
    """The file's text without a byte-order mark; its lines end as they do in the file.

    Raises `UserError` for what cannot be read: another encoding, and a heading whose cells are
    separated by semicolons or tabs, as spreadsheets write them in other languages than English.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    refuse_pointer(path, content)
    if content.startswith(_UTF_16) or b"\0" in content[:200]:
        raise UserError(f"{path}: is UTF-16, as Excel saves 'Unicode Text'", _SAVE)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError(f"{path}, line {line}: is not UTF-8", _SAVE) from None
    heading = text.split("\n", 1)[0]
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if heading.count(separator) > heading.count(","):
            raise UserError(
                f"{path}: {name} separate its cells, as Excel writes them where a comma is the "
                "decimal sign",
                _SAVE,
            )
    return text


def refuse_decimal_comma(where: str, column: str, cell: str) -> None:
    """Raise `UserError` for a cell such as ``12,5`` in a column of numbers."""
    whole, comma, part = cell.strip().lstrip("+-").partition(",")
    if comma and whole.isdigit() and part.replace(",", "").isdigit():
        raise UserError(f"{where}: {column} says '{cell}', with a comma in the number", _SAVE)
