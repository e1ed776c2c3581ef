"""How one repetition ended: ok, or which kind of failure and why.

CK keeps an aborted run as an empty object and a wrong output as ``run_success: "no"`` with a
time that must not be used; the reason of the former is in another file.  Archives of this
project say the status outright.
"""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from typing import Any

from nntest.archives.ck.values import mapping, positive, real, text, truth

STATUSES = (
    "ok",
    "build-failed",
    "not-supported",
    "wrong-output",
    "timeout",
    "out-of-memory",
    "throttled",
    "lost-link",
    "skipped",
    "failed",
)
_CRASHED = re.compile(r"crashed\([A-Za-z0-9+_-]{1,20}\)\Z")
_SHORTEST_S, _LONGEST_S = 1e-12, 1e9
"""A number outside is no measured time, and would make a rate of it infinite."""
_LONGEST_REASON = 600
_LONGEST_LOG, _LONGEST_TAIL = 100_000, 2000

_TELLING = (
    (re.compile(r"output is not matching|output check", re.I), "wrong-output"),
    (re.compile(r"timed out|timeout", re.I), "timeout"),
    (re.compile(r"out of memory|bad_alloc|CL_(MEM_OBJECT|OUT_OF)", re.I), "out-of-memory"),
    (re.compile(r"compilation failed", re.I), "build-failed"),
    (re.compile(r"pre-processing.*(kernel|stride|support)", re.I | re.S), "not-supported"),
    (re.compile(r"not supported|unsupported", re.I), "not-supported"),
)


@dataclass(frozen=True)
class Outcome:
    """How a repetition ended; times in seconds."""

    status: str
    success: str
    """yes, no (wrong output, or the program said so), n/a (no result)."""
    reason: str
    time_s: float | None
    """Only of a repetition that succeeded."""
    setup_s: float | None


def outcome_of(run: dict[str, Any], flow: dict[str, Any], fail_reason: str) -> Outcome:
    """Tell how a repetition ended.

    run: CK's ``run`` object; flow: our own facts, {} in an archive of real CK;
    fail_reason: why CK says that the point was aborted, "" if it does not.
    """
    if flow:
        status = text(flow.get("status"))
        if status not in STATUSES and not _CRASHED.match(status):
            status = "failed"
        tail = text(flow.get("log_tail"), _LONGEST_LOG)[-_LONGEST_TAIL:]
        reason = "\n".join(filter(None, (text(flow.get("reason"), _LONGEST_REASON), tail)))
    elif not run:
        reason = text(fail_reason, _LONGEST_REASON)
        status = status_of(reason)
    elif truth(run.get("run_success")) is False or truth(run.get("run_success_bool")) is False:
        reason = text(run.get("fail_reason"), _LONGEST_REASON)
        reason = reason or text(fail_reason, _LONGEST_REASON)
        wrong = truth(run.get("output_check_failed")) is True
        status = "wrong-output" if wrong else status_of(reason)
    else:
        status, reason = "ok", ""
    time_s = _time(run) if status == "ok" else None
    if status == "ok" and time_s is None:
        return Outcome("failed", "n/a", "it ended well but recorded no time", None, None)
    if status == "ok":
        return Outcome(status, "yes", "", time_s, _setup(run))
    said_no = not flow and run.get("run_success") == "no"
    success = "no" if status == "wrong-output" or said_no else "n/a"
    return Outcome(status, success, reason or "no reason was recorded", None, None)


def status_of(reason: str) -> str:
    """The status that a reason in CK's words amounts to; "failed" if it does not tell."""
    for pattern, status in _TELLING:
        if pattern.search(reason):
            return status
    code = re.search(r"return code (-?\d{1,4})\b", reason)
    number = int(code[1]) if code else 0
    # A shell reports a signal as 128 more, Python as a negative number.
    number = -number if number < 0 else number - 128
    if 0 < number < 65:
        try:
            return f"crashed({signal.Signals(number).name})"
        except ValueError:
            return "failed"
    return "failed"


def _time(run: dict[str, Any]) -> float | None:
    """Time of the operator (of the whole network in a network's program), s."""
    seconds = positive(run.get("execution_time_kernel_1"))
    if seconds is None:
        seconds = positive(mapping(run, "run_time_state").get("time_test"))
    if seconds is None:
        seconds = positive(run.get("prediction_time_avg_s"))
    return seconds if seconds is not None and _SHORTEST_S <= seconds <= _LONGEST_S else None


def _setup(run: dict[str, Any]) -> float | None:
    """Time of the set-up before it, s."""
    seconds = real(mapping(run, "run_time_state").get("time_setup"))
    if seconds is None:
        seconds = real(run.get("setup_time_s"))
    if seconds is None:
        # CK overwrites kernel_0, first the set-up's time, by set-up and operator together.
        both = real(run.get("execution_time_kernel_0"))
        test = real(run.get("execution_time_kernel_1"))
        seconds = both - test if both is not None and test is not None else None
    return seconds if seconds is not None and 0 <= seconds <= _LONGEST_S else None
