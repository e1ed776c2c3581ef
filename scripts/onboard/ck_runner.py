#!/usr/bin/env python3
"""Has Collective Knowledge (CK) set up on a board or measure there, detached as a sweep is.

    ck_runner.py start FOLDER     do what FOLDER/plan.json says in the background
    ck_runner.py status FOLDER    print its status as JSON, and whether it runs
    ck_runner.py stop FOLDER      ask it to stop; what CK has recorded stays
    ck_runner.py pack FOLDER OUT  write what CK has recorded for the plan as a zip

Standard library only, Python 3.5 and later: this file is copied to boards.

CK's records are what is measured; the journal here is made from them, and says beyond them only
which points CK was ended at without a record.  A point that has all of its repetitions under its
label is not run again.  If some are missing (more were asked for, or a run ended among them),
they are run under the label's next round, a further entry: CK would drop them otherwise.
"""

import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from ck_command import Ck, CkError, last_words, tail_of
from ck_datasets import Datasets
from ck_pack import pack as pack_zip
from ck_records import POINT_FILE, forget, read_entry
from ck_setup import CkSetup
from clock import utc_now
from detached import Failed, Stopped, main, read_plan, refuse_full_disk
from job_names import JOURNAL_FILE, RUNNING
from json_files import write_atomically
from outcomes import FAILED, OK, TIMEOUT, effective, is_final, read_lines
from plan_journal import PlanJournal
from runner import Sweep

LOG_FILE = "ck.log"
SCAN_EVERY_S = 2.0
SETTLED_S = 2.0
BEGINS_TO_RUN = "Run experiments ..."
RECORDS_REFERENCE = "Recording reference output"
MOST_ROUNDS = 1000


class Entries:
    """The entries of CK in which a plan's points are recorded."""

    def __init__(self, ck, plan):
        local = ck.ask("find", "repo:local")
        if local is None:
            raise CkError("CK has no local repository")
        self._root = os.path.join(local["path"], "experiment")
        self._plan = plan

    def alias(self, point, round_number):
        """Name of the entry that CK records a point in, in the n-th round (from 1)."""
        label = point["label"] if round_number == 1 else self._next_label(point, round_number)
        tag = self._plan["ck"]["library_tag"]
        return "nntest-{}-{}-{}".format(point["program"], tag, label)

    @staticmethod
    def _next_label(point, round_number):
        return "{}-{}".format(point["label"], round_number)

    def label(self, point, round_number):
        """What `ck run --timestamp=` is given."""
        return point["label"] if round_number == 1 else self._next_label(point, round_number)

    def folder(self, alias):
        """Where an entry is."""
        return os.path.join(self._root, alias)

    def read(self, settled_s=0.0):
        """{point id: [(alias, `Record`)]}, one for each round in which it was recorded.

        `settled_s`: only what was written that long ago.
        """
        found = {point["id"]: [] for point in self._plan["points"]}
        content = {}
        for point in self._plan["points"]:
            for number in range(1, MOST_ROUNDS):
                alias = self.alias(point, number)
                if alias not in content:
                    content[alias] = read_entry(self.folder(alias), settled_s)
                if number > 1 and not os.path.isdir(self.folder(alias)):
                    break
                for record in content[alias]:
                    if record.is_of(point):
                        found[point["id"]].append((alias, record))
        return found

    def count(self, alias):
        """How many recordings an entry has by now, whole or not."""
        try:
            return sum(bool(POINT_FILE.match(name)) for name in os.listdir(self.folder(alias)))
        except OSError:
            return 0


class CkSweep(Sweep):
    """A sweep whose points CK measures; progress, status and settings as of every sweep."""

    def __init__(self, folder, plan, lock=None):
        super().__init__(folder, plan, lock)
        self._ck = Ck(plan["ck_run"]["ck"], folder)
        self._log = os.path.join(folder, LOG_FILE)
        self._references = 0

    def work(self):
        """As of every sweep; what CK cannot do ends it with CK's own words."""
        self._entries = Entries(self._ck, self._plan)
        path = os.path.join(self._folder, JOURNAL_FILE)
        _rebuild_journal(path, self._plan, self._entries)
        self._own = PlanJournal(self._folder, self._plan)
        self._parts = [self._own]
        self._taken = {
            (line["point"], line["entry"]) for line in read_lines(path) if line.get("entry")
        }
        super().work()

    def _measure(self):
        points = [point for point in self._plan["points"] if self._own.progress.missing(point)]
        if not points:
            return
        self._current = "looking for data sets"
        self.write_status(RUNNING)
        self._places = Datasets(self._ck).place(points)
        for job in self._jobs(points):
            while job["points"]:
                refuse_full_disk(self._folder)
                warm = self._cool_down()
                try:
                    self._run(job, self._settings.problems + warm)
                except Stopped:
                    self._take_down(job, [])
                    raise
        self._refuse_stop()

    def _jobs(self, points):
        """What goes into one `ck run`: same program, label, batch size, data set, repetitions."""
        jobs = {}
        order = []
        recorded = self._entries.read()
        for point in points:
            dataset, name, position = self._places[point["id"]]
            aliases = {alias for alias, record in recorded[point["id"]] if record.good}
            number = 1
            while self._entries.alias(point, number) in aliases:
                number += 1
            for alias, record in recorded[point["id"]]:
                if not record.good:
                    forget(self._entries.folder(alias), record)
                    self._taken.discard((point["id"], alias))
            missing = len(self._own.progress.missing(point))
            key = (point["program"], point["label"], point["batch_size"], dataset, number, missing)
            if key not in jobs:
                order.append(key)
                jobs[key] = {
                    "dataset": dataset,
                    "round": number,
                    "repetitions": missing,
                    "points": [],
                }
            jobs[key]["points"].append((position, name, point))
        for key in order:
            jobs[key]["points"].sort(key=lambda place: place[0])
        return [jobs[key] for key in order]

    def _run(self, job, notes):
        """One `ck run`; the job is left with the points that are still to be run after it."""
        first = job["points"][0][2]
        alias = self._entries.alias(first, job["round"])
        self._current = "{} {}".format(first["program"], first["tuner"])
        self.write_status(RUNNING)
        start = os.path.getsize(self._log) if os.path.exists(self._log) else 0
        job["deadline_s"] = (
            first["timeout_s"] * job["repetitions"] + self._plan["ck_run"]["overhead_s"]
        )
        job["since"] = job["scanned"] = time.monotonic()
        job["count"] = self._entries.count(alias)
        late = ""
        try:
            status = self._ck.run(
                self._command(job), self._log, lambda: self._while_measuring(job, alias, notes)
            )
        except TooLong as error:
            status, late = None, str(error)
        self._take_down(job, notes)
        text = tail_of(self._log, start)
        self._references += text.count(RECORDS_REFERENCE)
        left = [place for place in job["points"] if not self._is_settled(place[2])]
        if left and not late and BEGINS_TO_RUN not in text and len(left) == len(job["points"]):
            raise CkError(
                "`ck run nntest:{}` measured nothing: {} (the whole log: {})".format(
                    first["program"], last_words(text) or "exit status %s" % status, self._log
                )
            )
        if left:
            # CK runs them in this order, and stopped at the first one that it did not record.
            self._lose(left.pop(0)[2], late, text)
        job["points"] = left

    def _command(self, job):
        first = job["points"][0][2]
        request = {"env": dict(first["ck_env"], CK_LWS_TUNER_TYPE=first["tuner"])}
        tuning = {}
        if not self._plan["ck_run"]["fixed_sleeps"]:
            tuning["sleep"] = 0
        if first["batch_size"] != 1:
            # CK's own list of batch sizes begins with 1, and one iteration takes the first.
            size = first["batch_size"]
            choice = {"type": "loop", "start": size, "stop": size, "step": 1, "default": size}
            tuning["choices_selection"] = [choice]
        if tuning:
            request["custom_autotuning"] = tuning
        path = os.path.join(self._folder, "in.json")
        write_atomically(path, request)
        command = [
            "run",
            "nntest:" + first["program"],
            "--dataset_uoa=" + job["dataset"],
            "--dataset_file=" + ",".join(name for _, name, _ in job["points"]),
            "--timestamp=" + self._entries.label(first, job["round"]),
            "--repetitions={}".format(job["repetitions"]),
            "--iterations=1",
            "--library=" + self._plan["ck_run"]["environment"],
        ]
        if first["profile"]:
            command.append("--dvdt_prof")
        return command + ["@" + path]

    def _while_measuring(self, job, alias, notes):
        now = time.monotonic()
        if now - job["scanned"] > SCAN_EVERY_S:
            job["scanned"] = now
            count = self._entries.count(alias)
            if count != job["count"]:
                job["count"], job["since"] = count, now
                self._take_down(job, notes, SETTLED_S)
        if now - job["since"] > job["deadline_s"]:
            raise TooLong("CK recorded nothing for {:g} s".format(job["deadline_s"]))
        return self.while_waiting()

    # -- what CK has recorded --------------------------------------------------------------

    def _take_down(self, job, notes, settled_s=0.0):
        """Journal what CK has recorded of a job's points since the last look.

        Not what it has written within the last `settled_s`: it may be at it still.
        """
        recorded = self._entries.read(settled_s)
        for _, _, point in job["points"]:
            for alias, record in recorded[point["id"]]:
                if (point["id"], alias) in self._taken:
                    continue
                self._taken.add((point["id"], alias))
                done = len(self._own.progress.done.get(point["id"], ()))
                for line in _lines_of(point, alias, record, done):
                    line["notes"] = notes
                    self._own.keep(line)
                    self._measured_here += line["status"] == OK

    def _is_settled(self, point):
        return point["id"] in self._own.progress.failed or not self._own.progress.missing(point)

    def _lose(self, point, late, text):
        """Take down a point that CK left without a record, as its run was ended or broke."""
        self._refuse_stop()
        line = {
            "point": point["id"],
            "repetition": 0,
            "process": 0,
            "status": TIMEOUT if late else FAILED,
            "reason": late or "CK ended at it without a record: " + last_words(text),
            "log_tail": text[-2000:],
            "started_at": utc_now(),
            "lost": True,
            "notes": [],
        }
        self._own.keep(line)

    def counts(self):
        """As of every sweep, with a remark on outputs that CK had nothing to compare with."""
        counts = super().counts()
        if self._references:
            remark = "{} outputs had no reference in CK's repositories: the first run's became it"
            counts["remarks"] = [remark.format(self._references)]
        return counts


class TooLong(Exception):
    """CK has recorded nothing for longer than a point may take."""


def _lines_of(point, alias, record, first):
    """Journal lines of a record: its good repetitions, then its failure."""
    shared = {"point": point["id"], "entry": alias, "ck_point": record.uid, "noted_at": utc_now()}
    lines = [
        dict(shared, status=OK, repetition=first + index, process=first + index)
        for index in range(record.good)
    ]
    if record.status:
        number = first + record.good
        lines.append(
            dict(
                shared,
                status=record.status,
                reason=record.reason,
                repetition=number,
                process=number,
            )
        )
    return lines


def _rebuild_journal(path, plan, entries):
    """Make the journal say what CK's records say now, and nothing of records that are gone.

    Points that are not in this plan keep their lines.
    """
    old = list(read_lines(path))
    planned = {point["id"]: point for point in plan["points"]}
    kept = [
        line
        for line in effective(old)
        if line.get("point") not in planned or (line.get("lost") and is_final(line["status"]))
    ]
    for identity, recorded in sorted(entries.read().items()):
        count = 0
        for alias, record in recorded:
            lines = _lines_of(planned[identity], alias, record, count)
            count += record.good
            kept += lines
    temporary = path + ".rebuilt"
    if os.path.exists(temporary):
        os.remove(temporary)
    with open(temporary, "w") as stream:
        for line in kept:
            stream.write(json.dumps(line, sort_keys=True) + "\n")
    os.replace(temporary, path)


def job(folder, plan, lock=None):
    """What a plan asks for: setting up, or measuring."""
    return (CkSetup if "setup" in plan else CkSweep)(folder, plan, lock)


def pack(folder, path, plan_id=None):
    """Write what CK has recorded for the plan as a zip."""
    plan = read_plan(folder, plan_id)
    ck = Ck(plan["ck_run"]["ck"], folder)
    points_of = {}
    try:
        for recorded in Entries(ck, plan).read().values():
            for alias, record in recorded:
                points_of.setdefault(alias, set()).add(record.uid)
        lines = list(read_lines(os.path.join(folder, JOURNAL_FILE)))
        checksum = pack_zip(ck, plan, lines, points_of, path)
    except OSError as error:
        raise Failed("the archive cannot be written: {} ({})".format(error.strerror, path))
    return {"state": "packed", "path": path, "sha256": checksum}


if __name__ == "__main__":
    sys.exit(main(job, pack))
