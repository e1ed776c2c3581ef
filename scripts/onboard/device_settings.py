"""Governors and frequency limits: set for a sweep, put back after it, whatever ends it.

Standard library only, Python 3.5 and later: this file is copied to boards.

What was there is written to a file before anything is set.  The runner puts it back at its end;
a watchdog process does if the runner is killed; and the next start does if both were (a reboot
undoes the settings by itself, and putting the same values back then does no harm).
"""

import json
import os
import signal

from kernel_files import find

GOVERNOR_FILES = ("scaling_governor", "governor")
MINIMUM_FILES = ("scaling_min_freq", "min_freq")
MAXIMUM_FILES = ("scaling_max_freq", "max_freq")


class DeviceSettings:
    """Applies what a plan asks for and undoes it.

    `domains` is the plan's list of {name, path, governor, min, max}: a folder of the kernel's
    cpufreq or devfreq, and values in the files' own unit, None for those to leave alone.
    `memory` is the file that remembers what was there.
    """

    def __init__(self, domains, memory):
        self._domains = domains
        self._memory = memory
        self.problems = []
        """Sentences on what could not be set; shown once and kept with every row."""

    def apply(self):
        """Undo what an earlier sweep left, then set what is asked for and start the watchdog."""
        self.restore()
        wanted = []
        for domain in self._domains:
            wanted += self._wanted(domain)
        before = []
        for path, _ in wanted:
            value = _read(path)
            if value is not None:
                before.append([path, value])
        if not wanted:
            return
        _write_synced(self._memory, json.dumps(before))
        for path, value in wanted:
            problem = _write(path, value)
            if problem:
                self.problems.append("{} not set to {}: {}".format(path, value, problem))
        self._watch()

    def restore(self):
        """Put back what the memory file holds, last set first; then forget it."""
        try:
            with open(self._memory) as stream:
                before = json.load(stream)
        except (OSError, ValueError):
            return
        for path, value in reversed(before):
            if _read(path) != value:
                _write(path, value)
        try:
            os.remove(self._memory)
        except OSError:
            pass

    def _wanted(self, domain):
        """[(file, value)] in an order that the kernel takes: limits first, widest first."""
        found = []
        for names, value in (
            (MAXIMUM_FILES, domain.get("max")),
            (MINIMUM_FILES, domain.get("min")),
            (GOVERNOR_FILES, domain.get("governor")),
        ):
            if value is None:
                continue
            folder = find(domain["path"]) or domain["path"]
            paths = [os.path.join(folder, name) for name in names]
            there = [path for path in paths if os.path.exists(path)]
            if there:
                found.append((there[0], str(value)))
            else:
                self.problems.append("{}: no file {}".format(domain["name"], " or ".join(paths)))
        return found

    def _watch(self):
        """Start a process that restores when this one has ended, however it ended."""
        reading, writing = os.pipe()
        if os.fork():
            os.close(reading)
            # Held open by this process alone, for its life: its end is the watchdog's signal.
            os.set_inheritable(writing, False)
            return
        try:
            os.close(writing)
            os.setsid()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            os.read(reading, 1)
            self.restore()
        finally:
            os._exit(0)


def _read(path):
    try:
        with open(path) as stream:
            return stream.read().strip()
    except OSError:
        return None


def _write(path, value):
    """Write a value to a file of the kernel; what went wrong, or an empty text."""
    try:
        with open(path, "w") as stream:
            stream.write(value)
    except OSError as error:
        return error.strerror
    return ""


def _write_synced(path, text):
    with open(path + ".new", "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(path + ".new", path)
