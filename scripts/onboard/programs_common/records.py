"""The files that the program leaves in its working directory."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, Callable

from failures import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMER_FILE = "tmp-ck-timer.json"
STATUS_FILE = "tmp-nntest-status.json"
REPETITIONS_FILE = "tmp-nntest-repetitions.jsonl"


def end_with_status(run: Callable[[list[str], Mapping[str, str]], None]) -> int:
    """Call ``run(arguments, environment)``; a Failure becomes its status file.

    Return the exit status.
    """
    remove_stale()
    try:
        run(sys.argv[1:], os.environ)
    except Failure as failure:
        write_json(STATUS_FILE, {"status": failure.status, "reason": failure.reason})
        print(f"{failure.status}: {failure.reason}", file=sys.stderr)
        return failure.exit_status
    return 0


def remove_stale() -> None:
    """Remove what an earlier run in this directory left, so that it is not taken for this run's.

    The repetitions stay: a run that goes on with a later first repetition appends to them.
    """
    for name in (TIMER_FILE, STATUS_FILE):
        with contextlib.suppress(FileNotFoundError):
            os.remove(name)


def write_json(path: str, content: dict[str, Any]) -> None:
    """Write ``content`` to ``path`` at once: a reader sees the old file or the whole new one.

    Raises OSError where the folder cannot be written to.
    """
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2, sort_keys=True, allow_nan=False)
            file.write("\n")
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.remove(temporary)
        raise


def append_repetition(content: dict[str, Any]) -> None:
    """Append one finished repetition as a line that is complete when the file is next read."""
    line = json.dumps(content, sort_keys=True, allow_nan=False) + "\n"
    with open(REPETITIONS_FILE, "a", encoding="utf-8") as file:
        file.write(line)


def utc_now() -> str:
    """Return the time as ISO 8601 in UTC, to the microsecond."""
    seconds, nanoseconds = divmod(time.time_ns(), 10**9)
    clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{clock}.{nanoseconds // 1000:06d}+00:00"
