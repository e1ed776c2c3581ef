"""A job on a board that runs on its own, detached from its caller.

A program that does such a job has these commands, each of which answers with one JSON object:

    start FOLDER    do what a plan says in the background, behind the board's lock
    status FOLDER   its status, whether it runs, and who holds the board's lock
    stop FOLDER     ask it to stop; what it has done so far stays

Each is about one plan, `--plan ID` (FOLDER/plans/ID.json).  Several users may have a plan for the
same folder: whoever was suspended or cut off for long must not take another's job for its own.
Without `--plan` they are about FOLDER/plan.json, the one that is being done or was done last.

Standard library only, Python 3.5 and later: this file is copied to boards.
"""

import argparse
import errno
import glob
import json
import os
import signal
import sys
import time
from abc import ABC, abstractmethod

from answers import Answer
from board_lock import BoardLock
from clock import utc_now
from job_names import (
    BUSY,
    DONE,
    FAILED,
    FINAL_STATES,
    LOG_FILE,
    NONE,
    PLAN_FILE,
    PLANS,
    RUNNING,
    STARTED,
    STARTING,
    STATUS_FILE,
    STOP_FILE,
    STOPPED,
    VANISHED,
    plan_file,
)
from json_files import read_json, write_atomically
from processes import this_is_the_runner

STATUS_EVERY_S = 1.0
NEEDED_BYTES = 2**20
"""Less free disk than this counts as a full disk: programs would fail without it."""
START_PATIENCE_S = 0.3
"""Who only asks for a lock's owner holds it for an instant."""
KEPT_OF_PLANS = 60
"""Files of plans in a folder, up to three for each: older ones go when a job begins there."""


class Failed(Exception):
    """The job cannot go on; the text is the whole message."""


class Stopped(Exception):
    """The job was asked to stop, and what it was doing has been ended."""


def in_words(error, folder):
    """What an OSError says, and of which file."""
    return "{} ({})".format(error.strerror or error, error.filename or folder)


def read_plan(folder, plan_id=None):
    """A plan of a folder, by default the current one; raises `Failed` if there is none."""
    names = [PLAN_FILE] if plan_id is None else [plan_file(plan_id), PLAN_FILE]
    for name in names:
        plan = read_json(os.path.join(folder, name))
        if isinstance(plan, dict) and plan_id in (None, plan.get("plan_id")):
            return plan
    raise Failed("no readable {} in {}".format(names[0], folder))


def is_full(folder):
    """Whether the disk of a folder has no room for a program to work in."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize < NEEDED_BYTES


def refuse_full_disk(folder):
    """Raise OSError (ENOSPC) if there is no room for a program to work in."""
    if is_full(folder):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), folder)


class Job(ABC):
    """What a plan asks for; a subclass does it in `work` and counts in `counts`."""

    def __init__(self, folder, plan, lock=None):
        self._folder = folder
        self._plan = plan
        self._lock = lock
        """The board's, while we hold it."""
        self._current = ""
        """What it is at, for the user."""
        self._began = time.monotonic()
        self._began_at = utc_now()
        self._last_status = 0.0

    @abstractmethod
    def work(self):
        """Do it.

        Raises `Stopped`, `Failed` with the reason for the user, or OSError.
        """

    def counts(self):
        """Further entries of the status: how much there is to do, how much is left."""
        return {}

    def stop_asked(self):
        """Whether the job has been asked to stop, and not one before it or after it."""
        path = os.path.join(self._folder, STOP_FILE)
        return os.path.exists(path) and read_json(path) in (None, self._plan["plan_id"])

    def while_waiting(self):
        """Called while something runs: keeps the status fresh; True if it is to be ended."""
        if time.monotonic() - self._last_status >= STATUS_EVERY_S:
            self.write_status(RUNNING)
        return self.stop_asked()

    def write_status(self, state, message=""):
        """Rewrite the status: state, counts, and `seconds_left` where the pace is known."""
        content = {
            "state": state,
            "message": message,
            "plan_id": self._plan["plan_id"],
            "pid": os.getpid(),
            "began_at": self._began_at,
            "updated_at": utc_now(),
            "current": self._current,
            "failed_points": 0,
            "notes": [],
            "seconds_left": None,
        }
        content.update(self.counts())
        write_atomically(os.path.join(self._folder, STATUS_FILE), content)
        self._last_status = time.monotonic()


def detach(folder):
    """Leave the caller: a new session, output to the log.  True in the detached process."""
    if os.fork():
        return False
    os.setsid()
    if os.fork():
        os._exit(0)
    # Emptied: what is in it at the end is why this job ended.
    log = os.open(os.path.join(folder, LOG_FILE), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    # A closed terminal or link must not end the job.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return True


def start(folder, owner, job, channel, plan_id=None):
    """Start the `job` (a class) unless the board is taken; returns what to answer.

    channel: the `Answer`, which the detached process leaves to us.
    """
    plan = read_plan(folder, plan_id)
    lock = BoardLock(plan["lock_file"])
    claim = dict(owner, plan_id=plan["plan_id"], folder=folder, since=utc_now())
    if not lock.acquire(claim, START_PATIENCE_S):
        return {"state": BUSY, "owner": lock.owner()}
    try:
        os.remove(os.path.join(folder, STOP_FILE))
    except FileNotFoundError:
        pass
    # Nothing that an earlier job left may be taken for this one's, and it not be lost for its own.
    _keep_status(folder, plan["plan_id"])
    _forget_old_plans(folder)
    write_atomically(os.path.join(folder, PLAN_FILE), plan)
    first = {"state": STARTING, "plan_id": plan["plan_id"]}
    write_atomically(os.path.join(folder, STATUS_FILE), first)
    sys.stdout.flush()
    if not detach(folder):
        return {"state": STARTED}
    channel.leave()
    lock.update_owner(dict(claim, pid=os.getpid()))
    os._exit(run(folder, plan, lock, job))


def run(folder, plan, lock, job):
    """Do the job in this process; the exit status.  The last status says how it ended."""
    this_is_the_runner()
    running = None
    state, message = FAILED, ""
    try:
        running = job(folder, plan, lock)
        running.work()
        state = DONE
    except Stopped:
        state = STOPPED
    except Failed as error:
        message = str(error)
    except OSError as error:
        message = in_words(error, folder)
    except Exception as error:
        import traceback

        traceback.print_exc()
        message = "{}: {}".format(type(error).__name__, error)
    try:
        if message:
            print(message, file=sys.stderr, flush=True)
    except OSError:
        pass  # the log is on the disk that is full
    try:
        if running is not None:
            running.write_status(state, message)
        else:
            last = {"state": state, "message": message, "plan_id": plan["plan_id"]}
            write_atomically(os.path.join(folder, STATUS_FILE), last)
    except OSError:
        # The disk that is full takes no status either; `status` sees that the job is gone.
        pass
    return 0 if state == DONE else 1


def _keep_status(folder, plan_id):
    """Put the status of another plan where its own controller will look for it."""
    last = _status_in(folder, STATUS_FILE)
    if last.get("plan_id") not in (None, plan_id):
        kept = os.path.join(folder, plan_file(last["plan_id"], ".status"))
        os.makedirs(os.path.dirname(kept), exist_ok=True)
        os.replace(os.path.join(folder, STATUS_FILE), kept)


def _forget_old_plans(folder):
    """Remove what there is of plans that nobody has asked for in a long time."""
    ages = []
    for path in glob.glob(os.path.join(folder, PLANS, "*")):
        try:
            ages.append((os.stat(path).st_mtime, path))
        except OSError:  # its writer has just put it in place
            continue
    for _, path in sorted(ages)[:-KEPT_OF_PLANS]:
        os.remove(path)


def _status_in(folder, name):
    """A status file's object; without a state it is another version's, and counts for nothing."""
    content = read_json(os.path.join(folder, name))
    whole = isinstance(content, dict) and isinstance(content.get("state"), str)
    return content if whole else {"state": NONE}


def status(folder, plan_id=None):
    """The last status, with `running` and the `owner` of the board's lock.

    A job that ended without a final state has the state 'failed' if its log or the disk says
    why, else 'vanished'.
    """
    try:
        owner = BoardLock(read_plan(folder, plan_id)["lock_file"]).owner()
    except Failed:
        owner = {}
    running = owner.get("folder") == folder and plan_id in (None, owner.get("plan_id"))
    # Read after the lock: the status of a job that is gone no longer changes.
    last = _status_in(folder, STATUS_FILE)
    overtaken = plan_id is not None and last.get("plan_id") != plan_id
    if overtaken:
        last = _status_in(folder, plan_file(plan_id, ".status"))
    if not running and last["state"] not in FINAL_STATES + (NONE,):
        message = "the disk is full" if is_full(folder) else ""
        # The log is the last job's.
        message = message or ("" if overtaken else _end_of_log(folder))
        last["state"] = FAILED if message else VANISHED
        last["message"] = message or "the job on the board ended without giving a reason"
    return dict(last, running=running, owner=owner)


def _end_of_log(folder):
    try:
        with open(os.path.join(folder, LOG_FILE), errors="replace") as stream:
            return (stream.read().strip().splitlines() or [""])[-1]
    except OSError:
        return ""


def stop(folder, plan_id=None):
    """Ask the job to stop, if it is the plan's."""
    try:
        write_atomically(os.path.join(folder, STOP_FILE), plan_id)
    except FileNotFoundError:
        return {"state": NONE}
    return {"state": "asked"}


def main(job, pack=None):
    """The command line; `job` is the class that does what a plan says.

    `pack(folder, path, plan_id)` writes the result to a file; the answer has its checksum.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["start", "status", "stop"] + ["pack"] * bool(pack))
    # A relative folder is below where we are; the detached process may be elsewhere.
    parser.add_argument("folder", type=os.path.abspath)
    parser.add_argument("out", nargs="?", help="for pack: the file to write")
    parser.add_argument("--owner", default="{}", help="JSON: the caller, shown to others")
    parser.add_argument("--plan", help="id of the plan that is meant; default: the current one")
    arguments = parser.parse_args()
    folder, plan_id = arguments.folder, arguments.plan
    channel = Answer()
    try:
        if arguments.command == "start":
            answer = start(folder, json.loads(arguments.owner), job, channel, plan_id)
        elif arguments.command == "pack":
            if not arguments.out:
                parser.error("pack needs OUT")
            answer = pack(folder, arguments.out, plan_id)
        else:
            answer = {"status": status, "stop": stop}[arguments.command](folder, plan_id)
    except Failed as error:
        answer = {"state": FAILED, "message": str(error)}
    except OSError as error:
        answer = {"state": FAILED, "message": in_words(error, folder)}
    channel.give(answer)
    return 1 if answer["state"] == FAILED and "running" not in answer else 0
