"""What a repetition cost in energy, from the power that meters said while it ran.

Standard library only, Python 3.5 and later: this file is copied to boards.

A repetition of an energy run is a loop of runs that takes a while (docs/programs.md), after a rest
of the program that is set up.  So there are three powers, as QuTiBench has them: of the idle board
before the program started, of the resting program, and while it computes.
"""

import calendar
import json
import os
import sys
import time

from outcomes import real

SAMPLER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "power_sampler.py")
LEAST_SEEN = 0.5
"""Share of a stretch of time that a meter's readings must lie in."""


def sampler(meters):
    """The command that reads a plan's meters, as a counter reader does."""
    return [sys.executable, SAMPLER, json.dumps(meters)]


def energy_of(line, idle, meters, said):
    """What a repetition's journal line keeps of its energy; {meter: {...}}.

    idle: (from, to) of a time when nothing ran, in s since 1970; meters: the plan's; said: what
    the sampler printed.  Of each meter: `idle_w`, `base_w` and `full_w`, and `joules` of one run;
    None where the readings do not cover the time.  `number` is its place in the board's file.
    """
    state = line.get("run_time_state") or {}
    loop = state.get("loop") if isinstance(state.get("loop"), dict) else {}
    rest = stretch(loop.get("rested_from"), loop.get("rest_s"))
    full = stretch(line.get("started_at"), loop.get("seconds"))
    found = {}
    for number, meter in enumerate(meters):
        settle_s = meter.get("settle_s", 0)
        powers = {
            name + "_w": mean_power(said.get(meter["name"]), during, settle_s)
            for name, during in (("idle", idle), ("base", rest), ("full", full))
        }
        watts = powers["full_w"]
        joules = watts * line["time_s"] if watts is not None else None
        found[meter["name"]] = dict(powers, joules=joules, number=number)
    return found


def stretch(started_at, seconds):
    """(from, to) in s since 1970; None if either is not known."""
    seconds = real(seconds)
    try:
        day, _, fraction = started_at.partition(".")
        start = calendar.timegm(time.strptime(day, "%Y-%m-%dT%H:%M:%S"))
        start += float("0." + fraction[: fraction.index("+")])
    except (AttributeError, ValueError):
        return None
    return (start, start + seconds) if seconds else None


def mean_power(pieces, during, settle_s):
    """Mean power over the pieces that lie within (from, to); None where they are too few.

    What begins before the meter has settled does not count.
    """
    if during is None:
        return None
    start, end = during[0] + settle_s, during[1]
    within = [piece for piece in pieces or [] if start <= piece[0] and piece[1] <= end]
    seconds = sum(to - since for since, to, _ in within)
    if seconds <= 0 or seconds < LEAST_SEEN * (end - start):
        return None
    return sum((to - since) * watts for since, to, watts in within) / seconds
