#!/usr/bin/env python3
"""Put a library of Python wheels into a virtual environment of its own: FOLDER WHEELS MODULE.

Standard library only, Python 3.5 and later: this file is copied to boards.  WHEELS is a folder
with the library's wheels, what they depend on, and pip's own; nothing is fetched.  Prints one JSON
object: {"python", "versions"} when MODULE can be imported, else {"problem", "hint"}.
"""

import glob
import json
import os
import shutil
import subprocess
import sys

from job_names import RESULT_FILE
from json_files import write_atomically
from outcomes import signal_name

LAST_WORDS = 600
"""Characters of a log that a message may quote."""
VERSIONS = """
import importlib, json, sys
from importlib import metadata
importlib.import_module(sys.argv[1])
print()
print(json.dumps({found.metadata["Name"]: found.version for found in metadata.distributions()}))
"""


class Problem(Exception):
    """A sentence, and a way out."""

    def __init__(self, sentence, hint=None):
        Exception.__init__(self, sentence)
        self.hint = hint


def main():
    """Install, or find it installed; print what came of it."""
    folder, wheels, module = sys.argv[1:4]
    done = os.path.join(folder, RESULT_FILE)
    try:
        if not os.path.exists(done):
            _make(folder, wheels)
        answer = {"python": _python(folder), "versions": _versions(folder, module)}
        write_atomically(done, answer)
    except Problem as problem:
        answer = {"problem": str(problem), "hint": problem.hint}
    print(json.dumps(answer, sort_keys=True))


def _make(folder, wheels):
    """A new environment in the place of one that was left half made."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        import venv
    except ImportError:
        raise Problem(
            "its Python has no module venv", "apt-get install python3-venv, or another Python"
        )
    # pip comes as a wheel: Debian has ensurepip in a package of its own, which boards often lack.
    try:
        venv.create(os.path.join(folder, "venv"), with_pip=False, symlinks=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Problem("a virtual environment cannot be made: {}".format(error))
    pip = sorted(glob.glob(os.path.join(wheels, "pip-*.whl")))
    if not pip:
        raise Problem("there is no wheel of pip itself among the library's wheels")
    found = [path for path in sorted(glob.glob(os.path.join(wheels, "*.whl"))) if path not in pip]
    command = [_python(folder), os.path.join(pip[-1], "pip"), "install", "--no-index", "--no-deps"]
    command += ["--no-compile", "--disable-pip-version-check", "--ignore-requires-python"]
    ended = _run(command + found)
    if ended[0] != 0:
        raise Problem("pip cannot install its wheels: {}".format(_last_words(ended[1])))


def _versions(folder, module):
    """Versions by package, from a process that imports the library as the programs will."""
    status, out = _run([_python(folder), "-c", VERSIONS, module])
    if status < 0:
        raise Problem(
            "{} dies of {} when it is imported: {}".format(
                module, signal_name(-status), _last_words(out)
            ),
            "another version may run on this processor; name it in the library's file",
        )
    if status != 0:
        raise Problem("{} cannot be imported: {}".format(module, _last_words(out)))
    return json.loads(out.strip().splitlines()[-1])


def _run(command):
    """(exit status, what it said); without the user's own Python settings."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "PYTHON", "VIRTUAL_ENV"))
    }
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    out = process.communicate()[0].decode("utf-8", "replace")
    return process.returncode, out


def _python(folder):
    return os.path.join(folder, "venv", "bin", "python")


def _last_words(text):
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    # Of a traceback its last line says what is wrong.
    said = " | ".join(lines[-1:] if "Traceback" in text else lines[-4:])
    return said[-LAST_WORDS:] if said else "it said nothing"


if __name__ == "__main__":
    main()
