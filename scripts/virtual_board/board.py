#!/usr/bin/env python3
"""The virtual board: ``board.py build | start | stop | status``.

An aarch64 Debian that runs under qemu in a folder of this machine and is reached over SSH like a
real board.  It has the real Arm Compute Library, on an OpenCL device that says of itself that it
is emulated.  It is for trying things out and for tests: its times are an emulator's.

Needs root, Linux and Debian's packages; Python's standard library only.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from host import BoardError, need_emulation, need_root, need_tools
from machine import PORT, running, start, status, stop
from userland import MIRROR, Places, Recipe, build

FOLDER = Path("results/virtual-board")


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[1])
    commands = parser.add_subparsers(dest="command", required=True)
    helps = {
        "build": "make the board, unless it is made",
        "start": "start it and wait until it answers",
        "stop": "end it, with everything that runs on it",
        "status": "say how it is, as JSON; exit status 3 unless it runs",
    }
    for name, text in helps.items():
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--dir", type=Path, default=FOLDER, help="default: %(default)s")
        if name == "start":
            command.add_argument("--port", type=int, default=PORT, help="default: %(default)s")
        if name == "build":
            command.add_argument("--mirror", default=MIRROR, help="default: %(default)s")
            command.add_argument(
                "--bare", action="store_true", help="without compiler and Arm Compute Library"
            )
            command.add_argument(
                "--no-compiler", action="store_true", help="without compiler (smaller)"
            )
            command.add_argument(
                "--install-tools", action="store_true", help="apt-get the tools that are missing"
            )
    return parser.parse_args(argv)


def _do(options: argparse.Namespace) -> int:
    places = Places(options.dir)
    if options.command == "status":
        answer = status(places)
        print(json.dumps(answer, indent=2))
        return 0 if answer["running"] else 3
    need_root()
    if options.command == "stop":
        stop(places)
        return 0
    need_tools(install=options.command == "build" and options.install_tools)
    need_emulation()
    if options.command == "start":
        start(places, options.port)
        return 0
    recipe = Recipe(
        mirror=options.mirror,
        compiler=not (options.bare or options.no_compiler),
        armcl=not options.bare,
    )
    if running(places) and places.recipe_built() != recipe.digest():
        raise BoardError("the board runs, and is another one than is to be built: stop it first")
    build(places, recipe)
    return 0


def main(argv: list[str]) -> int:
    """Do what the command line asks for; the exit status."""
    try:
        return _do(_arguments(argv))
    except BoardError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.strerror}: {error.filename}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
