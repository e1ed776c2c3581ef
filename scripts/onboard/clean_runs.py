"""Which timed runs were disturbed by what else the machine did, and which of a point's runs count.

A run is clean if it lost less than `MOST_LOST` of its time, and no page had to come from a disk.
Lost is what all its threads together waited for a CPU, beyond `WAKING_S` for each time that one
was put on a CPU, and what a virtual machine's host took from its CPUs.

* A thread that is woken waits even where nobody else wants the CPU.  Measured on two cores of a
  virtual machine, PoCL's workers: 2 to 13 µs each time.  A thread that has to wait for another one
  waits 700 µs and more, so the two do not mix; without the allowance no run of 100 µs that wakes
  its workers would be clean.
* Threads are added up, since any of them may be the one that the others wait for.
* The host's share is counted in ticks (10 ms) and for all CPUs: one tick disturbs every run below
  half a second, whether the run met it or not.
* Involuntary switches have no limit of their own: what they cost is in the waiting.

What it does not see: caches and memory that are shared, clocks, a GPU's other users, a host that
does not say what it takes.

The archive keeps the figures as they were read, so another rule can be applied to it.

Standard library only, Python 3.5 and later: the runner on a board asks it whether to measure more,
the workflow (as `onboard.clean_runs`) which runs its tables are of.
"""

from typing import List, Optional, Sequence

CLEAN, DISTURBED, UNKNOWN = "clean", "disturbed", "unknown"

MOST_LOST = 0.02
"""Share of its time from which on a run is disturbed: well below the differences that matter."""
WAKING_S = 15e-6
"""What putting a thread on a CPU may take, s."""
FEWEST_CLEAN = 5
"""Clean runs of a point from which on they alone count: fewer are little to judge it by."""


def run_state(
    watched_s: Optional[float],
    waited_s: Optional[float],
    dispatches: Optional[float],
    stolen_s: Optional[float],
    major_faults: Optional[float],
) -> str:
    """`CLEAN`, `DISTURBED` or `UNKNOWN`, for what was read around a run of `watched_s`.

    Of runs that are timed together in a loop it is all of the loop.
    `dispatches`: times that a thread was put on a CPU.  None for what the kernel does not say;
    a machine that does not say what was stolen is taken to be no virtual one.
    """
    if watched_s is None:
        return UNKNOWN
    allowed = MOST_LOST * watched_s
    if major_faults or (stolen_s or 0.0) >= allowed:
        return DISTURBED
    if waited_s is None or dispatches is None:
        return UNKNOWN
    waited = max(0.0, waited_s - WAKING_S * dispatches)
    return CLEAN if waited + (stolen_s or 0.0) < allowed else DISTURBED


def counted(states: Sequence[object]) -> List[bool]:
    """For each run of a point, by its state, whether figures and verdicts are of it.

    The clean ones alone if there are `FEWEST_CLEAN` or more; else all.  Null is unknown.
    """
    clean = [state == CLEAN for state in states]
    return clean if sum(clean) >= FEWEST_CLEAN else [True] * len(clean)
