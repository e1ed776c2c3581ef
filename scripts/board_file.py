"""Draft a board file from a probe: `board_file.py HOST [--user USER] [--port PORT] ...`.

Connects, reads off the board what it is, and prints a file for config/boards/.  Nothing but a
folder of ours (nntest-flow, in the home folder) is written on the board.
"""

from __future__ import annotations

import argparse
import sys

from nntest.board_file import draft
from nntest.config import Board, SshConnection
from nntest.errors import user_errors_end_the_process
from nntest.probe import probe
from nntest.transport import connect


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("host", help="name, address, or Host of ~/.ssh/config")
    parser.add_argument("--user")
    parser.add_argument("--port", type=int)
    parser.add_argument("--key", help="private key file")
    parser.add_argument("--known-hosts", help="default: ~/.ssh/known_hosts")
    parser.add_argument("--python", help="Python on the board (default: python3)")
    arguments = parser.parse_args()
    with user_errors_end_the_process():
        connection = SshConnection(
            transport="ssh",
            host=arguments.host,
            user=arguments.user,
            port=arguments.port,
            key=arguments.key,
            known_hosts=arguments.known_hosts,
        )
        board = Board(
            name="new", connect=connection, work_dir="nntest-flow", python=arguments.python
        )
        with connect(board) as transport:
            facts, _ = probe(transport, board)
        sys.stdout.write(draft(connection, facts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
