"""Time stamps as every record here writes them.

Standard library only, Python 3.5 and later: this file is copied to boards.
"""

from datetime import datetime, timezone


def utc_now():
    """The time now: UTC, ISO 8601, microseconds."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
