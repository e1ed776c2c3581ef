"""Options that several commands have."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TypeAlias

from nntest.codehash import PROJECT

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_boards(command: argparse.ArgumentParser) -> None:
    """`--boards`: where platforms have their names from."""
    command.add_argument(
        "--boards",
        type=Path,
        default=PROJECT / "config" / "boards",
        metavar="FOLDER",
        help="board files that give platforms their names (default: config/boards)",
    )


def warn(sentence: str) -> None:
    """Say what was odd and did not end the command."""
    print(f"warning: {sentence}", file=sys.stderr)
