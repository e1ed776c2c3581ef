#!/usr/bin/env python3
"""Runs a sweep on a board, detached from its caller.

    runner.py start FOLDER     start the sweep of FOLDER/plan.json in the background
    runner.py status FOLDER    print its status as JSON, and whether it runs
    runner.py stop FOLDER      ask it to stop; what is measured stays in the journal
    runner.py pack FOLDER OUT  write what the journal holds for the plan as a CK zip

Standard library only, Python 3.5 and later: this file is copied to boards.

FOLDER holds plan.json (what to measure), journal.jsonl (what was measured: only ever appended
to, and what a further start goes on from), and the files of every detached job (detached.py).
"""

import hashlib
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from board_changes import BoardChanges
from cooling import wait_until_cool
from detached import Failed, Job, Stopped, main, read_plan, refuse_full_disk
from device_settings import DeviceSettings
from device_state import DeviceState
from fork_client import ForkServers
from health import complaint
from job_names import JOURNAL_FILE, RUNNING
from journal import Journal
from measure import Measurement
from outcomes import OK, Progress, effective, read_lines
from precision import Aim

SCRATCH_FOLDER = "run"
SETTINGS_FILE = "settings-before.json"


def queue(plan, progress):
    """What is still to be run: (point, process index, repetitions), in order.

    Points are visited in rounds, each in a new random order drawn from the plan's seed, so that
    a drift of the machine meets all points alike and no point follows the same one each time.
    Profiled points come after all others, which so never run beside or behind one.
    """
    profiled = [point for point in plan["points"] if point.get("profile")]
    timed = [point for point in plan["points"] if not point.get("profile")]
    return _in_rounds(plan, timed, progress) + _in_rounds(plan, profiled, progress)


def _in_rounds(plan, points, progress):
    rounds = []
    for point in points:
        missing = progress.missing(point)
        size = point["repetitions_per_process"] if point["protocol"] == "in-process" else 1
        process = progress.processes.get(point["id"], 0)
        for number, start in enumerate(range(0, len(missing), size)):
            while len(rounds) <= number:
                rounds.append([])
            chunk = missing[start : start + size]
            rounds[number].append((point, process + number, chunk))
    ordered = []
    for number, entries in enumerate(rounds):
        entries.sort(key=lambda entry: entry[0]["id"])
        random.Random("{}/{}".format(plan["seed"], number)).shuffle(entries)
        ordered += entries
    return ordered


class Sweep(Job):
    """The running sweep: measures the queue and journals it."""

    def __init__(self, folder, plan, lock=None):
        super().__init__(folder, plan, lock)
        self._state = DeviceState(plan.get("state", {}))
        self._journal = Journal(os.path.join(folder, JOURNAL_FILE))
        planned = {point["id"] for point in plan["points"]}
        path = os.path.join(folder, JOURNAL_FILE)
        self._progress = Progress(line for line in read_lines(path) if line.get("point") in planned)
        self._aim = None
        if plan.get("aim"):
            self._aim = Aim(plan)
            for line in read_lines(path):
                self._aim.note(line)
        self._measured_here = 0
        self._servers = ForkServers()
        self._settings = DeviceSettings(
            plan.get("settings", []), os.path.join(folder, SETTINGS_FILE)
        )

    def work(self):
        """Measure all that is missing; when the last status is written, the board is as it was."""
        self._settings.restore()
        if not self._is_unfinished():
            return
        changes = BoardChanges(self._folder, self._plan.get("watch", {}))
        changes.look()
        self._refuse_unwell()
        self._settings.apply()
        try:
            self._measure()
        finally:
            self._servers.close()
            self._settings.restore()
            changes.look()
            self._current = ""

    def _is_unfinished(self):
        return self._open_points() or any(
            self._progress.missing(point) and point["id"] not in self._progress.failed
            for point in self._plan["points"]
        )

    def _refuse_unwell(self):
        """Raise `Failed` if the board's own health check finds it unfit to measure."""
        if self._plan.get("health"):
            self._current = "health check"
            wrong = complaint(self._plan["health"], self._folder, self.while_waiting)
            self._refuse_stop()
            if wrong:
                raise Failed("the board is left out: its health check failed: " + wrong)

    def _measure(self):
        for point, process, repetitions in queue(self._plan, self._progress):
            self._run_process(point, process, repetitions)
        while self._open_points():
            for point in self._aim.round(self._progress.failed):
                if self._aim.has_time(point):
                    self._run_process(point, *self._progress.further(point))
        self._refuse_stop()

    def _open_points(self):
        """The points of which more is to be measured than the plan's repetitions."""
        return self._aim.open(self._progress.failed) if self._aim else []

    def _run_process(self, point, process, repetitions):
        if point["id"] in self._progress.failed:
            return
        refuse_full_disk(self._folder)
        warm = self._cool_down()
        self._current = "{operator} {tuner} {tensor}".format(**point)
        if point.get("profile"):
            self._current += ", profiled"
        elif self._aim:
            self._current += ", " + self._aim.text()
        self.write_status(RUNNING)
        began = time.monotonic()
        measurement = Measurement(
            point,
            repetitions,
            process,
            os.path.join(self._folder, SCRATCH_FOLDER),
            self._state,
            self.while_waiting,
            self._servers,
        )
        for line in measurement.run():
            if line["status"] != OK:
                # A program that ran out of disk tells anything but that.
                refuse_full_disk(self._folder)
            line["notes"] = self._settings.problems + warm
            self._keep(line)
        if self._aim:
            self._keep({"process_of": point["id"], "seconds": time.monotonic() - began})

    def _keep(self, line):
        """Put a line into the journal, and count it."""
        self._journal.append(line)
        self._progress.note(line)
        self._measured_here += line.get("status") == OK
        if self._aim:
            self._aim.note(line)

    def _refuse_stop(self):
        if self.stop_asked():
            raise Stopped()

    def _cool_down(self):
        """Wait for the start temperature; notes on what is still too warm after the wait."""
        cooling = self._plan.get("cooling", {})

        def waiting(warm):
            self._current = "cooling down: " + ", ".join(warm)
            return self.while_waiting()

        warm = wait_until_cool(cooling.get("zones", []), cooling.get("patience_s", 0), waiting)
        self._refuse_stop()
        return ["started warm: " + zone for zone in warm]

    def counts(self):
        """Repetitions done and missing, and the seconds left at the pace so far."""
        points = self._plan["points"]
        missing = sum(len(self._progress.missing(point)) for point in points)
        done = self._progress.count_done(points)
        left = None
        if self._aim and not missing:
            left = self._aim.most_seconds()
        elif self._measured_here:
            left = missing * (time.monotonic() - self._began) / self._measured_here
        return {
            "repetitions": sum(
                max(point["repetitions"], self._progress.count_done([point])) for point in points
            ),
            "missing": missing,
            "done": done,
            "failed_points": sum(p["id"] in self._progress.failed for p in self._plan["points"]),
            "notes": self._settings.problems,
            "remarks": [self._aim.text()] if self._aim else [],
            "measured_here": self._measured_here,
            "seconds_left": left,
        }


def pack(folder, path, plan_id=None):
    """Write what the journal holds for the plan as a CK zip."""
    from ck_entries import write_zip

    plan = read_plan(folder, plan_id)
    lines = effective(read_lines(os.path.join(folder, JOURNAL_FILE)))
    try:
        write_zip(plan, lines, path)
        with open(path, "rb") as stream:
            checksum = hashlib.sha256(stream.read()).hexdigest()
    except OSError as error:
        raise Failed("the archive cannot be written: {} ({})".format(error.strerror, path))
    return {"state": "packed", "path": path, "sha256": checksum}


if __name__ == "__main__":
    sys.exit(main(Sweep, pack))
