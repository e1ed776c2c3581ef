#!/usr/bin/env python3
"""Put a library of Python wheels into a virtual environment of its own: FOLDER WHEELS MODULE.

Standard library only, Python 3.5 and later: this file is copied to boards.  WHEELS is a folder
with the library's wheels, what they depend on, and pip's own; nothing is fetched.  Answers with one
JSON object: {"python", "versions"} when MODULE can be imported, else {"problem", "hint"}.
"""

import glob
import os
import shutil
import subprocess
import sys

from answers import Answer, ask
from job_names import RESULT_FILE
from json_files import write_atomically
from outcomes import signal_name

LAST_WORDS = 600
"""Characters of a log that a message may quote."""
VERSIONS = """
import importlib, sys
from importlib import metadata
sys.path.insert(0, sys.argv[2])
from answers import Answer
del sys.path[0]
answer = Answer()
importlib.import_module(sys.argv[1])
answer.give({found.metadata["Name"]: found.version for found in metadata.distributions()})
"""
"""Without our other modules on the path: a library may have some of the same names."""


class Problem(Exception):
    """A sentence, and a way out."""

    def __init__(self, sentence, hint=None):
        Exception.__init__(self, sentence)
        self.hint = hint


def main():
    """Install, or find it installed; answer with what came of it."""
    channel = Answer()
    folder, wheels, module = sys.argv[1:4]
    done = os.path.join(folder, RESULT_FILE)
    try:
        if not os.path.exists(done):
            _make(folder, wheels)
        answer = {"python": _python(folder), "versions": _versions(folder, module)}
        write_atomically(done, answer)
    except Problem as problem:
        answer = {"problem": str(problem), "hint": problem.hint}
    channel.give(answer)


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
    process = subprocess.Popen(
        command + found, env=_own_environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    said = process.communicate()[0].decode("utf-8", "replace")
    if process.returncode != 0:
        raise Problem("pip cannot install its wheels: {}".format(_last_words(said)))


def _versions(folder, module):
    """Versions by package, from a process that imports the library as the programs will."""
    here = os.path.dirname(os.path.abspath(__file__))
    command = [_python(folder), "-c", VERSIONS, module, here]
    answer, status, said = ask(command, environment=_own_environment())
    if answer is not None:
        return answer
    if status < 0:
        raise Problem(
            "{} dies of {} when it is imported: {}".format(
                module, signal_name(-status), _last_words(said)
            ),
            "another version may run on this processor; name it in the library's file",
        )
    raise Problem("{} cannot be imported: {}".format(module, _last_words(said)))


def _own_environment():
    """The environment without the user's own Python settings."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "PYTHON", "VIRTUAL_ENV"))
    }


def _python(folder):
    return os.path.join(folder, "venv", "bin", "python")


def _last_words(text):
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    # Of a traceback its last line says what is wrong.
    said = " | ".join(lines[-1:] if "Traceback" in text else lines[-4:])
    return said[-LAST_WORDS:] if said else "it said nothing"


if __name__ == "__main__":
    main()
