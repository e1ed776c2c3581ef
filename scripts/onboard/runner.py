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
from measure import Measurement
from outcomes import effective, read_lines
from plan_journal import PlanJournal, is_good

SCRATCH_FOLDER = "run"
SETTINGS_FILE = "settings-before.json"


def queue(seed, parts):
    """What is still to be run: (part, point, process index, repetitions), in order.

    parts: a `PlanJournal` for each plan.  Points are visited in rounds, each in a new random order
    drawn from the seed, so that a drift of the machine meets all points alike, whatever library
    they are of, and no point follows the same one each time.  Profiled points come after all
    others, which so never run beside or behind one.
    """
    ordered = []
    for profiled in (False, True):
        by_part = [(part, part.rounds(profiled)) for part in parts]
        for number in range(max(len(rounds) for _, rounds in by_part)):
            entries = [
                (part,) + entry
                for part, rounds in by_part
                for entry in (rounds[number] if number < len(rounds) else [])
            ]
            entries.sort(key=lambda entry: entry[1]["id"])
            random.Random("{}/{}".format(seed, number)).shuffle(entries)
            ordered += entries
    return ordered


class Sweep(Job):
    """The running sweep: measures the queue and journals it."""

    def __init__(self, folder, plan, lock=None):
        super().__init__(folder, plan, lock)
        self._state = DeviceState(plan.get("state", {}))
        self._own = PlanJournal(folder, plan)
        others = [
            PlanJournal(other["folder"], read_plan(other["folder"], other["plan_id"]))
            for other in plan.get("beside", [])
        ]
        self._parts = [self._own] + others
        self._measured_here = 0
        self._more_rounds = 0
        self._servers = ForkServers()
        self._settings = DeviceSettings(
            plan.get("settings", []), os.path.join(folder, SETTINGS_FILE)
        )

    def work(self):
        """Measure all that is missing; when the last status is written, the board is as it was."""
        self._settings.restore()
        # Others are measured beside this one, not for themselves.
        if not self._own.is_unfinished():
            return
        changes = [BoardChanges(part.folder, part.plan.get("watch", {})) for part in self._parts]
        for one in changes:
            one.look()
        self._refuse_unwell()
        self._settings.apply()
        try:
            self._measure()
        finally:
            self._servers.close()
            self._settings.restore()
            for one in changes:
                one.look()
            self._current = ""

    def _refuse_unwell(self):
        """Raise `Failed` if the board's own health check finds it unfit to measure."""
        if self._plan.get("health"):
            self._current = "health check"
            wrong = complaint(self._plan["health"], self._folder, self.while_waiting)
            self._refuse_stop()
            if wrong:
                raise Failed("the board is left out: its health check failed: " + wrong)

    def _measure(self):
        seed = self._plan["seed"]
        for entry in queue(seed, self._parts):
            self._run_process(*entry)
        while True:
            entries = [(part,) + entry for part in self._parts for entry in part.further_round()]
            if not entries:
                break
            self._more_rounds += 1
            random.Random("{}/more/{}".format(seed, self._more_rounds)).shuffle(entries)
            for entry in entries:
                self._run_process(*entry)
        self._refuse_stop()

    def _run_process(self, part, point, process, repetitions):
        if not part.may_run(point):
            return
        refuse_full_disk(self._folder)
        warm = self._cool_down()
        self._current = "{operator} {tuner} {tensor}".format(**point)
        if part is not self._own:
            self._current = "{}: {}".format(part.plan["sweep"], self._current)
        if point.get("profile"):
            self._current += ", profiled"
        elif part.aim:
            self._current += ", " + part.aim.text()
        self.write_status(RUNNING)
        began = time.monotonic()
        measurement = Measurement(
            point,
            repetitions,
            process,
            os.path.join(part.folder, SCRATCH_FOLDER),
            self._state,
            self.while_waiting,
            self._servers,
        )
        for line in measurement.run():
            if not is_good(line):
                # A program that ran out of disk tells anything but that.
                refuse_full_disk(self._folder)
            line["notes"] = self._settings.problems + warm
            part.keep(line)
            self._measured_here += is_good(line)
        if part.aim:
            part.keep({"process_of": point["id"], "seconds": time.monotonic() - began})

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
        found = [part.counts() for part in self._parts]
        counts = {key: sum(one[key] for one in found) for key in found[0]}
        aims = [part.aim for part in self._parts if part.aim]
        left = None
        if aims and not counts["missing"]:
            most = [aim.most_seconds() for aim in aims]
            left = None if None in most else sum(most)
        elif self._measured_here:
            pace = (time.monotonic() - self._began) / self._measured_here
            left = counts["missing"] * pace
        return dict(
            counts,
            notes=self._settings.problems,
            remarks=[self._own.aim.text()] if self._own.aim else [],
            measured_here=self._measured_here,
            seconds_left=left,
        )


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
