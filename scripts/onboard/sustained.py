"""What the device did in each window of a run that goes on and on.

Standard library only, Python 3.5 and later: this file is copied to boards.

The program counts its runs in windows (programs_common/repetitions.py); while it runs, the runner
reads the device's state once a second, and the sampler the board's meters.
"""

from energy import mean_power, stretch


def windows_of(line, states, meters, said):
    """What a journal line keeps of its windows; a list of objects, in order.

    states: [(s since 1970, state as `DeviceState.read` has it), ...]; meters: the plan's; said:
    what the sampler printed, {} without one.  Of each window: `from_s` since the first run began,
    `seconds`, `runs`; the mean `clock_mhz` and `temperature_c` of the states in it; `watts` by
    `meter`, in the order of the board's file.  None for what nobody read.
    """
    loop = (line.get("run_time_state") or {}).get("loop") or {}
    whole = stretch(line.get("started_at"), loop.get("seconds"))
    found = []
    for since, seconds, runs in loop.get("windows") or [] if whole else []:
        start, end = whole[0] + since, whole[0] + since + seconds
        inside = [state for at, state in states if start <= at < end]
        watts = []
        for meter in meters:
            settle_s = meter.get("settle_s", 0) if since == 0 else 0
            mean = mean_power(said.get(meter["name"]), (start, end), settle_s)
            watts.append({"meter": meter["name"], "watts": mean})
        found.append(
            {
                "from_s": since,
                "seconds": seconds,
                "runs": runs,
                "clock_mhz": _mean(inside, "clock_mhz"),
                "temperature_c": _mean(inside, "temperature_c"),
                "watts": watts,
            }
        )
    return found


def _mean(states, key):
    values = [state[key] for state in states if state[key] is not None]
    return sum(values) / len(values) if values else None
