"""JSON files on the board: written whole, and read whatever is in them.

Standard library only, Python 3.5 and later: this file is copied to boards.
"""

import json
import os


def write_atomically(path, content):
    """Write JSON to `path` so that a reader sees the old file or the new one, never half."""
    temporary = path + ".new"
    with open(temporary, "w") as stream:
        json.dump(content, stream, sort_keys=True)
    os.replace(temporary, path)


def read_json(path, default=None):
    """The JSON of a file, or `default` if there is none or it is something else."""
    try:
        with open(path, encoding="utf-8") as stream:
            return json.load(stream)
    except (OSError, ValueError, RecursionError):
        return default
