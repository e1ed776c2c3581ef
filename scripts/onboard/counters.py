"""Hardware counters of a GPU, as a reader on the board counts them while a program runs.

Standard library only, Python 3.5 and later: this file is copied to boards.

The reader is a command of the board's owner.  It is started before the operator program and says
that it counts with a line ``ready`` on stdout.  When the program has ended it gets SIGTERM; then
it prints what it has counted and ends with exit status 0.  It prints either one JSON object, whose
values are numbers or objects and lists of such, or lines of a name and a number.
"""

import json
import os
import select
import signal
import subprocess
import time

from processes import die_with_parent, end_group

READY = b"ready"
PATIENCE_S = 10.0
"""For the reader to get ready, and to print what it has counted."""
LOG_FILE = "counter-reader.log"


class CounterReaderError(Exception):
    """The reader did not do what is asked of it; the message says what it did."""


class CounterReader:
    """A running reader; as a context it ends the reader, whatever happens."""

    def __init__(self, command, folder):
        """Start the reader in `folder` and wait until it counts; CounterReaderError."""
        self._name = command[0]
        self._log = os.path.join(folder, LOG_FILE)
        self._said = b""
        try:
            with open(self._log, "wb") as log:
                self._process = subprocess.Popen(
                    command,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=die_with_parent,
                )
        except OSError as error:
            raise CounterReaderError("counter reader {}: {}".format(self._name, error.strerror))
        try:
            self._read(until_ready=True)
        except CounterReaderError:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_group(self._process)
        self._process.stdout.close()

    def finish(self):
        """Have the reader end; {counter: number, ...}, nested as the reader nests them."""
        self._process.send_signal(signal.SIGTERM)
        self._read(until_ready=False)
        try:
            status = self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise self._problem("did not end within {:g} s".format(PATIENCE_S))
        if status != 0:
            raise self._problem("ended with exit status {}".format(status))
        return self._parsed(self._said.decode("utf-8", "replace"))

    def _read(self, until_ready):
        """Read until the line `ready`, or else to the end."""
        deadline = time.monotonic() + PATIENCE_S
        descriptor = self._process.stdout.fileno()
        while True:
            line, newline, rest = self._said.partition(b"\n")
            if until_ready and newline:
                if line.strip() != READY:
                    raise self._problem("began with another line than 'ready'")
                self._said = rest
                return
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                what = "get ready" if until_ready else "end"
                raise self._problem("did not {} within {:g} s".format(what, PATIENCE_S))
            block = os.read(descriptor, 65536)
            if not block and not until_ready:
                return
            if not block:
                raise self._problem("ended before it was ready")
            self._said += block

    def _parsed(self, text):
        if text.lstrip().startswith("{"):
            try:
                return json.loads(text)
            except ValueError as error:
                raise self._problem("did not print JSON: {}".format(error))
        counters = {}
        for line in text.splitlines():
            if line.strip():
                name, _, value = line.strip().rpartition(" ")
                try:
                    counters[name.strip()] = float(value)
                except ValueError:
                    raise self._problem("printed '{}', not a name and a number".format(line[:80]))
        if not counters or "" in counters:
            raise self._problem("printed no counters")
        return counters

    def _problem(self, what):
        with open(self._log, "rb") as stream:
            tail = stream.read()[-300:].decode("utf-8", "replace").strip()
        return CounterReaderError(
            "counter reader {} {}{}".format(self._name, what, ": " + tail if tail else "")
        )
