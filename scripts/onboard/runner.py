#!/usr/bin/env python3
"""Runs a sweep on a board, detached from whoever asked for it.

    runner.py start FOLDER     start the sweep of FOLDER/plan.json in the background
    runner.py status FOLDER    print its status as JSON, and whether it runs
    runner.py stop FOLDER      ask it to stop; what is measured stays in the journal
    runner.py pack FOLDER OUT  write what the journal holds for the plan as a CK zip

Standard library only, Python 3.5 and later: this file is copied to boards.

FOLDER holds plan.json (what to measure), journal.jsonl (what was measured: only ever appended
to, and what a further start goes on from), status.json (the runner's last word, rewritten while
it runs) and runner.log.  Each command prints one JSON object.
"""

import argparse
import errno
import hashlib
import json
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from board_lock import BoardLock
from clock import utc_now
from cooling import wait_until_cool
from device_settings import DeviceSettings
from device_state import DeviceState
from journal import Journal
from measure import Measurement
from outcomes import OK, Progress, effective, read_lines

PLAN_FILE = "plan.json"
JOURNAL_FILE = "journal.jsonl"
STATUS_FILE = "status.json"
STOP_FILE = "stop"
LOG_FILE = "runner.log"
SCRATCH_FOLDER = "run"
SETTINGS_FILE = "settings-before.json"

STATUS_EVERY_S = 1.0
NEEDED_BYTES = 2**20
"""Less free disk than this counts as a full disk: programs would fail for want of it."""
START_PATIENCE_S = 1.0


def write_atomically(path, content):
    """Write JSON to `path` so that a reader sees the old file or the new one, never half."""
    temporary = path + ".new"
    with open(temporary, "w") as stream:
        json.dump(content, stream, sort_keys=True)
    os.replace(temporary, path)


def read_json(path, default):
    """The JSON of a file, or `default` if it is not there or torn."""
    try:
        with open(path) as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return default


def refuse_full_disk(folder):
    """Raise OSError (ENOSPC) if there is no room for a program to work in."""
    disk = os.statvfs(folder)
    if disk.f_bavail * disk.f_frsize < NEEDED_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), folder)


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


class Sweep:
    """The running sweep: measures the queue, journals, keeps status.json fresh."""

    def __init__(self, folder, plan):
        self._folder = folder
        self._plan = plan
        self._state = DeviceState(plan.get("state", {}))
        self._journal = Journal(os.path.join(folder, JOURNAL_FILE))
        self._progress = Progress(read_lines(os.path.join(folder, JOURNAL_FILE)))
        self._total = sum(point["repetitions"] for point in plan["points"])
        self._measured_here = 0
        self._began = time.monotonic()
        self._began_at = utc_now()
        self._last_status = 0.0
        self._current = ""
        self._settings = DeviceSettings(
            plan.get("settings", []), os.path.join(folder, SETTINGS_FILE)
        )

    def run(self):
        """Measure all that is missing; the last status says 'done' or 'stopped'."""
        self._settings.apply()
        try:
            state = self._measure()
        finally:
            self._settings.restore()
        # Said last: who reads it may count on the board being as it was.
        self._current = ""
        self.write_status(state)

    def _measure(self):
        for point, process, repetitions in queue(self._plan, self._progress):
            if point["id"] in self._progress.failed:
                continue
            refuse_full_disk(self._folder)
            warm = self._cool_down()
            if self._stop_asked():
                return "stopped"
            self._current = "{operator} {tuner} {tensor}".format(**point)
            if point.get("profile"):
                self._current += ", profiled"
            self.write_status("running")
            measurement = Measurement(
                point,
                repetitions,
                process,
                os.path.join(self._folder, SCRATCH_FOLDER),
                self._state,
                self._while_waiting,
            )
            for line in measurement.run():
                if line["status"] != OK:
                    # A program that ran out of disk tells anything but that.
                    refuse_full_disk(self._folder)
                line["notes"] = self._settings.problems + warm
                self._journal.append(line)
                self._progress.note(line)
                self._measured_here += line["status"] == OK
        return "stopped" if self._stop_asked() else "done"

    def _cool_down(self):
        """Wait for the start temperature; notes on what is still too warm after the wait."""
        cooling = self._plan.get("cooling", {})

        def waiting(warm):
            self._current = "cooling down: " + ", ".join(warm)
            return self._while_waiting()

        warm = wait_until_cool(cooling.get("zones", []), cooling.get("patience_s", 0), waiting)
        return ["started warm: " + zone for zone in warm]

    def _stop_asked(self):
        return os.path.exists(os.path.join(self._folder, STOP_FILE))

    def _while_waiting(self):
        if time.monotonic() - self._last_status > STATUS_EVERY_S:
            self.write_status("running")
        return self._stop_asked()

    def write_status(self, state, message=""):
        """Rewrite status.json: the state, counts, and the seconds left at the pace so far."""
        missing = sum(len(self._progress.missing(point)) for point in self._plan["points"])
        failed = sum(1 for p in self._plan["points"] if p["id"] in self._progress.failed)
        elapsed = time.monotonic() - self._began
        left = None
        if self._measured_here:
            left = missing * elapsed / self._measured_here
        write_atomically(
            os.path.join(self._folder, STATUS_FILE),
            {
                "state": state,
                "message": message,
                "plan_id": self._plan["plan_id"],
                "pid": os.getpid(),
                "began_at": self._began_at,
                "updated_at": utc_now(),
                "current": self._current,
                "repetitions": self._total,
                "missing": missing,
                "done": self._progress.count_done(self._plan["points"]),
                "failed_points": failed,
                "notes": self._settings.problems,
                "measured_here": self._measured_here,
                "seconds_left": left,
            },
        )
        self._last_status = time.monotonic()


def detach(folder):
    """Leave the caller: a new session, output to the log.  True in the detached process."""
    if os.fork():
        return False
    os.setsid()
    if os.fork():
        os._exit(0)
    # Emptied: what is in it at the end is why this runner ended.
    log = os.open(os.path.join(folder, LOG_FILE), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    # A closed terminal or link must not end the sweep.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return True


def start(folder, owner, work):
    """Start the sweep unless the board is taken; returns what to print."""
    plan = read_json(os.path.join(folder, PLAN_FILE), None)
    if plan is None:
        return {"state": "failed", "message": "no readable {} in {}".format(PLAN_FILE, folder)}
    lock = BoardLock(plan["lock_file"])
    claim = dict(owner, plan_id=plan["plan_id"], folder=folder, since=utc_now())
    try:
        taken = lock.acquire(claim, START_PATIENCE_S)
    except OSError as error:
        return {"state": "failed", "message": "lock {}: {}".format(plan["lock_file"], error)}
    if not taken:
        return {"state": "busy", "owner": lock.owner()}
    try:
        os.remove(os.path.join(folder, STOP_FILE))
    except FileNotFoundError:
        pass
    # Nothing an earlier sweep left may be taken for this one's.
    write_atomically(
        os.path.join(folder, STATUS_FILE), {"state": "starting", "plan_id": plan["plan_id"]}
    )
    sys.stdout.flush()
    if not detach(folder):
        return {"state": "started"}
    lock.update_owner(dict(claim, pid=os.getpid()))
    code = run(folder, plan, work)
    os._exit(code)


def run(folder, plan, work=Sweep):
    """Run the sweep (or other `work` on a plan) in this process; the exit status."""
    sweep = None
    try:
        sweep = work(folder, plan)
        sweep.run()
        return 0
    except OSError as error:
        message = "{} ({})".format(error.strerror or error, error.filename or folder)
    except Exception as error:
        import traceback

        traceback.print_exc()
        message = "{}: {}".format(type(error).__name__, error)
    print(message, file=sys.stderr)
    try:
        if sweep is not None:
            sweep.write_status("failed", message)
        else:
            write_atomically(
                os.path.join(folder, STATUS_FILE),
                {"state": "failed", "message": message, "plan_id": plan["plan_id"]},
            )
    except OSError:
        # The disk that is full takes no status either; the lock's end tells the controller.
        pass
    return 1


def status(folder):
    """The runner's last word, with `running` and the owner of the board's lock."""
    plan = read_json(os.path.join(folder, PLAN_FILE), {})
    last = read_json(os.path.join(folder, STATUS_FILE), {"state": "none"})
    owner = BoardLock(plan["lock_file"]).owner() if plan else {}
    last["running"] = bool(owner) and owner.get("folder") == folder
    last["owner"] = owner
    return last


def stop(folder):
    """Ask the runner to stop."""
    try:
        with open(os.path.join(folder, STOP_FILE), "w"):
            return {"state": "asked"}
    except OSError as error:
        return {"state": "failed", "message": "{}: {}".format(folder, error.strerror)}


def pack(folder, path):
    """Write what the journal holds for the plan as a CK zip."""
    from ck_entries import write_zip

    plan = read_json(os.path.join(folder, PLAN_FILE), None)
    if plan is None:
        return {"state": "failed", "message": "no readable {} in {}".format(PLAN_FILE, folder)}
    lines = effective(read_lines(os.path.join(folder, JOURNAL_FILE)))
    try:
        write_zip(plan, lines, path)
        with open(path, "rb") as stream:
            checksum = hashlib.sha256(stream.read()).hexdigest()
    except OSError as error:
        message = "the archive cannot be written: {} ({})".format(error.strerror, path)
        return {"state": "failed", "message": message}
    return {"state": "packed", "path": path, "sha256": checksum}


def main(work=Sweep, pack=pack):
    """The command line; `work` is what runs a plan, `pack` what makes a zip of its results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["start", "status", "stop", "pack"])
    parser.add_argument("folder")
    parser.add_argument("out", nargs="?")
    parser.add_argument("--owner", default="{}", help="JSON: who asks, shown to others")
    arguments = parser.parse_args()
    folder = os.path.abspath(arguments.folder)
    if arguments.command == "start":
        answer = start(folder, json.loads(arguments.owner), work)
    elif arguments.command == "status":
        answer = status(folder)
    elif arguments.command == "stop":
        answer = stop(folder)
    else:
        if not arguments.out:
            parser.error("pack needs OUT")
        answer = pack(folder, arguments.out)
    print(json.dumps(answer, sort_keys=True))
    return 1 if answer["state"] == "failed" else 0


if __name__ == "__main__":
    sys.exit(main())
