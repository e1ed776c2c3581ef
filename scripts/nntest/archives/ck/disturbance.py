"""What else went on in the machine during a repetition, and whether that disturbed it."""

from __future__ import annotations

from typing import Any

from onboard.clean_runs import run_state

from nntest.archives.ck.values import mapping, micro, real, whole


def disturbance(run: dict[str, Any], time_s: float | None) -> dict[str, Any]:
    """The columns of a measurement that say so, with the `runs` that were watched together.

    {} if it has no time.

    run: a repetition as the programs and the journal write it.
    """
    if time_s is None:
        return {}
    found = mapping(run, "run_time_state", "disturbance")
    loop = mapping(run, "run_time_state", "loop")
    watched_s = real(loop.get("seconds")) or time_s
    waited_s, stolen_s = real(found.get("waited_s")), real(found.get("stolen_s"))
    dispatches, faults = whole(found.get("dispatches")), whole(found.get("major_faults"))
    return {
        "runs": whole(loop.get("runs")) or 1,
        "run_state": run_state(watched_s, waited_s, dispatches, stolen_s, faults),
        "waited_us": micro(waited_s),
        "dispatches": dispatches,
        "stolen_us": micro(stolen_s),
        "involuntary_switches": whole(found.get("involuntary_switches")),
        "major_faults": faults,
        "load": real(found.get("load")),
    }
