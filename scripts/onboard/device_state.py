"""What the device is doing: clock, temperature, throttling, read from files of the kernel.

Standard library only, Python 3.5 and later: this file is copied to boards.
"""

from kernel_files import find_file
from outcomes import real
from temperatures import constant, hottest, read_celsius


class DeviceState:
    """Reads the state that a plan asks for.

    `request` names the files: ``clocks`` [{path, khz_per_unit}] (the highest one is kept),
    ``temperatures`` [{name, path, throttles_at_c, degrees_per_unit}] (each is kept by its name, and
    which is the hottest) and ``throttle_counters`` [path].  A file that is not there, not readable
    or not plausible is left out: its figure is None, never a guess.
    """

    def __init__(self, request):
        self._clocks = [
            dict(clock, path=find_file(clock["path"])) for clock in request.get("clocks", [])
        ]
        self._zones = [
            dict(zone, path=find_file(zone["path"])) for zone in request.get("temperatures", [])
        ]
        self._counters = request.get("throttle_counters", [])

    def read(self):
        """The state now, None for what is not known.

        {clock_mhz, temperature_c, hottest_zone, temperatures_c: {zone: °C}, too_hot,
        throttle_count}
        """
        clocks = [
            value * clock.get("khz_per_unit", 1.0) / 1000.0
            for clock, value in self._values(self._clocks)
        ]
        temperatures = {}
        too_hot = None
        for zone in self._zones:
            celsius = read_celsius(zone["path"], zone.get("degrees_per_unit"))
            if celsius is None:
                continue
            temperatures[zone.get("name") or zone["path"]] = celsius
            if zone.get("throttles_at_c") is not None:
                too_hot = bool(too_hot) or celsius >= zone["throttles_at_c"]
        name, celsius = hottest(temperatures)
        counts = [value for _, value in self._values([{"path": path} for path in self._counters])]
        return {
            "clock_mhz": max(clocks) if clocks else None,
            "temperature_c": celsius,
            "hottest_zone": name,
            "temperatures_c": temperatures,
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


def without_constant_zones(lines):
    """Journal lines in which a zone that always says the same is not the hottest.

    It is not a sensor's reading: some boards report a power supply or a fixed number so.  Which
    zones these are is seen over all of the lines.
    """
    left_out = constant(
        _zones(line.get(key)) for line in lines for key in ("state_before", "state_after")
    )
    if not left_out:
        return lines
    return [
        dict(
            line,
            **{
                key: _recounted(line[key], left_out)
                for key in ("state_before", "state_after")
                if _zones(line.get(key))
            },
        )
        for line in lines
    ]


def _recounted(state, left_out):
    name, celsius = hottest(_zones(state), left_out)
    return dict(state, temperature_c=celsius, hottest_zone=name)


def _zones(state):
    """{zone: °C} of a journaled state; empty for what has none, or something else there."""
    zones = state.get("temperatures_c") if isinstance(state, dict) else None
    if not isinstance(zones, dict):
        return {}
    return {name: value for name, value in zones.items() if real(value) is not None}
