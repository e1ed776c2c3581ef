"""A board's health check: a command of its file, run before each sweep.

Standard library only, Python 3.5 and later: this file is copied to boards.
"""

import os
import subprocess
import time

from processes import WAKE_EVERY_S, die_with_parent, end_group, ended_within

LOG_FILE = "health.log"
LAST_WORDS = 300
"""Characters that a message may quote of what the command said."""


def complaint(check, folder, on_wait):
    """What is wrong with the board, in words; empty if it is well, or `on_wait` ended the check.

    check: {argv, text (for messages), timeout_s, environment}.  The command's output goes to a
    file of `folder`: what it starts in the background may keep it.
    """
    path = os.path.join(folder, LOG_FILE)
    deadline = time.monotonic() + check["timeout_s"]
    try:
        with open(path, "wb") as log:
            process = subprocess.Popen(
                check["argv"], env=dict(os.environ, **check["environment"]), cwd=folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, preexec_fn=die_with_parent,
            )  # fmt: skip
    except OSError as error:
        return "{} cannot be started: {}".format(check["text"], error.strerror)
    try:
        while not ended_within(process, min(WAKE_EVERY_S, max(0, deadline - time.monotonic()))):
            if on_wait():
                return ""
            if time.monotonic() >= deadline:
                return "{} has not ended within {:g} s".format(check["text"], check["timeout_s"])
    finally:
        end_group(process)
    if process.returncode == 0:
        return ""
    with open(path, errors="replace") as log:
        said = " | ".join(log.read().split("\n")).strip(" |")[-LAST_WORDS:]
    words = "{} ended with {}".format(check["text"], process.returncode)
    return "{}: {}".format(words, said) if said else words
