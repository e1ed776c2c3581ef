"""`nntest board-file`: draft a board file from a probe.

Connects, reads off the board what it is, and prints a file for config/boards/.  Nothing but a
folder of ours (nntest-flow, in the home folder) is written on the board.
"""

from __future__ import annotations

import argparse
import sys

from nntest.commands.options import Commands
from nntest.config import Board, SshConnection
from nntest.measuring.board_file import draft
from nntest.measuring.probe import probe
from nntest.measuring.transport import connect


def add_to(commands: Commands) -> None:
    """Describe the command."""
    text = "draft a file for config/boards/ from a probe of a board"
    command = commands.add_parser("board-file", help=text, description=text)
    command.add_argument("host", help="name, address, or Host of ~/.ssh/config")
    command.add_argument("--user")
    command.add_argument("--port", type=int)
    command.add_argument("--key", help="private key file")
    command.add_argument("--known-hosts", help="default: ~/.ssh/known_hosts")
    command.add_argument("--python", help="Python on the board (default: python3)")
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    connection = SshConnection(
        transport="ssh",
        host=arguments.host,
        user=arguments.user,
        port=arguments.port,
        key=arguments.key,
        known_hosts=arguments.known_hosts,
    )
    board = Board(name="new", connect=connection, work_dir="nntest-flow", python=arguments.python)
    with connect(board) as transport:
        facts, _ = probe(transport, board)
    sys.stdout.write(draft(connection, facts))
    return 0
