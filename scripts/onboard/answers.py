"""The answer of a program to its caller: one JSON object, on a channel of its own.

Standard library only, Python 3.5 and later: this file is copied to boards, and nntest imports it.

A GPU's driver may print on stdout when it is loaded, opened or unloaded, with or without a line's
end.  So a program that answers keeps the stdout that it was started with to itself, and whoever
prints on stdout from then on prints on stderr.
"""

import json
import os
import re
import subprocess
from typing import Any, Dict, Optional

_MISSING = re.compile(
    r"^(?:ImportError|ModuleNotFoundError): No module named '?_?([\w.]+)'?$", re.MULTILINE
)
WHOLE_PYTHON = (
    "on the board: apt-get install libpython3-stdlib (Debian, Ubuntu), or opkg install python3-{0} "
    "(OpenWrt, Yocto)"
)
"""How the modules that belong to Python are had where its package is a small one."""


class Answer:
    """A program's answer; to be made before anything foreign is loaded."""

    def __init__(self):
        self._descriptor = os.dup(1)  # no process that we start inherits it
        os.dup2(2, 1)

    def give(self, content):
        """Write a JSON object, the only one; nothing in a process that has left it."""
        if self._descriptor is None:
            return
        # On a line of its own: a preloaded library has printed before us.
        text = "\n" + json.dumps(content, sort_keys=True) + "\n"
        with os.fdopen(self._descriptor, "w") as stream:
            self._descriptor = None
            stream.write(text)

    def leave(self):
        """Give no answer: in a process that was forked off, whose parent gives it."""
        # Its number is soon that of another file, which no late answer may get into.
        os.close(self._descriptor)
        self._descriptor = None


def answer_in(said: str) -> Optional[Dict[str, Any]]:
    """The JSON object that a program has answered, out of its stdout (text); None if there is none.

    What was printed before the answer may stand before it.
    """
    lines = said.strip().splitlines()
    try:
        answer = json.loads(lines[-1]) if lines else None
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def ask(command, timeout_s=None, environment=None):
    """Run a program that answers: (answer or None, exit status, what it said on stderr).

    How it ended does not count where there is an answer: some drivers crash when they are unloaded.
    Raises OSError and subprocess.TimeoutExpired.
    """
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            out, said = process.communicate(timeout=timeout_s)
        except BaseException:
            process.kill()
            raise
    answer = answer_in(out.decode("utf-8", "replace"))
    return answer, process.returncode, said.decode("utf-8", "replace")


def missing_module(said: str) -> Optional[str]:
    """The module of Python's own that a program lacked, as its traceback says; else None."""
    found = _MISSING.findall(said)
    return found[-1] if found else None
