#!/usr/bin/env python3
"""Reads power meters until SIGTERM, then prints what they said.

    power_sampler.py METERS            read them, see below
    power_sampler.py --check METERS    {meter: what is wrong with it, or ""} as JSON

Standard library only, Python 3.5 and later: this file is copied to boards.

METERS is a JSON list of meters, each {name, kind, path or command, ...}, as board files have them.
It prints `ready` once each of them has given a reading, and ends as a counter reader does
(counters.py).  What it prints then is {meter: [[from, to, watts], ...]}: mean power between two
readings, times in seconds since 1970 of this machine.
"""

import glob
import json
import os
import select
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from outcomes import real
from processes import die_with_parent, end_group

PERIOD_S = 0.05
PATIENCE_S = 10.0
"""For a meter's first reading."""
MICRO, MILLI = 1e-6, 1e-3
_DISCHARGING = "Discharging"


class Unreadable(Exception):
    """A meter cannot be read; the message says why, and what would help."""


class Meter:
    """What is common to all: readings become pieces of time with their mean power."""

    def __init__(self):
        self._pieces = []
        self._last = None

    def descriptors(self):
        """Files to wait for; none where the meter is read at any time."""
        return []

    def close(self):
        """End what it has started."""

    def sample(self):
        """Take a reading, if there is one; `Unreadable`."""
        raise NotImplementedError

    def pieces(self):
        """[from, to, watts] of the time so far, by this machine's clock."""
        return self._pieces

    def is_ready(self):
        """Whether there was a reading."""
        return self._last is not None

    def _read_power(self, at, watts):
        """A reading of power: between two of them it has changed evenly."""
        if self._last and at > self._last[0]:
            before, then = self._last
            self._pieces.append([before, at, (then + watts) / 2])
        self._last = (at, watts)


class EnergyCounters(Meter):
    """RAPL: counters of energy in µJ, which start again at 0; all that a path matches together."""

    def __init__(self, request):
        super().__init__()
        self._folders = sorted(glob.glob(request["path"]))
        if not self._folders:
            raise Unreadable("there is no {}: no RAPL here".format(request["path"]))
        self._ranges = [
            _number(os.path.join(folder, "max_energy_range_uj")) for folder in self._folders
        ]

    def sample(self):
        """See `Meter.sample`."""
        found = [_number(os.path.join(folder, "energy_uj")) for folder in self._folders]
        at = time.time()
        if self._last and at > self._last[0]:
            before, counted = self._last
            used = [now - then for now, then in zip(found, counted)]  # noqa: B905 - Python 3.5
            # A counter that is smaller than before has started again at 0.
            whole = [
                one if one >= 0 else one + most
                for one, most in zip(used, self._ranges)  # noqa: B905 - Python 3.5
            ]
            self._pieces.append([before, at, sum(whole) * MICRO / (at - before)])
        self._last = (at, found)


class Hwmon(Meter):
    """A sensor of the kernel's: its power in µW, or its voltage in mV and its current in mA."""

    def __init__(self, request):
        super().__init__()
        folders = glob.glob(request["path"])
        if len(folders) != 1:
            which = "there is no {}" if not folders else "{} matches several folders"
            raise Unreadable(which.format(request["path"]))
        channel = request.get("channel", 1)
        self._power, self._voltage, self._current = [
            os.path.join(folders[0], "{}{}_input".format(what, channel))
            for what in ("power", "in", "curr")
        ]

    def sample(self):
        """See `Meter.sample`."""
        if os.path.exists(self._power):
            watts = _number(self._power) * MICRO
        else:
            watts = _number(self._voltage) * MILLI * _number(self._current) * MILLI
        self._read_power(time.time(), watts)


class Battery(Meter):
    """A battery's own gauge: its power in µW, or its voltage in µV and its current in µA."""

    def __init__(self, request):
        super().__init__()
        self._folder = request["path"]

    def sample(self):
        """See `Meter.sample`."""
        said = _text(self._file("status"))
        if said != _DISCHARGING:
            raise Unreadable(
                "{} is not discharging but '{}': unplug the charger".format(self._folder, said)
            )
        if os.path.exists(self._file("power_now")):
            watts = _number(self._file("power_now")) * MICRO
        else:
            watts = _number(self._file("voltage_now")) * _number(self._file("current_now"))
            watts *= MICRO * MICRO
        self._read_power(time.time(), abs(watts))  # many gauges count what leaves as negative

    def _file(self, name):
        return os.path.join(self._folder, name)


class Command(Meter):
    """A program that prints lines of `seconds watts`, the seconds by a clock of its own.

    The line that came soonest after its time tells how far the clocks are apart.
    """

    def __init__(self, request):
        super().__init__()
        self._name = request["argv"][0]
        self._said = b""
        self._readings = []
        self._behind = None
        try:
            self._process = subprocess.Popen(
                request["argv"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        except OSError as error:
            raise Unreadable("{}: {}".format(self._name, error.strerror))

    def descriptors(self):
        """See `Meter.descriptors`."""
        return [self._process.stdout]

    def close(self):
        """See `Meter.close`."""
        end_group(self._process)
        self._process.stdout.close()

    def sample(self):
        """See `Meter.sample`."""
        if not select.select([self._process.stdout], [], [], 0)[0]:
            return
        block = os.read(self._process.stdout.fileno(), 65536)
        arrived = time.time()
        if not block:
            raise Unreadable("{} has ended".format(self._name))
        lines = (self._said + block).split(b"\n")
        self._said = lines.pop()
        for line in lines:
            self._take(line.decode("utf-8", "replace"), arrived)

    def _take(self, line, arrived):
        try:
            seconds, watts = [real(float(part)) for part in line.split()]
        except ValueError:
            seconds = watts = None
        if seconds is None or watts is None or watts < 0:
            raise Unreadable(
                "{} printed '{}', not seconds and watts".format(self._name, line.strip()[:80])
            )
        delay = arrived - seconds
        if self._behind is None or delay < self._behind:
            self._behind = delay
        self._read_power(seconds, watts)

    def pieces(self):
        """See `Meter.pieces`."""
        behind = self._behind
        return [[start + behind, end + behind, watts] for start, end, watts in self._pieces]


KINDS = {"rapl": EnergyCounters, "hwmon": Hwmon, "battery": Battery, "command": Command}


def _text(path):
    try:
        with open(path, errors="replace") as stream:
            return stream.read().strip()
    except PermissionError:
        raise Unreadable("{} may not be read by this user: chmod a+r it as root".format(path))
    except OSError as error:
        raise Unreadable("{}: {}".format(path, error.strerror))


def _number(path):
    text = _text(path)
    try:
        value = real(float(text))
    except ValueError:
        value = None
    if value is None:
        raise Unreadable("{} holds '{}', not a number".format(path, text[:40]))
    return value


def sample(meters, until):
    """Read meters again and again until `until()`."""
    waited_for = [one for meter in meters for one in meter.descriptors()]
    while not until():
        select.select(waited_for, [], [], PERIOD_S)
        for meter in meters:
            meter.sample()


def opened(request):
    """The meter that a board's file names, with a first reading; `Unreadable`."""
    meter = KINDS[request["kind"]](request)
    deadline = time.monotonic() + PATIENCE_S
    try:
        sample([meter], lambda: meter.is_ready() or time.monotonic() > deadline)
        if not meter.is_ready():
            raise Unreadable("gave no reading within {:g} s".format(PATIENCE_S))
    except Unreadable:
        meter.close()
        raise
    return meter


def check(requests):
    """{meter: what is wrong with it, or ""}."""
    found = {}
    for request in requests:
        try:
            opened(request).close()
            found[request["name"]] = ""
        except Unreadable as error:
            found[request["name"]] = str(error)
    return found


def main(arguments):
    """The program; its exit status."""
    requests = json.loads(arguments[-1])
    if arguments[0] == "--check":
        print(json.dumps(check(requests)))
        return 0
    over = []
    signal.signal(signal.SIGTERM, lambda *_: over.append(True))
    meters = {}
    try:
        for request in requests:
            meters[request["name"]] = opened(request)
        print("ready", flush=True)
        sample(list(meters.values()), lambda: over)
    except Unreadable as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        for meter in meters.values():
            meter.close()
    print(json.dumps({name: meter.pieces() for name, meter in meters.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
