"""The entry point of `nntest`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence

from nntest.commands import bisect, board_file, capsule, ck, compare, history, lock, network
from nntest.errors import user_errors_end_the_process

COMMANDS = (ck, compare, history, bisect, capsule, board_file, lock, network)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status."""
    parser = argparse.ArgumentParser(
        prog="nntest",
        description="Work with boards and CK archives outside the workflow.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    arguments = parser.parse_args(argv)
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `... | head` is not an error
    status: int
    with user_errors_end_the_process():
        status = arguments.run(arguments)
    return status


if __name__ == "__main__":
    sys.exit(main())
