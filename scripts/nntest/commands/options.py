"""Options that several commands have."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from nntest.codehash import PROJECT
from nntest.errors import UserError

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_command(
    commands: Commands, name: str, text: str, description: str | None, examples: str
) -> argparse.ArgumentParser:
    """A command with `text` in the list of commands, its own page laid out as it is written."""
    return commands.add_parser(
        name,
        help=text,
        description=description,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_boards(command: argparse.ArgumentParser) -> None:
    """`--boards`: where platforms have their names from."""
    command.add_argument(
        "--boards",
        type=Path,
        default=PROJECT / "config" / "boards",
        metavar="FOLDER",
        help="board files that give platforms their names (default: config/boards)",
    )


def percent(text: str) -> float:
    """The value of an option that is a share in percent."""
    value = float(text)
    if not 0 <= value <= 1000:
        raise argparse.ArgumentTypeError("from 0 to 1000 percent")
    return value


def columns(rows: Iterable[Sequence[str]], numbers: Collection[int] = ()) -> list[str]:
    """Rows of one length as lines, column under column; those of `numbers` are set to the right."""
    listed = list(rows)
    widths = [max(len(cell) for cell in column) for column in zip(*listed, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place in numbers else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in listed
    ]


def warn(sentence: str) -> None:
    """Show a warning."""
    print(f"warning: {sentence}", file=sys.stderr)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Make the folder of a file that the user names; `UserError` if it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from None
