"""The journal of a sweep: one JSON line per finished repetition, on disk before the next starts.

Standard library only, Python 3.5 and later: this file is copied to boards.

The journal is what a sweep resumes from, so a line counts once its newline is on disk.  What a
crash left of a torn last line is cut off when the journal is next opened for writing.  What its
lines say is in `outcomes`.
"""

import json
import os
import uuid

from clock import utc_now


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
