"""What Collective Knowledge has recorded: which points are whole, which failed, and why.

Standard library only, Python 3.5 and later: this file is copied to boards.

`ck run` ends with 0 whatever became of its points.  A point is good as far as its records hold
successful runs with a time; an aborted one is `{"run": {}}`, a wrong output has a time that
counts for nothing, and the reason of the former is in another file.
"""

import json
import os
import re
import time

POINT_FILE = re.compile(r"ckp-([0-9a-f]{16})\.([0-9]{4})\.json\Z")
LONGEST_REASON = 600
FINAL = (
    (re.compile(r"output is not matching|[Oo]utputs differ"), "wrong-output"),
    (re.compile(r"compilation failed"), "build-failed"),
    (re.compile(r"pre-processing", re.I), "not-supported"),
)
"""Reasons that the same program would only give again; others may have been the moment's."""


class Record:
    """One point in one entry, all of its sub-points together."""

    def __init__(self, uid):
        self.uid = uid
        self.choices = {}
        self.good = 0
        """Repetitions with a time."""
        self.status = ""
        """Why there are not more of them; "" if nothing failed."""
        self.reason = ""

    def is_of(self, point):
        """Whether it is the record of a plan's point (its entry being the right one)."""
        environment = self.choices.get("env", {})
        wanted = list(point["variables"]) + [["CK_IN_SHAPE_N", point["batch_size"]]]
        try:
            same = all(float(environment[key]) == float(value) for key, value in wanted)
        except (KeyError, TypeError, ValueError):
            return False
        return same and environment.get("CK_LWS_TUNER_TYPE", "NONE") == point["tuner"]


def read_entry(folder, settled_s=0.0):
    """[`Record`] of an entry, in the order of their names; what CK has half written is left out.

    `settled_s`: only files that were last written that long ago.
    """
    before = time.time() - settled_s
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    records = {}
    for name in names:
        match = POINT_FILE.match(name)
        if match is None:
            continue
        path = os.path.join(folder, name)
        content = _load(path)
        if content is None or (settled_s and os.path.getmtime(path) > before):
            continue
        record = records.setdefault(match.group(1), Record(match.group(1)))
        record.choices = content.get("choices", {})
        _count(record, content, folder)
    return [records[uid] for uid in sorted(records)]


def forget(folder, record):
    """Take a failed record out of its entry, so that CK measures the point anew."""
    for name in os.listdir(folder):
        if name.startswith("ckp-{}.".format(record.uid)):
            os.remove(os.path.join(folder, name))


def _count(record, content, folder):
    items = content.get("characteristics_list", [])
    for item in items:
        run = item.get("run") or {}
        run = {key.strip(): value for key, value in run.items()}
        time = run.get("execution_time_kernel_1")
        if run and run.get("run_success") != "no" and isinstance(time, (int, float)) and time > 0:
            record.good += 1
            continue
        record.reason = str(run.get("fail_reason") or _flat_reason(folder, record.uid))
        record.reason = record.reason[:LONGEST_REASON] or "CK recorded no reason"
        record.status = _status(run, record.reason)
    if not items:
        record.status, record.reason = "failed", "CK recorded no run"


def _status(run, reason):
    if run.get("output_check_failed") == "yes":
        return "wrong-output"
    for pattern, status in FINAL:
        if pattern.search(reason):
            return status
    return "failed"


def _flat_reason(folder, uid):
    flat = _load(os.path.join(folder, "ckp-{}.flat.json".format(uid))) or {}
    return flat.get("##pipeline_state#fail_reason#min", "")


def _load(path):
    try:
        with open(path, encoding="utf-8") as stream:
            content = json.load(stream)
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
