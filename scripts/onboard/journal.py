"""The journal of a sweep: one JSON line per finished repetition, on disk before the next starts.

Standard library only, Python 3.5 and later: this file is copied to boards.

The journal is what a sweep resumes from, so a line counts once its newline is on disk.  What a
crash left of a torn last line is cut off when the journal is next opened for writing.
"""

import json
import os
import uuid

from clock import utc_now


def read_lines(path):
    """The JSON objects of a journal, in order; a torn or foreign line is left out.

    A file that does not exist is an empty journal.
    """
    try:
        with open(path, "rb") as stream:
            content = stream.read()
    except FileNotFoundError:
        return []
    lines = []
    for raw in content.split(b"\n")[:-1]:
        try:
            line = json.loads(raw.decode("utf-8"))
        except ValueError:
            continue
        if isinstance(line, dict):
            lines.append(line)
    return lines


class Journal:
    """Appends to a journal file; each line is flushed and synced before `append` returns.

    Raises OSError if the disk refuses (full, read-only): what was there before stays.
    """

    def __init__(self, path):
        self.path = path
        # Unbuffered: what the disk refused must not be tried again behind our back.
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._cut_torn_tail()
        if os.path.getsize(path) == 0:
            self.append({"journal": uuid.uuid4().hex, "created_at": utc_now()})

    def _cut_torn_tail(self):
        with open(self.path, "rb") as stream:
            content = stream.read()
        whole = content.rfind(b"\n") + 1
        if whole != len(content):
            os.truncate(self.path, whole)

    def append(self, line):
        """Write one line and wait until it is on disk."""
        data = (json.dumps(line, sort_keys=True) + "\n").encode("utf-8")
        position = os.path.getsize(self.path)
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
            os.fsync(self._descriptor)
        except OSError:
            # Half a line must not stand in front of the next one once there is room again.
            os.truncate(self.path, position)
            raise

    def close(self):
        """Close the file."""
        os.close(self._descriptor)


def effective(lines):
    """The lines that count: a failure that a later line of its point overtook is left out."""
    last = {}
    for number, line in enumerate(lines):
        if line.get("point") is not None:
            last[line["point"]] = number
    return [
        line
        for number, line in enumerate(lines)
        if line.get("status", "ok") == "ok" or last[line["point"]] == number
    ]


FINAL_STATUSES = ("not-supported", "wrong-output", "build-failed")
"""Failures that the same program on the same device would only repeat."""


class Progress:
    """What a journal says is done, by point.

    A failure read from an earlier start counts only if it is final: a crash, a timeout or want
    of memory may have been the moment's, so a further start tries these points again.
    """

    def __init__(self, lines):
        self.done = {}
        """Repetition ids by point id."""
        self.failed = {}
        """The failure line by point id."""
        self.processes = {}
        """How many processes of a point have run, by point id."""
        for line in effective(lines):
            self.note(line)
        self.failed = {
            point: line for point, line in self.failed.items() if line["status"] in FINAL_STATUSES
        }

    def note(self, line):
        """Take in one journal line."""
        point = line.get("point")
        if point is None:
            return
        process = line.get("process", 0)
        self.processes[point] = max(self.processes.get(point, 0), process + 1)
        if line.get("status") == "ok":
            self.done.setdefault(point, set()).add(line["repetition"])
        else:
            self.failed[point] = line

    def count_done(self, points):
        """How many of the repetitions that a plan's points ask for are measured."""
        return sum(
            len([index for index in self.done.get(point["id"], ()) if index < point["repetitions"]])
            for point in points
        )

    def missing(self, point):
        """Repetitions of a plan's point that are still to be measured; none if it failed."""
        if point["id"] in self.failed:
            return []
        done = self.done.get(point["id"], set())
        return [index for index in range(point["repetitions"]) if index not in done]
