"""How one repetition in an archive ended: ok, or which kind of failure and why.

Archives of this project say the status outright; of others `onboard.outcomes` works it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from onboard import outcomes

from nntest.archives.ck.values import mapping, real, text

_LONGEST_LOG, _LONGEST_TAIL, _LONGEST_STATUS = 100_000, 2000, 60


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


NO_BATCH_SIZE = Outcome(
    outcomes.FAILED, "n/a", "its batch size is not a number of images", None, None
)
"""Of a repetition that may have run, but of which nobody can say how many images it is for."""


def outcome_of(run: dict[str, Any], flow: dict[str, Any], fail_reason: str) -> Outcome:
    """Tell how a repetition ended.

    run: CK's ``run`` object; flow: our own facts, {} in an archive of real CK;
    fail_reason: why CK says that the point was aborted, "" if it does not.
    """
    time_s = outcomes.seconds_of_ck_run(run)
    if flow:
        written = text(flow.get("status"), _LONGEST_STATUS)
        status = outcomes.parse(written)
        tail = text(flow.get("log_tail"), _LONGEST_LOG)[-_LONGEST_TAIL:]
        said = text(flow.get("reason"), outcomes.LONGEST_REASON)
        if not status:  # of another version of this project
            status, said = outcomes.FAILED, ": ".join(filter(None, (written, said)))
        reason = "\n".join(filter(None, (said, tail)))
        if status == outcomes.OK and time_s is None:
            status, reason = outcomes.FAILED, outcomes.NO_TIME
    else:
        status, reason = outcomes.of_ck_run(run, fail_reason)
        reason = text(reason, outcomes.LONGEST_REASON)
    if status == outcomes.OK:
        return Outcome(status, "yes", "", time_s, _setup(run))
    said_no = not flow and run.get("run_success") == "no"
    success = "no" if status == outcomes.WRONG_OUTPUT or said_no else "n/a"
    return Outcome(status, success, reason or outcomes.NO_REASON, None, None)


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
    return seconds if seconds is not None and 0 <= seconds <= outcomes.LONGEST_S else None
