"""How a repetition ends: the statuses, what makes one, and what a journal's lines say is done.

Standard library only, Python 3.5 and later: this file is copied to boards, where it is the module
`outcomes`; the workflow imports it as `onboard.outcomes`.  So it imports nothing of ours, and
both sides mean the same by a status.
"""

import json
import math
import re
import signal
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

OK = "ok"
BUILD_FAILED = "build-failed"
NOT_SUPPORTED = "not-supported"
WRONG_OUTPUT = "wrong-output"
CRASHED = "crashed"
TIMEOUT = "timeout"
OUT_OF_MEMORY = "out-of-memory"
THROTTLED = "throttled"
LOST_LINK = "lost-link"
SKIPPED = "skipped"
FAILED = "failed"

STATUSES = (
    OK,
    BUILD_FAILED,
    NOT_SUPPORTED,
    WRONG_OUTPUT,
    CRASHED,
    TIMEOUT,
    OUT_OF_MEMORY,
    THROTTLED,
    LOST_LINK,
    SKIPPED,
    FAILED,
)
"""All statuses.  `crashed` says how in parentheses, e.g. crashed(SIGSEGV), crashed(exit 9);
`failed` is a failure of which no more is known."""

FINAL = (NOT_SUPPORTED, WRONG_OUTPUT, BUILD_FAILED)
"""Failures that the same program on the same device would only repeat."""

EXIT_STATUSES = {
    2: NOT_SUPPORTED,
    3: NOT_SUPPORTED,
    4: WRONG_OUTPUT,
    5: BUILD_FAILED,
    6: OUT_OF_MEMORY,
}
"""What the exit statuses of our operator programs mean; 0 is `ok`.  They write the status to a
file besides, and that counts: other programs mean other things by the same numbers."""

NO_REASON = "no reason was recorded"
NO_TIME = "it ended well but recorded no time"
LONGEST_REASON = 600
"""Characters of a reason that are kept: CK lists every wrong element in it."""

SHORTEST_S, LONGEST_S = 1e-12, 1e9
"""A number outside is not a measured time, and would make a rate of it infinite."""

MOST_REPETITIONS = 10**9
"""Of a point; a number beyond is none of a repetition's."""

_DETAIL = re.compile(r"crashed\([A-Za-z0-9+_ -]{1,40}\)\Z")

_CK_REASONS = (
    (re.compile(r"output is not matching|output check|outputs differ", re.I), WRONG_OUTPUT),
    (re.compile(r"timed out|timeout", re.I), TIMEOUT),
    (re.compile(r"out of memory|bad_alloc|CL_(MEM_OBJECT|OUT_OF)", re.I), OUT_OF_MEMORY),
    (re.compile(r"compilation failed", re.I), BUILD_FAILED),
    # A pre-processing script refuses a kernel size so; it may also not have been found.
    (re.compile(r"pre-processing.*(kernel|stride|support)", re.I | re.S), NOT_SUPPORTED),
    (re.compile(r"not supported|unsupported", re.I), NOT_SUPPORTED),
)
"""What CK's reasons amount to; the first that fits counts."""


# -- statuses ------------------------------------------------------------------------------


def parse(text: Any) -> str:
    """`text` if it is a status, "" for anything else."""
    if not isinstance(text, str):
        return ""
    return text if text in STATUSES or _DETAIL.match(text) else ""


def is_final(status: Any) -> bool:
    """Whether the same program on the same device would only fail so again."""
    return status in FINAL


def crashed(how: str) -> str:
    """The status of a program that broke; `how` is a few words, e.g. SIGSEGV."""
    return "{}({})".format(CRASHED, how)


def signal_name(number: int) -> str:
    """A signal's name, e.g. SIGSEGV."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return "signal {}".format(number)


def of_exit(code: int) -> Tuple[str, str]:
    """(status, reason) of a program that ended and did not say why.

    code: its exit status, or the signal that ended it as a negative number; not 0.
    """
    if code < 0:
        name = signal_name(-code)
        return crashed(name), "ended by signal {}".format(name)
    return crashed("exit {}".format(code)), "ended with exit status {}".format(code)


def of_status_file(content: Any) -> Optional[Tuple[str, str]]:
    """(status, reason) as an operator program's status file gives them; None if it gives none.

    content: the file's JSON.  A word that is not a status of ours is `failed`, and in the reason.
    """
    status = content.get("status") if isinstance(content, dict) else None
    if not isinstance(status, str) or status in ("", OK):
        return None
    reason = content.get("reason")
    reason = reason if isinstance(reason, str) else ""
    return (status, reason) if parse(status) else (FAILED, "{}: {}".format(status[:40], reason))


# -- Collective Knowledge ------------------------------------------------------------------


def of_ck_run(run: Mapping[str, Any], aborted: str) -> Tuple[str, str]:
    """(status, reason) of a run as CK records it.

    CK keeps an aborted run as an empty object, and a wrong output as ``run_success: "no"`` with a
    time that must not be used.

    aborted: why CK aborted the point, which it keeps in another file; "" if it did not.
    """
    if not run:
        return of_ck_reason(aborted), aborted
    if truth(run.get("run_success")) is False or truth(run.get("run_success_bool")) is False:
        reason = run.get("fail_reason")
        reason = reason if isinstance(reason, str) and reason.strip() else aborted
        wrong = truth(run.get("output_check_failed")) is True
        return WRONG_OUTPUT if wrong else of_ck_reason(reason), reason
    if seconds_of_ck_run(run) is None:
        return FAILED, NO_TIME
    return OK, ""


def of_ck_reason(reason: str) -> str:
    """The status that a reason in CK's words amounts to; `failed` if it does not say."""
    reason = reason[:LONGEST_REASON]
    for pattern, status in _CK_REASONS:
        if pattern.search(reason):
            return status
    code = re.search(r"return code (-?\d{1,4})\b", reason)
    number = int(code.group(1)) if code else 0
    # A shell reports a signal as 128 more, Python as a negative number.
    number = -number if number < 0 else number - 128
    name = signal_name(number)
    return crashed(name) if name.startswith("SIG") else FAILED


def seconds_of_ck_run(run: Mapping[str, Any]) -> Optional[float]:
    """Time of the operator (of the whole network in a network's program), s; None without one."""
    state = run.get("run_time_state")
    for value in (
        run.get("execution_time_kernel_1"),
        state.get("time_test") if isinstance(state, dict) else None,
        run.get("prediction_time_avg_s"),
    ):
        number = real(value)
        if number is not None and number > 0:
            return seconds(number)
    return None


# -- values out of foreign JSON -----------------------------------------------------------


def real(value: Any) -> Optional[float]:
    """A finite number as a float, also where it was written as text; None for anything else."""
    if type(value) is float:  # nearly always, and this is asked for every number of a table
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def seconds(value: Any) -> Optional[float]:
    """A measured time in s; None for what cannot be one, 0 among it."""
    number = real(value)
    return number if number is not None and SHORTEST_S <= number <= LONGEST_S else None


def truth(value: Any) -> Optional[bool]:
    """True and False, and CK's "yes" and "no"; None for anything else."""
    if isinstance(value, bool):
        return value
    return {"yes": True, "no": False}.get(value) if isinstance(value, str) else None


# -- what a journal says -------------------------------------------------------------------


def read_lines(path: str) -> Iterator[Dict[str, Any]]:
    """The JSON objects of a journal, in order; a torn, foreign or odd line is left out.

    A file that does not exist is an empty journal.  Read line by line: a journal has all that a
    study ever measured, and a board little memory.
    """
    try:
        with open(path, "rb") as stream:
            for line in lines_of(stream):
                yield line
    except FileNotFoundError:
        return


def lines_of(raw_lines: Iterable[bytes]) -> Iterator[Dict[str, Any]]:
    """The same of a journal's lines.  What is left out is measured again."""
    for raw in raw_lines:
        if not raw.endswith(b"\n"):
            continue
        try:
            line = json.loads(raw.decode("utf-8"))
        except (ValueError, RecursionError):
            continue
        if isinstance(line, dict) and _is_sound(line):
            yield line


def _is_sound(line: Mapping[str, Any]) -> bool:
    """Whether a journal's line says of a repetition what all that read it rely on."""
    if "point" not in line:
        return isinstance(line.get("journal", ""), str)
    counted = (line.get("repetition"), line.get("process", 0))
    # Where CK measures, its records have the time.
    timeless = "time_s" not in line and (line.get("status") != OK or "ck_point" in line)
    return (
        isinstance(line["point"], str)
        and all(type(number) is int and 0 <= number < MOST_REPETITIONS for number in counted)
        and (timeless or seconds(line.get("time_s")) is not None)
        and parse(line.get("status")) != ""
    )


def effective(lines: Iterable[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """The lines that count: a failure that a later line of its point overtook is left out."""
    lines = list(lines)
    last = {line.get("point"): number for number, line in enumerate(lines)}
    return [
        line
        for number, line in enumerate(lines)
        if line.get("status", OK) == OK or last[line.get("point")] == number
    ]


def most(point: Mapping[str, Any]) -> int:
    """How many repetitions of a plan's point count: with a precision more than `repetitions`."""
    return int(point.get("most_repetitions", point["repetitions"]))


class Progress:
    """What a journal says is done, by point.

    A failure read from an earlier start counts only if it is final: a crash, a timeout or want
    of memory may have been the moment's, so a further start tries these points again.
    """

    def __init__(self, lines: Iterable[Dict[str, Any]]) -> None:
        self.done = {}  # type: Dict[str, Any]
        """Repetition ids by point id."""
        self.failed = {}  # type: Dict[str, Dict[str, Any]]
        """The failure line by point id."""
        self.processes = {}  # type: Dict[str, int]
        """How many processes of a point have run, by point id."""
        for line in effective(lines):
            self.note(line)
        self.failed = {
            point: line for point, line in self.failed.items() if is_final(line.get("status"))
        }

    def note(self, line: Mapping[str, Any]) -> None:
        """Take in one journal line."""
        point = line.get("point")
        if point is None:
            return
        process = line.get("process", 0)
        self.processes[point] = max(self.processes.get(point, 0), process + 1)
        if line.get("status") == OK:
            self.done.setdefault(point, set()).add(line["repetition"])
        else:
            self.failed[point] = dict(line)

    def count_done(self, points: Iterable[Mapping[str, Any]]) -> int:
        """How many of the repetitions that a plan's points ask for are measured."""
        return sum(
            len([index for index in self.done.get(point["id"], ()) if index < most(point)])
            for point in points
        )

    def missing(self, point: Mapping[str, Any]) -> List[int]:
        """Repetitions of a plan's point that are still to be measured; none if it failed."""
        if point["id"] in self.failed:
            return []
        done = self.done.get(point["id"], set())
        return [index for index in range(point["repetitions"]) if index not in done]

    def further(self, point: Mapping[str, Any]) -> Tuple[int, List[int]]:
        """Number of the next process of a plan's point, and repetitions that it may measure."""
        first = max(self.done.get(point["id"], {-1})) + 1
        size = point["repetitions_per_process"] if point["protocol"] == "in-process" else 1
        return self.processes.get(point["id"], 0), list(range(first, first + size))
