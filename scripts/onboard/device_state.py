"""What the device is doing: clock, temperature, throttling, read from files of the kernel.

Standard library only, Python 3.5 and later: this file is copied to boards.
"""


class DeviceState:
    """Reads the state that a plan asks for.

    `request` names the files: ``clocks`` [{path, khz_per_unit}] (the highest one is kept),
    ``temperatures`` [{path, throttles_at_c}] (thousandths of a degree; the hottest is kept) and
    ``throttle_counters`` [path].  A file that is not there or not readable is left out: its
    figure is None, never a guess.
    """

    def __init__(self, request):
        self._clocks = request.get("clocks", [])
        self._temperatures = request.get("temperatures", [])
        self._counters = request.get("throttle_counters", [])

    def read(self):
        """The state now: {clock_mhz, temperature_c, too_hot, throttle_count}, None for unknown."""
        clocks = [
            value * clock.get("khz_per_unit", 1.0) / 1000.0
            for clock, value in self._values(self._clocks)
        ]
        temperatures = []
        too_hot = None
        for zone, value in self._values(self._temperatures):
            celsius = value / 1000.0
            temperatures.append(celsius)
            if zone.get("throttles_at_c") is not None:
                too_hot = bool(too_hot) or celsius >= zone["throttles_at_c"]
        counts = [value for _, value in self._values([{"path": path} for path in self._counters])]
        return {
            "clock_mhz": max(clocks) if clocks else None,
            "temperature_c": max(temperatures) if temperatures else None,
            "too_hot": too_hot,
            "throttle_count": sum(counts) if counts else None,
        }

    @staticmethod
    def _values(entries):
        for entry in entries:
            try:
                with open(entry["path"]) as stream:
                    yield entry, float(stream.read().strip())
            except (OSError, ValueError):
                continue


def throttled(before, after):
    """Whether the device throttled between two states; None if neither says."""
    verdicts = []
    if before.get("throttle_count") is not None and after.get("throttle_count") is not None:
        verdicts.append(after["throttle_count"] > before["throttle_count"])
    verdicts += [state["too_hot"] for state in (before, after) if state.get("too_hot") is not None]
    return any(verdicts) if verdicts else None
